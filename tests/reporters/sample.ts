/** Journals of a realistic run, made by hand: what the harness would leave. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Json } from '../../src/recording/json.js';
import type { BeginRecord, Difference, EndRecord, JournalRecord, Outcome, Recorded, TraceRecord } from '../../src/results/schema.js';

export const RUN = 'run-2026-11-21';
const AT = Date.UTC(2026, 10, 21, 8, 0, 0);

const id = (name: string): Json => ({ '!id': { name } });
const any = (type: string): Json => ({ '!any': { type } });

type RecordedTrace = Recorded['sessions'][number]['traces'][number];
const step = (label: string, line: number, expected: Json, kind: RecordedTrace['kind'] = 'emit'): RecordedTrace => ({ label, line, kind, expected });
const connect = (line: number): RecordedTrace => step('connect /', line, { connect: { namespace: '/' } }, 'connect');
const disconnect = (line: number): RecordedTrace => step('disconnect', line, { disconnect: 'client namespace disconnect' }, 'disconnect');

const refreshed: Json = [[{ id: id('annotation1'), text: 'a lack of data', documentId: 7, tags: ['method', 'review'] }]];

export const recordings: Recorded[] = [
  {
    name: 'annotate-together',
    file: 'recordings/annotate-together.yaml',
    sessions: [
      {
        id: 'alice',
        user: 'alice',
        line: 8,
        traces: [
          { ...connect(12), expected: { connect: { namespace: '/' }, pushes: [{ to: 'alice', event: 'ready' }] } },
          step('documentOpen', 15, {
            emit: 'documentOpen',
            args: [{ documentId: 7 }],
            ack: [{ success: true, data: { id: 7, title: 'Introduction', openedAt: any('timestamp') } }],
          }),
          step('annotationUpdate', 18, {
            emit: 'annotationUpdate',
            args: [{ documentId: 7, text: 'a lack of data', start: 4, end: 17 }],
            ack: [{ success: true, data: { id: id('annotation1') } }],
            pushes: [{ to: ['alice', 'bob'], event: 'annotationRefresh', args: refreshed }],
            changes: [
              { insert: 'annotation', row: { id: id('annotation1'), documentId: 7, text: 'a lack of data', start: 4, end: 17, createdAt: any('timestamp') } },
              { update: 'document', key: { id: 7 }, set: { rev: { '!delta': { n: 1 } } } },
            ],
          }),
          disconnect(33),
        ],
      },
      {
        id: 'bob',
        user: 'bob',
        line: 34,
        traces: [
          connect(37),
          step('commentUpdate', 41, {
            emit: 'commentUpdate',
            args: [{ annotationId: id('annotation1'), text: 'agreed' }],
            ack: [{ success: true }],
            pushes: [{ to: 'alice', event: 'commentRefresh', args: [[{ id: id('comment1'), text: 'agreed' }]] }],
            changes: [{ insert: 'comment', row: { id: id('comment1'), annotationId: id('annotation1'), text: 'agreed' } }],
          }),
          step('commentDelete', 50, {
            emit: 'commentDelete',
            args: [{ id: id('comment1') }],
            ack: [{ success: true }],
            changes: [{ delete: 'comment', key: { id: id('comment1') } }],
          }),
          disconnect(54),
        ],
      },
    ],
  },
  {
    name: 'search',
    file: 'recordings/search.yaml',
    sessions: [
      {
        id: 'carol',
        user: 'carol',
        line: 6,
        traces: [
          connect(9),
          step('search', 11, { emit: 'search', args: ['data'], ack: [{ hits: any('integer') }] }),
          step('pageView', 14, { emit: 'pageView', args: [{ page: '/search' }] }),
          disconnect(17),
        ],
      },
    ],
  },
  {
    name: 'lists',
    file: 'recordings/lists.yaml',
    sessions: [
      {
        id: 'dave',
        user: null,
        line: 6,
        traces: [
          connect(9),
          step('listCreate', 12, { emit: 'listCreate', args: [{ name: { '!unique': { text: 'reading' } } }], ack: [{ id: id('list1') }] }),
          step('cardAdd', 16, { emit: 'cardAdd', args: [{ list: id('list1') }], ack: [{ success: true }] }),
          disconnect(20),
        ],
      },
    ],
  },
];

type Special = Partial<TraceRecord> & { outcome: Outcome };
/** By `recording/session/trace@copy`; `@*` for all copies. */
export type Specials = Record<string, Special>;

