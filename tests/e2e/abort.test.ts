/** However a run ends, nothing is left behind: no server, no lock; in-flight traces read aborted, the report is written. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { slow } from '../slow.js';
import { playwrightSettings, type Running, readResults, run, temporary } from './support.js';

interface Slow {
  running: Running;
  report: string;
  port: string;
  runtime: string;
}

/** A replay at a tenth of the recorded speed: it would take 15 seconds. */
async function slowRun(args: string[] = [], env: NodeJS.ProcessEnv = {}): Promise<Slow> {
  const runtime = temporary('runtime');
  const settings = await playwrightSettings({ REPLAY_SPEED: '0.1', REPLAY_RUNTIME_DIR: runtime, ...env });
  const running = run(process.execPath, [...settings.args, ...args], { env: settings.env });
  return { running, report: settings.report, port: String(settings.env.ANNOTATOR_PORT), runtime };
}

const isUp = (port: string): Promise<boolean> =>
  fetch(`http://127.0.0.1:${port}/healthz`).then(
    () => true,
    () => false,
  );

async function expectNothingLeft({ port, runtime, report }: Slow): Promise<void> {
  expect(await isUp(port)).toBe(false);
  expect(readdirSync(runtime).filter((name) => name.startsWith('lock-'))).toEqual([]);
  expect(existsSync(join(report, 'index.html'))).toBe(true);
}

describe('aborting', () => {
  it('Ctrl-C: exit 130, in-flight traces aborted, the report written', { timeout: 60_000 }, async () => {
    const slow = await slowRun();
    await slow.running.prints('regression: ');
    slow.running.child.kill('SIGINT');
    const { code, output } = await slow.running.ended;
    expect(code, output).toBe(130);
    const results = readResults(slow.report);
    expect(results.verdict).toBe('interrupted');
    const [test] = results.tests;
    expect(test?.verdict).toBe('interrupted');
    expect(test?.outcomes.passed).toBeGreaterThan(0);
    expect(test?.outcomes.aborted).toBeGreaterThan(0);
    await expectNothingLeft(slow);
  });

  slow('a timeout of the test: the same, exit 1', { timeout: 60_000 }, async () => {
    const slow = await slowRun(['--timeout=4000', '--project=regression', '-g', 'annotate-together']);
    const { code, output } = await slow.running.ended;
    expect(code, output).toBe(1);
    const results = readResults(slow.report);
    expect(results.tests[0]?.outcomes.aborted).toBeGreaterThan(0);
    expect(results.verdict).not.toBe('passed');
    await expectNothingLeft(slow);
  });

  slow('a killed worker: its journal has no end, which reads interrupted', { timeout: 60_000 }, async () => {
    const slow = await slowRun(['--project=regression', '-g', 'annotate-together']);
    await slow.running.prints('regression: ');
    const worker = workersOf(slow.running.child.pid ?? 0);
    expect(worker.length).toBeGreaterThan(0);
    for (const pid of worker) process.kill(pid, 'SIGKILL');
    const { code, output } = await slow.running.ended;
    expect(code, output).toBe(1);
    const results = readResults(slow.report);
    expect(results.tests[0]?.verdict).toBe('interrupted');
    expect(results.tests[0]?.outcomes.aborted).toBeGreaterThan(0);
    expect(await isUp(slow.port)).toBe(false);
  });
});

/** The worker processes of a Playwright run, from the table of processes. */
function workersOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const { ppid, command } = processOf(pid);
      return ppid === parent && command.includes('workerProcess');
    });
}

function processOf(pid: number): { ppid: number; command: string } {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return { ppid: Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]), command: readFileSync(`/proc/${pid}/cmdline`, 'utf8') };
  } catch {
    return { ppid: 0, command: '' };
  }
}
