/**
 * One active capture or replay a target (law 12), across processes: a file in the runtime directory that names who holds it.
 * Everything is synchronous, so that the lock is taken before the caller's first await.
 */
import { createHash, randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ReplayError } from '../errors.js';
import { isStill, processBegan } from './process.js';
import { runtimeDir } from './runtime-dir.js';

export type LockPurpose = 'capture' | 'replay';

const holderSchema = z.object({
  target: z.string(),
  purpose: z.enum(['capture', 'replay']),
  owner: z.string(),
  pid: z.number(),
  /** when that process began, where the system tells: a process id comes back, this does not */
  began: z.string().nullable(),
  since: z.string(),
});
export type Holder = z.infer<typeof holderSchema>;

/** Locks of this process, and how often each was taken. */
const held = new Map<string, { holder: Holder; times: number }>();
let cleansUp = false;

/** Throws REPLAY_TARGET_BUSY when another holds the target. The same owner in the same process may take it again. */
export function lockTarget(target: string, purpose: LockPurpose, owner: string): { release(): void } {
  const name = normaliseTarget(target);
  mkdirSync(runtimeDir(), { recursive: true, mode: 0o700 });
  const path = pathOf(name);
  const mine = held.get(path);
  if (mine?.holder.owner === owner) {
    mine.times++;
    return releaseOnce(path);
  }
  const holder: Holder = { target: name, purpose, owner, pid: process.pid, began: processBegan(process.pid), since: new Date().toISOString() };
  const busy = take(path, holder);
  if (busy)
    throw new ReplayError(
      'REPLAY_TARGET_BUSY',
      `a ${busy.purpose} of ${name} is under way: process ${busy.pid}, since ${busy.since}`,
      undefined,
      `Wait until it has ended, or stop process ${busy.pid}.`,
    );
  held.set(path, { holder, times: 1 });
  if (!cleansUp) process.on('exit', releaseAll);
  cleansUp = true;
  return releaseOnce(path);
}

/** Who holds the target now; undefined: nobody who lives. */
export function holderOf(target: string): Holder | undefined {
  const holder = readHolder(pathOf(normaliseTarget(target)));
  return holder && holds(holder) ? holder : undefined;
}

const pathOf = (name: string): string => join(runtimeDir(), `lock-${createHash('sha1').update(name).digest('hex').slice(0, 16)}.json`);

/** The live holder that stands in the way, or undefined when the lock is now ours. */
function take(path: string, holder: Holder): Holder | undefined {
  const draft = `${path}.${randomUUID()}`;
  writeFileSync(draft, JSON.stringify(holder), { mode: 0o600 });
  try {
    for (;;) {
      // link() is the one step that fails when the file exists and never shows it half written
      if (succeeds(() => linkSync(draft, path), 'EEXIST')) return undefined;
      const other = readHolder(path);
      if (other && holds(other)) return other;
      if (takeOver(path, draft)) return undefined;
    }
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Puts our draft in the place of a dead holder's lock. Two that try at once are kept apart by a second, very short-lived file. */
function takeOver(path: string, draft: string): boolean {
  const guard = `${path}.takeover`;
  if (!succeeds(() => writeFileSync(guard, '', { flag: 'wx', mode: 0o600 }), 'EEXIST')) {
    if (ageOf(guard) > 5_000) rmSync(guard, { force: true });
    return false;
  }
  try {
    const other = readHolder(path);
    if (other && holds(other)) return false;
    renameSync(draft, path);
    return true;
  } finally {
    rmSync(guard, { force: true });
  }
}

const holds = ({ pid, began }: Holder): boolean => isStill(pid, began);

/** undefined: gone, or not readable as a lock and therefore nobody's. */
function readHolder(path: string): Holder | undefined {
  try {
    return holderSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return undefined;
  }
}

function releaseOnce(path: string): { release(): void } {
  let released = false;
  return {
    release() {
      const mine = held.get(path);
      if (released || !mine) return;
      released = true;
      if (--mine.times > 0) return;
      held.delete(path);
      unlinkOwn(path, mine.holder);
    },
  };
}

function releaseAll(): void {
  for (const [path, { holder }] of held) unlinkOwn(path, holder);
  held.clear();
}

function unlinkOwn(path: string, holder: Holder): void {
  const now = readHolder(path);
  if (now?.pid === holder.pid && now.since === holder.since && now.owner === holder.owner) rmSync(path, { force: true });
}

/** Runs `step`; false when it fails with that code. */
function succeeds(step: () => void, code: string): boolean {
  try {
    step();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === code) return false;
    throw error;
  }
}

function ageOf(path: string): number {
  try {
    return Date.now() - statSync(path).mtimeMs;
  } catch {
    return 0;
  }
}

/** `http://127.0.0.1:3000/`, `*:3000`, `[::]:3000` and `localhost:3000` are one target. Other hosts and paths of sockets keep their name. */
export function normaliseTarget(target: string): string {
  if (target.startsWith('/')) return target;
  const url = parseUrl(target) ?? parseUrl(`http://${target}`);
  if (!url?.hostname) return target;
  const port = url.port || (url.protocol === 'https:' || url.protocol === 'wss:' ? '443' : '80');
  const here = /^(\*|localhost|127(\.\d+){3}|0\.0\.0\.0|\[::1?\]|\[::ffff:7f[0-9a-f]{2}:[0-9a-f]+\])$/.test(url.hostname);
  return `${here ? 'localhost' : url.hostname}:${port}`;
}

function parseUrl(text: string): URL | undefined {
  return /^(https?|wss?):\/\//.test(text) && URL.canParse(text) ? new URL(text) : undefined;
}
