/** The command line as a user runs it: a process in a folder of its own, with a runtime directory of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';

/** As it is built, which is how users start it. */
const main = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));
export const notes = fileURLToPath(new URL('apps/notes.mjs', import.meta.url));
export const cluster = fileURLToPath(new URL('apps/cluster.mjs', import.meta.url));

interface Running {
  readonly child: ChildProcess;
  /** everything it has printed, also to stderr */
  text(): string;
  /** resolves with the match when it has printed it; rejects when it ends before */
  prints(pattern: RegExp): Promise<RegExpExecArray>;
  enter(line: string): void;
  signal(signal: NodeJS.Signals): void;
  /** the exit code */
  ends(): Promise<number | null>;
}

export interface World {
  readonly folder: string;
  cli(...args: string[]): Running;
  cliWith(env: NodeJS.ProcessEnv, ...args: string[]): Running;
  /** the notes application under the probe, with its address */
  application(): Promise<{ app: Running; url: string }>;
  clean(): Promise<void>;
}

/** The probe from its sources, as one file; all worlds of a test file share it. */
let bundled: string | undefined;
function bundleProbe(): string {
  if (bundled !== undefined) return bundled;
  const folder = mkdtempSync(join(tmpdir(), 'cli-probe-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const outfile = join(folder, 'probe.mjs');
  buildSync({
    entryPoints: [fileURLToPath(new URL('../../src/probe/preload.ts', import.meta.url))],
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    outfile,
    logLevel: 'error',
  });
  bundled = pathToFileURL(outfile).href;
  return bundled;
}

export function createWorld(): World {
  const folder = mkdtempSync(join(tmpdir(), 'cli-'));
  const probe = bundleProbe();
  const env = { ...process.env, REPLAY_RUNTIME_DIR: join(folder, 'runtime'), REPLAY_PROBE_PRELOAD: probe, NODE_OPTIONS: '' };
  const running: Running[] = [];
  const start = (file: string, args: readonly string[], extra: NodeJS.ProcessEnv = {}): Running => {
    const child = watch(spawn(file, args, { cwd: folder, env: { ...env, ...extra }, stdio: ['pipe', 'pipe', 'pipe'] }));
    running.push(child);
    return child;
  };
  return {
    folder,
    cli: (...args) => start(process.execPath, [main, ...args]),
    cliWith: (extra, ...args) => start(process.execPath, [main, ...args], extra),
    async application() {
      const app = start(process.execPath, ['--import', probe, notes]);
      return { app, url: (await app.prints(/notes at (http:\S+)/))[1] ?? '' };
    },
    async clean() {
      for (const { child } of running) {
        if (child.exitCode !== null || child.signalCode !== null) continue;
        // SIGTERM twice: the recorder ends the application that it started
        child.kill('SIGTERM');
        child.kill('SIGTERM');
        const timer = setTimeout(() => child.kill('SIGKILL'), 8_000);
        await once(child, 'exit');
        clearTimeout(timer);
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function watch(child: ChildProcess): Running {
  let text = '';
  const looking = new Set<() => void>();
  let over = false;
  const look = (): void => {
    for (const check of looking) check();
  };
  const keep = (chunk: Buffer): void => {
    text += chunk.toString();
    look();
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  const closed = once(child, 'close').then(([code]) => {
    over = true;
    look();
    return code as number | null;
  });
  return {
    child,
    text: () => text,
    prints: (pattern) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          const match = pattern.exec(text);
          if (match) resolve(match);
          else if (over) reject(new Error(`ended without printing ${pattern}:\n${text}`));
          if (match || over) looking.delete(check);
        };
        looking.add(check);
        check();
      }),
    enter: (line) => void child.stdin?.write(`${line}\n`),
    signal: (signal) => void child.kill(signal),
    ends: () => closed,
  };
}
