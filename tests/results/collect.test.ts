import { appendFileSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { collectRun } from '../../src/results/collect.js';
import { differenceClasses, type Failure, outcomes, type Results, resultsSchema, type TraceRecord } from '../../src/results/schema.js';
import fc from '../fast-check.js';
import { failingRun, plannedProjects, RUN, recordings, type SampleTest, type Specials, writeJournals } from '../reporters/sample.js';

const startedAt = new Date('2026-11-21T08:00:00Z');

function directoryOf(tests: readonly SampleTest[]): string {
  const directory = mkdtempSync(join(tmpdir(), 'replay-run-'));
  writeJournals(directory, tests);
  return directory;
}

async function collect(tests: readonly SampleTest[], planned = plannedProjects.slice(0, 0)): Promise<Results> {
  return (await collectRun({ directory: directoryOf(tests), run: RUN, startedAt, plannedProjects: planned })).results;
}

const iteration = (k: number, specials: Specials = {}, more: Partial<SampleTest> = {}): SampleTest => ({
  project: `iteration-${k}`,
  title: `iteration ${k}`,
  iteration: k,
  recordings,
  specials,
  ...more,
});
const line = ({ label, difference, outcome, count, follows }: Failure): string =>
  `${label} ${difference?.path ?? outcome} ${count}${follows ? ' follows' : ''}`;

describe('a failing run', () => {
  it('is grouped, ordered and folded', async () => {
    const results = await collect(failingRun(), plannedProjects);
    resultsSchema.parse(results);
    expect(results.verdict).toBe('failed');
    expect(results.failures.map(line)).toEqual([
      'documentOpen ack[0].data.title 1',
      'annotationUpdate changes.annotation.insert.end 1',
      'annotationUpdate pushes.carol.annotationRefresh 1',
      'commentUpdate pushes.alice.commentRefresh 3',
      'commentUpdate changes.comment.insert.id 3 follows',
      'commentDelete skipped 3 follows',
      'search timeout 1',
      'connect / connect-failed 1',
      'listCreate aborted 1 follows',
      'cardAdd aborted 1 follows',
      'disconnect aborted 1 follows',
    ]);
    expect(results.headline).toBe(
      'annotate-together: alice\'s documentOpen (recordings/annotate-together.yaml:15) — ack[0].data.title is "Introduction (copy)", recorded "Introduction"',
    );
    expect(results.notRun).toEqual([{ project: 'iteration-4', iteration: 4 }]);
    expect(results.tests.map(({ verdict }) => verdict)).toEqual(['finished', 'finished', 'finished', 'finished', 'finished', 'failed']);
    const last = results.tests.at(-1);
    expect(last).toMatchObject({
      clients: 12,
      connected: 11,
      connectFailed: 1,
      outcomes: { mismatch: 5, timeout: 1, skipped: 3, 'connect-failed': 1, aborted: 3, passed: 35 },
    });
    expect(results.traces).toHaveLength(13);
  });

  it('shows the lowest iteration first', async () => {
    const special: Specials = { 'search/carol/1@*': { outcome: 'timeout', latency: null } };
    const early: Specials = { 'lists/dave/1@0': { outcome: 'rejected', reason: 'no' } };
    const results = await collect([iteration(3, { ...special, ...early }), iteration(2, special)]);
    expect(results.failures.map(line)).toEqual(['search timeout 5', 'listCreate rejected 1']);
    expect(results.failures[0]).toMatchObject({ projects: ['iteration-2', 'iteration-3'], first: { project: 'iteration-2', iteration: 2, copy: 0 } });
    expect(results.headline).toBe("search: carol's search (recordings/search.yaml:11) — was not acknowledged within 2000 ms");
  });

  it('orders the differences of a trace: removed, type, value, added', async () => {
    const differences = (['added', 'value', 'type', 'removed'] as const).map((kind) => ({ path: `ack[0].${kind}`, class: kind, part: 'ack' as const }));
    const results = await collect([iteration(1, { 'search/carol/1@0': { outcome: 'mismatch', differences } })]);
    expect(results.failures.map(({ difference }) => difference?.class)).toEqual([...differenceClasses]);
  });

  it('takes the last record of a trace', async () => {
    const directory = directoryOf([
      iteration(
        1,
        { 'search/carol/1@0': { outcome: 'mismatch', differences: [{ path: 'ack', class: 'value', part: 'ack' }] } },
        { end: { verdict: 'finished' } },
      ),
    ]);
    const file = join(directory, readdirSync(directory)[0] ?? '');
    const lines = readFileSync(file, 'utf8').trim().split('\n');
    const failed = lines.find((text) => text.includes('"mismatch"')) ?? '';
    const { differences: _, ...judged } = JSON.parse(failed) as TraceRecord;
    appendFileSync(file, `${JSON.stringify({ ...judged, outcome: 'passed' })}\n`);
    const { results } = await collectRun({ directory, run: RUN, startedAt, plannedProjects: [] });
    expect(results).toMatchObject({ verdict: 'passed', failures: [] });
  });
});

describe('the verdict', () => {
  it('is passed with a sentence that says how much', async () => {
    const results = await collect(failingRun().slice(0, 5), plannedProjects.slice(0, 3));
    expect(results).toMatchObject({ verdict: 'passed', headline: 'Passed: 3 recordings, 2 iterations, up to 8 clients, 64 traces', failures: [], notRun: [] });
  });

  it('is failed when nothing was replayed', async () => {
    expect(await collect([])).toMatchObject({ verdict: 'failed', headline: 'Nothing was replayed: no test of a replay project left a result' });
    const { results } = await collectRun({ directory: '/nowhere/at/all', run: RUN, startedAt, plannedProjects });
    expect(results.verdict).toBe('failed');
    expect((await collect([{ project: 'regression', title: 'empty', iteration: 0, recordings: [], begin: { clients: 1 } }])).verdict).toBe('failed');
  });

  it('is interrupted when a journal has no end; its open traces are aborted, and no failure of the application', async () => {
    const directory = directoryOf([iteration(1), iteration(2, {}, { end: null })]);
    const file = join(directory, '1-iteration-2.ndjson');
    const lines = readFileSync(file, 'utf8').split('\n');
    writeFileSync(file, `${lines.slice(0, 12).join('\n')}\n${lines[12]?.slice(0, 30)}`);
    const { results } = await collectRun({ directory, run: RUN, startedAt, plannedProjects: [] });
    expect(results.verdict).toBe('interrupted');
    const [, test] = results.tests;
    const counted = Object.values(test?.outcomes ?? {}).reduce((a, b) => a + b, 0);
    expect(counted).toBe(32);
    expect(test?.outcomes.aborted).toBeGreaterThan(10);
    expect(results.failures.filter(({ follows }) => !follows)).toHaveLength(1);
    expect(results.headline).toContain('was aborted: the run was interrupted');
  });

  it('is failed, not interrupted, when an interrupted run also found something', async () => {
    const results = await collect([iteration(1, { 'search/carol/1@0': { outcome: 'timeout', latency: null } }, { end: null })]);
    expect(results.verdict).toBe('failed');
  });

  it('is interrupted when what was planned did not run although nothing failed', async () => {
    expect(await collect([iteration(1)], plannedProjects.slice(1, 3))).toMatchObject({ verdict: 'interrupted', headline: 'iteration-2 did not run' });
  });

  it('is failed when a finished journal has no result of a trace', async () => {
    const directory = directoryOf([iteration(1)]);
    const file = join(directory, readdirSync(directory)[0] ?? '');
    writeFileSync(
      file,
      readFileSync(file, 'utf8')
        .split('\n')
        .filter((text) => !(text.includes('"carol"') && text.includes('"trace":1,')))
        .join('\n'),
    );
    const { results } = await collectRun({ directory, run: RUN, startedAt, plannedProjects: [] });
    expect(results.verdict).toBe('failed');
    expect(results.tests[0]?.errors[0]?.code).toBe('REPLAY_UNSETTLED');
  });

  it('says why once, where nothing was sent', async () => {
    const directory = directoryOf([
      iteration(2, {}, { end: { verdict: 'failed', errors: [{ code: 'REPLAY_TARGET_UNREACHABLE', message: 'nobody answers' }] } }),
    ]);
    const file = join(directory, readdirSync(directory)[0] ?? '');
    const lines = readFileSync(file, 'utf8').split('\n');
    writeFileSync(file, lines.filter((text) => !/"type":"(trace|session)"/.test(text)).join('\n'));
    const { results } = await collectRun({ directory, run: RUN, startedAt, plannedProjects: [] });
    expect(results.verdict).toBe('failed');
    expect(results.tests[0]?.errors.map(({ code }) => code)).toEqual(['REPLAY_TARGET_UNREACHABLE']);
    expect(new Set(results.traces.map(({ outcome, reason }) => `${outcome}: ${reason}`))).toEqual(new Set(['aborted: nothing was sent: nobody answers']));
  });

  it('is failed when a journal is broken, and the rest is still shown', async () => {
    const directory = directoryOf([iteration(1), iteration(2)]);
    const file = join(directory, '1-iteration-2.ndjson');
    writeFileSync(file, readFileSync(file, 'utf8').replace('"type":"trace"', '"type":"tracy"'));
    const { results } = await collectRun({ directory, run: RUN, startedAt, plannedProjects: [] });
    expect(results.verdict).toBe('failed');
    expect(results.tests).toHaveLength(2);
    expect(results.tests[1]?.errors[0]?.message).toContain('1-iteration-2.ndjson:');
  });

  it('is not touched by quarantined failures, which are shown', async () => {
    const results = await collect([
      iteration(2, { 'search/carol/1@*': { outcome: 'timeout', latency: null, quarantined: true } }, { end: { verdict: 'finished' } }),
    ]);
    expect(results).toMatchObject({ verdict: 'passed' });
    expect(results.failures).toMatchObject([{ quarantined: true, count: 2 }]);
    expect(results.headline).toContain('1 quarantined failure not counted');
    const mixed = await collect([
      iteration(2, { 'search/carol/1@0': { outcome: 'timeout', latency: null, quarantined: true }, 'search/carol/1@1': { outcome: 'timeout', latency: null } }),
    ]);
    expect(mixed.verdict).toBe('failed');
    expect(mixed.failures[0]?.quarantined).toBeUndefined();
  });

  const known = { owner: 'ana', reason: 'the cache loses it', expires: '2026-12-31' };
  const withQuarantine = recordings.map((one) => ({
    ...one,
    sessions: one.sessions.map((session) => ({ ...session, traces: session.traces.map((trace) => ({ ...trace, quarantine: known })) })),
  }));

  it('counts what is in quarantine, and says who looks after it', async () => {
    const special: Specials = { 'search/carol/1@*': { outcome: 'timeout', latency: null, quarantined: true } };
    const results = await collect([iteration(2, special, { recordings: withQuarantine, end: { verdict: 'finished' } })]);
    expect(resultsSchema.parse(results)).toMatchObject({ verdict: 'passed', quarantined: 1, failures: [{ quarantined: true, quarantine: known }] });
    expect((await collect([iteration(2)])).quarantined).toBeUndefined();
  });

  it('says of a failure that counts that its quarantine is over', async () => {
    const special: Specials = { 'search/carol/1@*': { outcome: 'timeout', latency: null } };
    const results = await collect([iteration(2, special, { recordings: withQuarantine })]);
    expect(results.verdict).toBe('failed');
    expect(results.headline).toMatch(/ms; its quarantine is over: quarantined by ana until 2026-12-31: the cache loses it$/);
  });

  it('is updated where a recording was written anew, and nothing else failed', async () => {
    const special: Specials = { 'search/carol/1@0': { outcome: 'mismatch', differences: [{ path: 'ack', class: 'value', part: 'ack' }] } };
    const updated = { type: 'updated' as const, recording: 'search', file: 'recordings/search.yaml', traces: [{ session: 'carol', trace: 1 }] };
    const alone: SampleTest = { project: 'regression', title: 'search', iteration: 0, recordings: recordings.filter(({ name }) => name === 'search') };
    const results = await collect([{ ...alone, specials: special, after: [updated] }, iteration(1)]);
    expect(resultsSchema.parse(results)).toMatchObject({
      verdict: 'updated',
      failures: [{ updated: true }],
      tests: [{ verdict: 'updated', updated: [{ recording: 'search', file: 'recordings/search.yaml', traces: 1 }] }, { verdict: 'finished' }],
    });
    expect(results.headline).toMatch(/^Updated 1 recording: recordings\/search.yaml \(1 trace\)\. /);
    const other: Specials = {
      ...special,
      'search/carol/0@0': { outcome: 'mismatch', differences: [{ path: 'pushes.carol.a', class: 'removed', part: 'push' }] },
    };
    expect((await collect([{ ...alone, specials: other, after: [updated] }])).verdict).toBe('failed');
    expect((await collect([{ ...alone, specials: special, after: [updated] }, iteration(1, special)])).verdict).toBe('failed');
  });

  it('takes a disabled trace that was skipped as it should be', async () => {
    const [, search] = recordings;
    const disabled = [
      {
        ...search,
        sessions: search?.sessions.map((session) => ({
          ...session,
          traces: session.traces.map((trace, i) => (i === 1 ? { ...trace, disabled: true } : trace)),
        })),
      },
    ] as typeof recordings;
    const results = await collect([
      { ...iteration(1, { 'search/carol/1@0': { outcome: 'skipped', start: null } }, { end: { verdict: 'finished' } }), recordings: disabled },
    ]);
    expect(results.verdict).toBe('passed');
  });

  it('counts the last attempt of a retried test, and says so', async () => {
    const test: SampleTest = { project: 'regression', title: 'search', iteration: 0, recordings: recordings.slice(1, 2) };
    const results = await collect([
      { ...test, specials: { 'search/carol/1@0': { outcome: 'timeout', latency: null } } },
      { ...test, begin: { at: Date.UTC(2027, 0, 1) } },
    ]);
    expect(results).toMatchObject({ verdict: 'passed' });
    expect(results.tests).toHaveLength(1);
    expect(results.tests[0]?.notes).toMatchObject([{ code: 'retried', message: expect.stringContaining('failed') }]);
  });

  it('leaves out journals of another run', async () => {
    expect((await collect([iteration(1, {}, { begin: { run: 'another' } })])).errors[0]?.code).toBe('REPLAY_EMPTY');
  });
});

describe('grouping', () => {
  const places = recordings.flatMap((recording) =>
    recording.sessions.flatMap((session) => session.traces.map((_, trace) => `${recording.name}/${session.id}/${trace}`)),
  );
  const difference = fc.record({
    path: fc.constantFrom('ack[0]', 'pushes.alice.x', 'changes.t.insert.c', '__proto__'),
    class: fc.constantFrom(...differenceClasses),
    part: fc.constant('ack' as const),
  });
  const special = fc.record(
    {
      outcome: fc.constantFrom(...outcomes.filter((outcome) => outcome !== 'passed')),
      differences: fc.array(difference, { maxLength: 4 }),
      reason: fc.string(),
      needs: fc.record({
        name: fc.constantFrom('annotation1', 'comment1', 'list1'),
        producer: fc.record({ session: fc.constantFrom('alice', 'bob', 'dave'), trace: fc.nat(3) }),
      }),
      quarantined: fc.constant(true as const),
    },
    { requiredKeys: ['outcome'] },
  );

  it('loses no failing trace and counts each once for each of its differences', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(
          fc.tuple(fc.constantFrom(...places), fc.constantFrom('0', '1', '2', '*')).map(([place, copy]) => `${place}@${copy}`),
          special,
          { maxKeys: 12 },
        ),
        fc.integer({ min: 1, max: 3 }),
        async (specials, k) => {
          const results = await collect([iteration(1, specials), iteration(k + 1, specials)]);
          const counts = new Map<string, number>();
          for (const { recording, session, trace, outcome, differences } of results.traces) {
            const keys = new Set(
              (differences?.length ? differences : [undefined]).map((item) => JSON.stringify([recording, session, trace, item?.path, item?.class ?? outcome])),
            );
            for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
          }
          const grouped = new Map(
            results.failures.map(({ recording, session, trace, difference: item, outcome, count }) => [
              JSON.stringify([recording, session, trace, item?.path, item?.class ?? outcome]),
              count,
            ]),
          );
          expect(grouped).toEqual(counts);
          expect(new Set(results.failures.map(({ id }) => id)).size).toBe(results.failures.length);
          // What is folded is folded under a failure that stands by itself.
          const roots = new Set(results.failures.filter(({ follows }) => !follows).map(({ id }) => id));
          for (const { follows } of results.failures) if (follows) expect(roots.has(follows)).toBe(true);
          if (results.failures.length > 0) expect(results.failures[0]?.follows).toBeUndefined();
          resultsSchema.parse(results);
        },
      ),
      { numRuns: 60 },
    );
  });
});
