import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FullConfig, FullResult, Suite, TestCase } from '@playwright/test/reporter';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { githubAnnotations, markdownSummary } from '../../reporters/ci/github.js';
import ReplayReporter from '../../reporters/html/reporter.js';
import { collectRun } from '../../src/results/collect.js';
import { type Results, resultsSchema } from '../../src/results/schema.js';
import { buildAssets, temporary } from './browser.js';
import { failingRun, plannedProjects, RUN, recordings, type SampleTest, writeJournals } from './sample.js';

let assets: string;
beforeAll(async () => {
  assets = await buildAssets();
});

/** As much of Playwright's suite as the reporter looks at. */
function suiteOf(projects: { name: string; iteration?: number; tests: { title: string; status?: string; ok?: boolean; message?: string }[] }[]): Suite {
  const suites = projects.map(({ name, iteration, tests }) => {
    const project = { name, metadata: iteration === undefined ? {} : { iteration } };
    const parent = { title: name, project: () => project };
    const cases = tests.map(
      ({ title, status = 'passed', ok = true, message }) =>
        ({
          title,
          parent,
          expectedStatus: status === 'skipped' ? 'skipped' : 'passed',
          location: { file: 'a', line: iteration ? 14 : 6, column: 1 },
          results: status === 'none' ? [] : [{ status, error: message ? { message } : undefined }],
          ok: () => ok,
        }) as unknown as TestCase,
    );
    return { ...parent, allTests: () => cases };
  });
  return { suites } as unknown as Suite;
}

interface Outcome {
  status: FullResult['status'] | undefined;
  folder: string;
  printed: string;
}

