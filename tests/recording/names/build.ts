/** Recordings by hand: one line a trace. */
import type { Evidence, TableInfo } from '../../../src/recording/evidence.js';
import { findNames } from '../../../src/recording/names/index.js';
import type { ChangeEntry, Push, Recording, Trace } from '../../../src/recording/schema.js';
import type { Value, ValueObject } from '../../../src/recording/values.js';

export const START = Date.parse('2026-11-21T08:00:00.000Z');
/** A time of the recording, as the server writes it. */
export const at = (ms: number): string => new Date(START + ms).toISOString();

export const table = (name: string, columns: string[] = [], more: { refers?: Record<string, string>; unique?: string[]; key?: string[] } = {}): TableInfo => ({
  name,
  key: more.key ?? ['id'],
  columns: [...(more.key ?? ['id']), ...columns].map((column) => ({ name: column, type: '' })),
  foreignKeys: Object.entries(more.refers ?? {}).map(([column, to]) => ({ column, table: to.split('.')[0] ?? '', references: to.split('.')[1] ?? 'id' })),
  unique: more.unique ?? [],
});

export const annotator: TableInfo[] = [
  table('user', ['name'], { unique: ['name'] }),
  table('document', ['title', 'rev', 'views', 'locked', 'updatedBy', 'updatedAt'], { refers: { updatedBy: 'user' } }),
  table('tag', ['name', 'createdBy'], { refers: { createdBy: 'user' }, unique: ['name'] }),
  table('annotation', ['documentId', 'userId', 'text', 'tagId', 'shareKey', 'createdAt'], {
    refers: { documentId: 'document', userId: 'user', tagId: 'tag' },
    unique: ['shareKey'],
  }),
  table('comment', ['annotationId', 'text'], { refers: { annotationId: 'annotation' } }),
  table('upload', ['documentId', 'sha256'], { refers: { documentId: 'document' } }),
];

type Step = Trace & { by?: string; lasts?: number };
export const emit = (
  event: string,
  args: Value[],
  rest: { ack?: Value[]; pushes?: Push[]; changes?: ChangeEntry[]; by?: string; lasts?: number } = {},
): Step => ({ emit: event, args, ...rest });
export const push = (event: string, ...args: Value[]): Push => ({ to: 'alice', event, args });
export const insert = (into: string, row: ValueObject): ChangeEntry => ({ insert: into, row });
export const update = (name: string, key: ValueObject, set: ValueObject, was: ValueObject = {}): ChangeEntry => ({ update: name, key, set, was });

/** Steps a second apart, by alice or by whom they say. */
export function recordingOf(steps: Step[]): Recording {
  const sessions = [...new Set(['alice', ...steps.map(({ by }) => by ?? 'alice')])];
  const entries = steps.map(({ by = 'alice', lasts = 10, ...trace }, i) => ({ by, trace: trace as Trace, time: [i * 1000, lasts] as [number, number] }));
  return {
    version: 1,
    name: 'made',
    status: 'finished',
    sessions: sessions.map((session) => {
      const own = entries.filter(({ by }) => by === session);
      return { id: session, times: own.map(({ time }) => time), traces: own.map(({ trace }) => trace) };
    }),
  };
}

export const evidenceOf = (tables: TableInfo[] = annotator): Evidence => ({
  tables,
  startedAt: START,
  sockets: { alice: 'SIDalice0000000000AB', bob: 'SIDbob000000000000AB' },
});

/** The named traces in the order of the steps. */
export function named(steps: Step[], tables?: TableInfo[]): Trace[] {
  const { sessions } = findNames(recordingOf(steps), evidenceOf(tables)).recording;
  const next = new Map(sessions.map((session) => [session.id, [...session.traces]]));
  return steps.map(({ by = 'alice' }) => next.get(by)?.shift() as Trace);
}