export interface SampleTest {
  project: string;
  title: string;
  iteration: number;
  recordings: Recorded[];
  specials?: Specials;
  /** by `recording/session@copy` */
  failedSessions?: Record<string, string>;
  end?: Partial<EndRecord> | null;
  begin?: Partial<BeginRecord>;
  notes?: JournalRecord[];
  observed?: boolean;
  /** behind `end` */
  after?: JournalRecord[];
}

let seed = 7;
/** Repeatable, so that screenshots and tests do not change. */
function random(): number {
  seed = (seed * 16807) % 2147483647;
  return seed / 2147483647;
}

function journalOf(test: SampleTest): JournalRecord[] {
  const pool = test.recordings.flatMap((recording) => recording.sessions.map((session) => ({ recording, session })));
  const copies = Math.max(1, test.iteration);
  const records: JournalRecord[] = [
    {
      type: 'begin',
      version: 1,
      run: RUN,
      test: { title: test.title, project: test.project, file: 'scenarios/replay.spec.ts', line: test.iteration > 0 ? 14 : 6 },
      kind: test.iteration > 0 ? 'iteration' : 'regression',
      iteration: test.iteration,
      target: 'http://127.0.0.1:3117',
      at: AT + test.iteration * 4000,
      level: test.iteration > 0 ? 'shared' : 'exact',
      speed: 'fast',
      ackTimeout: 2000,
      probe: true,
      measures: ['acks', 'pushes', 'changes'],
      notMeasured: [],
      copies,
      clients: copies * pool.length,
      recordings: test.recordings,
      ...test.begin,
    },
  ];
  let failed = false;
  for (let copy = 0; copy < copies; copy += 1)
    for (const { recording, session } of pool) {
      const reason = test.failedSessions?.[`${recording.name}/${session.id}@${copy}`];
      records.push({
        type: 'session',
        recording: recording.name,
        session: session.id,
        copy,
        user: session.user,
        outcome: reason ? 'connect-failed' : 'connected',
        ...(reason && { reason }),
        login: 18 + random() * 9,
        connect: reason ? null : 4 + random() * 6,
      });
      for (const [trace, recorded] of session.traces.entries()) {
        if (reason) break;
        const special = test.specials?.[`${recording.name}/${session.id}/${trace}@${copy}`] ?? test.specials?.[`${recording.name}/${session.id}/${trace}@*`];
        if (special && special.outcome !== 'passed') failed = true;
        const hasAck = typeof recorded.expected === 'object' && recorded.expected !== null && 'ack' in recorded.expected;
        records.push({
          type: 'trace',
          recording: recording.name,
          session: session.id,
          trace,
          copy,
          outcome: 'passed',
          start: (session.id === 'bob' ? 400 : 0) + trace * 130 + random() * 20,
          latency: hasAck || recorded.kind === 'connect' ? (3 + random() * 9) * Math.max(1, test.iteration * 1.4) : null,
          ...(recorded.kind === 'emit' && !hasAck && { noAck: true as const }),
          compared: { value: 7, type: 2, ignored: trace % 2 },
          ...(test.observed && { observed: concrete(recorded.expected) }),
          ...special,
        });
      }
      if (reason) failed = true;
    }
  records.push(...(test.notes ?? []));
  if (test.end !== null)
    records.push({
      type: 'end',
      verdict: failed ? 'failed' : 'finished',
      took: 900 + test.iteration * 350,
      foreign: test.iteration * 12,
      unattributed: { pushes: 0, changes: test.iteration },
      eventLoopDelay: 3 + test.iteration * 2.4,
      errors: [],
      ...test.end,
    });
  return records;
}

/** The recorded trace with values where tags stand. */
function concrete(json: Json): Json {
  if (Array.isArray(json)) return json.map(concrete);
  if (typeof json !== 'object' || json === null) return json;
  const [tag] = Object.keys(json);
  if (tag === '!id') return 4711;
  if (tag === '!any') return '2026-11-21T08:00:01.250Z';
  if (tag === '!delta') return 12;
  if (tag === '!unique') return 'reading-1';
  const out = Object.fromEntries(Object.entries(json).map(([key, item]) => [key, concrete(item)])) as { [key: string]: Json };
  if (typeof out.update === 'string') out.was = { id: 7, title: 'Introduction', rev: 11 };
  if (typeof out.delete === 'string') out.was = { id: 4711, annotationId: 4711, text: 'agreed' };
  return out;
}

