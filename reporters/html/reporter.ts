/**
 * The reporter: when Playwright has ended, reads the journals that the run left, and writes the report. The tests themselves
 * carry the verdict; where they and the report disagree the run fails, so that there is one.
 */
import { relative } from 'node:path';
import type { FullConfig, FullResult, Reporter, Suite, TestCase, TestError } from '@playwright/test/reporter';
import { collectRun, type PlannedProject } from '../../src/results/collect.js';
import { isGood } from '../../src/results/headline.js';
import type { Problem } from '../../src/results/load.js';
import { modes } from '../../src/results/outcome.js';
import type { Results } from '../../src/results/schema.js';
import { printAnnotations } from '../ci/github.js';
import { summaryText } from './summary.js';
import { builtAssets, writeReport } from './write.js';

export { renderPage, writeReport } from './write.js';

export interface ReplayReporterOptions {
  /** default `replay-report`; the environment's REPLAY_REPORT_DIR wins */
  outputFolder?: string;
  /** where page.js, style.css and page.hbs lie; only for running from sources */
  assets?: string;
}

export default class ReplayReporter implements Reporter {
  private projects: (PlannedProject & { tests: TestCase[] })[] = [];
  private startedAt = new Date();
  private readonly globalErrors: TestError[] = [];

  constructor(private readonly options: ReplayReporterOptions = {}) {}

  /** Playwright's own list or line reporter stays. */
  printsToStdio(): boolean {
    return false;
  }

  onBegin(_config: FullConfig, suite: Suite): void {
    this.startedAt = new Date();
    for (const project of suite.suites) {
      const { iteration, mode: named }: Record<string, unknown> = project.project()?.metadata ?? {};
      const mode = modes.find((known) => known === named);
      if (typeof iteration !== 'number') continue;
      this.projects.push({ project: project.title, iteration, ...(mode && { mode }), tests: project.allTests() });
    }
  }

  onError(error: TestError): void {
    this.globalErrors.push(error);
  }

  async onEnd(result: FullResult): Promise<{ status?: FullResult['status'] } | undefined> {
    try {
      return await this.report(result);
    } catch (error) {
      // Playwright swallows what a reporter throws.
      console.error(`\nREPLAY_REPORT: the report could not be written: ${error instanceof Error ? error.message : String(error)}\n`);
      return { status: 'failed' };
    }
  }

  private async report(result: FullResult): Promise<{ status?: FullResult['status'] } | undefined> {
    const { REPLAY_RUN_DIR: directory, REPLAY_RUN: run, REPLAY_REPORT_DIR } = process.env;
    // Without replay projects there is nothing to say; a list of the tests (--list) runs none of them.
    const planned = this.planned();
    if (planned.length === 0) return undefined;
    const started = this.tests.some((test) => test.results.length > 0);
    if (!started && this.globalErrors.length === 0 && result.status === 'passed') return undefined;
    const options = {
      directory: directory ?? '',
      run: run ?? '',
      startedAt: this.startedAt,
      plannedProjects: planned,
      notStarted: !started,
      interrupted: result.status === 'interrupted' || result.status === 'timedout',
    };
    let collected = await collectRun({ ...options, errors: started ? [] : this.globalErrors.map(globalProblem) });
    const unexplained = started ? this.unexplained(collected.results) : [];
    if (unexplained.length > 0) collected = await collectRun({ ...options, errors: unexplained });
    const { results, detail } = collected;
    const page = await writeReport(results, detail, REPLAY_REPORT_DIR || this.options.outputFolder || 'replay-report', this.options.assets ?? builtAssets);
    console.log(summaryText(results, relative(process.cwd(), page) || page));
    await printAnnotations(results);
    return !['passed', 'updated'].includes(results.verdict) && result.status === 'passed' ? { status: 'failed' } : undefined;
  }

  private get tests(): TestCase[] {
    return this.projects.flatMap(({ tests }) => tests);
  }

  /** A project whose tests are all skipped on purpose has nothing to run; some say so only when they begin. */
  private planned(): PlannedProject[] {
    return this.projects.filter(({ tests }) => tests.some((test) => test.expectedStatus !== 'skipped')).map(({ tests: _, ...project }) => project);
  }

  /** Tests that failed for Playwright and passed for their journals: an assertion of the scenario, a crash, a timeout. */
  private unexplained(results: Results): Problem[] {
    const red = new Set(results.tests.filter((test) => !isGood(test)).map(({ test }) => `${test.project} ${test.line} ${test.title}`));
    const projects = new Set(results.tests.filter((test) => !isGood(test)).map(({ test }) => test.project));
    return this.tests.flatMap((test): Problem[] => {
      const project = test.parent.project()?.name ?? '';
      const last = test.results.at(-1);
      if (!last || test.ok() || last.status === 'interrupted' || red.has(`${project} ${test.location.line} ${test.title}`)) return [];
      // Titles may be written with their describe blocks: then a failed test of the same project explains it.
      if (projects.has(project) && !results.tests.some((candidate) => candidate.test.project === project && candidate.test.title === test.title)) return [];
      return [{ code: 'REPLAY_TEST_FAILED', message: `${project}: ${test.title}: ${stripAnsi(last.error?.message ?? last.status).split('\n')[0]}` }];
    });
  }
}

const globalProblem = (error: TestError): Problem => ({ code: 'REPLAY_TEST_FAILED', message: stripAnsi(error.message ?? error.value ?? 'unknown error') });

const stripAnsi = (text: string): string => text.replace(/\u001b\[[0-9;]*m/g, '');