let printed: string[];
beforeEach(() => {
  printed = [];
  for (const method of ['log', 'error'] as const) vi.spyOn(console, method).mockImplementation((...parts: unknown[]) => void printed.push(parts.join(' ')));
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

async function report(
  suite: Suite,
  tests: readonly SampleTest[],
  status: FullResult['status'],
  outputFolder = join(temporary('report'), 'out'),
  errors: string[] = [],
  meanwhile: () => void = () => undefined,
): Promise<Outcome> {
  const directory = temporary('run');
  writeJournals(directory, tests);
  vi.stubEnv('REPLAY_RUN_DIR', directory);
  vi.stubEnv('REPLAY_RUN', RUN);
  vi.stubEnv('REPLAY_REPORT_DIR', '');
  vi.stubEnv('GITHUB_ACTIONS', '');
  const reporter = new ReplayReporter({ outputFolder, assets });
  reporter.onBegin({} as FullConfig, suite);
  meanwhile();
  for (const message of errors) reporter.onError({ message });
  const end = await reporter.onEnd({ status, startTime: new Date(), duration: 1 });
  return { status: end?.status, folder: outputFolder, printed: printed.join('\n') };
}

const resultsIn = (folder: string): Results => resultsSchema.parse(JSON.parse(readFileSync(join(folder, 'results.json'), 'utf8')));
const iterations = (...ks: number[]) => ks.map((k) => ({ name: `iteration-${k}`, iteration: k, tests: [{ title: `iteration ${k}` }] }));
const regression = { name: 'regression', iteration: 0, tests: [{ title: 'annotate-together' }, { title: 'search' }, { title: 'lists' }] };

describe('the reporter', () => {
  it('writes the report, prints what failed, and leaves a verdict that agrees', async () => {
    const suite = suiteOf([
      regression,
      ...iterations(1, 2),
      { name: 'iteration-3', iteration: 3, tests: [{ title: 'iteration 3', status: 'failed', ok: false }] },
      { name: 'iteration-4', iteration: 4, tests: [{ title: 'iteration 4', status: 'none' }] },
    ]);
    const { status, folder, printed: text } = await report(suite, failingRun(), 'failed');
    expect(status).toBeUndefined();
    expect(resultsIn(folder)).toMatchObject({ verdict: 'failed', notRun: [{ project: 'iteration-4' }], errors: [] });
    expect(readFileSync(join(folder, 'index.html'), 'utf8')).toContain('default-src &#x27;none&#x27;');
    expect(text).toContain('socket-replay: failed');
    expect(text).toContain('recordings/annotate-together.yaml:41  3x in iteration-3; 2 failures only follow from it');
    expect(text).toContain('Not run: iteration-4');
    expect(text).toContain('index.html');
  });

  it('fails a run that Playwright takes for passed', async () => {
    const { status } = await report(suiteOf([regression, ...iterations(1, 2, 3)]), failingRun(), 'passed');
    expect(status).toBe('failed');
  });

  it('passes with Playwright', async () => {
    const { status, folder, printed: text } = await report(suiteOf([regression, ...iterations(1, 2)]), failingRun().slice(0, 5), 'passed');
    expect(status).toBeUndefined();
    expect(resultsIn(folder).verdict).toBe('passed');
    expect(text).toContain('Passed: 3 recordings, 2 iterations, up to 8 clients, 64 traces');
  });

  it('passes where iterations skip themselves when they begin, because every recording is replayed alone only', async () => {
    const suite = suiteOf([regression, { name: 'iteration-1', iteration: 1, tests: [{ title: 'iteration 1', status: 'none' }] }]);
    const skip = (): void => {
      for (const test of suite.suites[1]?.allTests() ?? []) Object.assign(test, { expectedStatus: 'skipped', results: [{ status: 'skipped' }] });
    };
    const alone = failingRun().filter(({ project }) => project === 'regression');
    const { status, folder } = await report(suite, alone, 'passed', undefined, [], skip);
    expect(status).toBeUndefined();
    expect(resultsIn(folder)).toMatchObject({ verdict: 'passed', notRun: [] });
  });

  it('passes with Playwright where recordings were written anew, and never reads passed', async () => {
    const [search] = recordings.filter(({ name }) => name === 'search');
    const test: SampleTest = {
      ...{ project: 'regression', title: 'search', iteration: 0, recordings: search ? [search] : [] },
      specials: { 'search/carol/1@0': { outcome: 'rejected', reason: 'no' } },
      after: [{ type: 'updated', recording: 'search', file: 'recordings/search.yaml', traces: [{ session: 'carol', trace: 1 }] }],
    };
    const { status, folder, printed: text } = await report(suiteOf([regression]), [test], 'passed');
    expect(status).toBeUndefined();
    expect(resultsIn(folder).verdict).toBe('updated');
    expect(text).toMatch(/socket-replay: updated 1\n[\s\S]*search: carol's search — was rejected: no\n {5}recordings\/search.yaml:11 {2}updated/);
    expect(text).not.toContain('passed');
    expect(markdownSummary(resultsIn(folder))).toContain('socket-replay: updated');
    expect(githubAnnotations(resultsIn(folder))).toEqual([]);
    // An assertion of the scenario that failed behind it is no update.
    const red = await report(suiteOf([{ ...regression, tests: [{ title: 'search', status: 'failed', ok: false, message: 'p95' }] }]), [test], 'failed');
    expect(resultsIn(red.folder)).toMatchObject({ verdict: 'failed', errors: [{ code: 'REPLAY_TEST_FAILED' }] });
  });

  it('shows what is in quarantine with its owner and its end', async () => {
    const quarantine = { owner: 'ana', reason: 'the cache loses it', expires: '2026-12-31' };
    const [search] = recordings
      .filter(({ name }) => name === 'search')
      .map((one) => ({ ...one, sessions: one.sessions.map((session) => ({ ...session, traces: session.traces.map((trace) => ({ ...trace, quarantine })) })) }));
    const test: SampleTest = {
      ...{ project: 'regression', title: 'search', iteration: 0, recordings: search ? [search] : [], end: { verdict: 'finished' as const } },
      specials: { 'search/carol/1@0': { outcome: 'rejected', reason: 'no', quarantined: true } },
    };
    const { status, printed: text } = await report(suiteOf([regression]), [test], 'passed');
    expect(status).toBeUndefined();
    expect(text).toContain('socket-replay: passed, quarantined 1\n');
    expect(text).toContain('recordings/search.yaml:11  quarantined by ana until 2026-12-31: the cache loses it');
  });

  it('says nothing where no replay project ran, and for a list of tests', async () => {
    const other = await report(suiteOf([{ name: 'unit', tests: [{ title: 'a' }] }]), [], 'passed');
    expect([other.status, other.printed, existsSync(other.folder)]).toEqual([undefined, '', false]);
    const list = await report(suiteOf([{ name: 'regression', iteration: 0, tests: [{ title: 'a', status: 'none' }] }]), [], 'passed');
    expect([list.status, list.printed, existsSync(list.folder)]).toEqual([undefined, '', false]);
  });

  it('fails when replay tests ran and left nothing', async () => {
    const { status, folder } = await report(suiteOf([regression]), [], 'passed');
    expect(status).toBe('failed');
    expect(resultsIn(folder)).toMatchObject({ verdict: 'failed', errors: [{ code: 'REPLAY_EMPTY' }] });
  });

  it('carries an assertion of the scenario that failed although every trace passed', async () => {
    const suite = suiteOf([
      {
        name: 'iteration-1',
        iteration: 1,
        tests: [{ title: 'iteration 1', status: 'failed', ok: false, message: '\u001b[31mexpected p95 < 5\u001b[39m\nat x' }],
      },
    ]);
    const { folder } = await report(suite, failingRun().slice(3, 4), 'failed');
    expect(resultsIn(folder)).toMatchObject({ verdict: 'failed', headline: 'iteration-1: iteration 1: expected p95 < 5' });
  });

  it('reads not started when nothing could begin', async () => {
    const { folder, printed: text } = await report(
      suiteOf([{ name: 'regression', iteration: 0, tests: [{ title: 'a', status: 'none' }] }]),
      [],
      'failed',
      undefined,
      ['Error: webServer did not start'],
    );
    expect(resultsIn(folder)).toMatchObject({ verdict: 'not-started', headline: 'Error: webServer did not start' });
    expect(text).toContain('not started');
  });

  it('fails the run when the report cannot be written, and says why', async () => {
    const file = join(temporary('report'), 'file');
    writeFileSync(file, '');
    const { status, printed: text } = await report(suiteOf([regression]), failingRun().slice(0, 3), 'passed', join(file, 'below'));
    expect(status).toBe('failed');
    expect(text).toContain('REPLAY_REPORT');
  });

  it('writes to REPLAY_REPORT_DIR where it is set', async () => {
    const directory = temporary('run');
    const folder = join(temporary('report'), 'env');
    writeJournals(directory, failingRun().slice(3, 4));
    for (const [name, value] of Object.entries({ REPLAY_RUN_DIR: directory, REPLAY_RUN: RUN, REPLAY_REPORT_DIR: folder, GITHUB_ACTIONS: '' }))
      vi.stubEnv(name, value);
    const reporter = new ReplayReporter({ assets });
    reporter.onBegin({} as FullConfig, suiteOf(iterations(1)));
    await reporter.onEnd({ status: 'passed', startTime: new Date(), duration: 1 });
    expect(existsSync(join(folder, 'index.html'))).toBe(true);
  });
});

describe('in GitHub', () => {
  const hostile = 'x\n::set-output name=a::b%0A<img src=x>|`';
  const collect = async (tests: SampleTest[]): Promise<Results> => {
    const directory = temporary('run');
    writeJournals(directory, tests);
    return (await collectRun({ directory, run: RUN, startedAt: new Date(), plannedProjects })).results;
  };

  it('annotates the line of the YAML', async () => {
    const [, , , push] = githubAnnotations(await collect(failingRun()));
    expect(push).toBe(
      "::error file=recordings/annotate-together.yaml,line=41,title=annotate-together%3A bob's commentUpdate::the push commentRefresh to alice is missing (3x in iteration-3)",
    );
  });

  it('lets no payload become a command or markup', async () => {
    const results = await collect([
      { project: 'iteration-1', title: 'a', iteration: 1, recordings, specials: { 'search/carol/1@0': { outcome: 'rejected', reason: hostile } } },
    ]);
    for (const line of githubAnnotations(results)) expect(line).not.toMatch(/[\r\n]/);
    expect(githubAnnotations(results)[0]).toContain('%250A');
    const summary = markdownSummary(results);
    expect(summary).not.toContain('<img');
    expect(summary).not.toContain('\n::');
    expect(summary).toContain('| iteration-2 | not run |');
  });
});