const missingPush: Difference = { path: 'pushes.alice.commentRefresh', class: 'removed', part: 'push', expected: [[{ id: id('comment1'), text: 'agreed' }]] };
const nullColumn: Difference = { path: 'changes.annotation.insert.end', class: 'type', part: 'change', expected: 17, actual: null };
const leak: Difference = {
  path: 'pushes.carol.annotationRefresh',
  class: 'added',
  part: 'push',
  actual: [[{ id: 4713, text: 'a lack of data' }]],
  note: 'recordings/search.yaml never records this event: a leak',
};
const wrongText: Difference = { path: 'ack[0].data.title', class: 'value', part: 'ack', expected: 'Introduction', actual: 'Introduction (copy)' };

const traceAt = (recording: number, session: number, trace: number): Json => recordings[recording]?.sessions[session]?.traces[trace]?.expected ?? null;

const nullInserted = (): Json => {
  const seen = concrete(traceAt(0, 0, 2)) as { changes: { row?: { [key: string]: Json } }[] };
  if (seen.changes[0]?.row) seen.changes[0].row.end = null;
  return seen as unknown as Json;
};
const withoutPush = (): Json => ({ ...(concrete(traceAt(0, 1, 1)) as { [key: string]: Json }), pushes: [] });
const wrongTitle = (): Json => {
  const seen = concrete(traceAt(0, 0, 1)) as { ack: { data: { title: string } }[] };
  if (seen.ack[0]) seen.ack[0].data.title = 'Introduction (copy)';
  return seen as unknown as Json;
};

const skippedDelete: Special = {
  outcome: 'skipped',
  start: null,
  latency: null,
  reason: 'the name comment1 was not bound within 2000 ms',
  needs: { name: 'comment1', producer: { session: 'bob', trace: 1 } },
};
const missing: Special = {
  outcome: 'mismatch',
  differences: [
    missingPush,
    { path: 'changes.comment.insert.id', class: 'value', part: 'change', expected: id('comment1'), actual: 4712, follows: 'comment1' },
  ],
  waited: 2000,
  observed: withoutPush(),
};

export const failingRun = (): SampleTest[] => [
  { project: 'regression', title: 'annotate-together', iteration: 0, recordings: recordings.slice(0, 1), observed: true },
  { project: 'regression', title: 'search', iteration: 0, recordings: recordings.slice(1, 2), observed: true },
  {
    project: 'regression',
    title: 'lists',
    iteration: 0,
    recordings: recordings.slice(2),
    observed: true,
    begin: { level: 'shared', levelReason: 'no reset is configured', at: AT + 900 },
  },
  { project: 'iteration-1', title: 'iteration 1', iteration: 1, recordings },
  { project: 'iteration-2', title: 'iteration 2', iteration: 2, recordings },
  {
    project: 'iteration-3',
    title: 'iteration 3',
    iteration: 3,
    recordings,
    begin: { notMeasured: ['no fence: what must not be received is not measured'] },
    specials: {
      'annotate-together/bob/1@*': missing,
      'annotate-together/bob/2@*': skippedDelete,
      'annotate-together/alice/2@1': { outcome: 'mismatch', differences: [nullColumn, leak], observed: nullInserted() },
      'annotate-together/alice/1@2': { outcome: 'mismatch', differences: [wrongText], observed: wrongTitle() },
      'search/carol/1@2': { outcome: 'timeout', latency: null, reason: 'no acknowledgement within 2000 ms' },
    },
    failedSessions: { 'lists/dave@2': 'the server refused: too many connections' },
    notes: [
      {
        type: 'note',
        level: 'warning',
        code: 'unattributed-change',
        message: 'an update of statistic has no cause that is proven',
        detail: { table: 'statistic', key: { id: 3 } },
      },
      { type: 'note', level: 'info', code: 'foreign', message: '36 pushes of other recordings were counted and not judged' },
    ],
  },
];

export const plannedProjects = ['regression', 'iteration-1', 'iteration-2', 'iteration-3', 'iteration-4'].map((project, iteration) => ({ project, iteration }));

export function writeJournals(directory: string, tests: readonly SampleTest[]): void {
  mkdirSync(directory, { recursive: true });
  for (const [i, test] of tests.entries())
    writeFileSync(
      join(directory, `${i}-${test.project}.ndjson`),
      `${[...journalOf(test), ...(test.after ?? [])].map((record) => JSON.stringify(record)).join('\n')}\n`,
    );
}
