/** What a running probe leaves for readers of the same user: a file in the runtime directory, gone when the process ends. */
import { chmodSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:net';
import { basename, join } from 'node:path';
import { threadId } from 'node:worker_threads';
import type { ProbeFile } from '../wire/messages.js';
import { runtimeDir } from '../wire/runtime-dir.js';

const fileName = (): string => `probe-${process.pid}${threadId === 0 ? '' : `-${threadId}`}.json`;

export function writeProbeFile(content: ProbeFile): void {
  const directory = runtimeDir();
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const found = lstatSync(directory);
  // Below a shared /tmp somebody else may have been first.
  if (!found.isDirectory() || (process.getuid !== undefined && found.uid !== process.getuid())) throw new Error(`${directory} does not belong to this user`);
  if ((found.mode & 0o077) !== 0) chmodSync(directory, 0o700);
  const file = join(directory, fileName());
  const draft = `${file}.new`;
  rmSync(draft, { force: true });
  writeFileSync(draft, `${JSON.stringify(content)}\n`, { mode: 0o600, flag: 'wx' });
  renameSync(draft, file);
}

export function removeProbeFile(): void {
  rmSync(join(runtimeDir(), fileName()), { force: true });
}

/** How the application is called in lists. */
export function appName(): string {
  try {
    const { name } = JSON.parse(readFileSync(join(process.cwd(), 'package.json'), 'utf8')) as { name?: unknown };
    if (typeof name === 'string' && name !== '') return name;
  } catch {
    // no package.json: the script's name will do
  }
  return basename(process.argv[1] ?? 'node');
}

/** `127.0.0.1:3300`, `*:3300` for every address, `[::1]:3300`; a path for a unix socket. */
export function addressOf(server: Server): string | undefined {
  const address = server.address();
  if (address === null || typeof address === 'string') return address ?? undefined;
  const host = address.address === '::' || address.address === '0.0.0.0' ? '*' : address.address.includes(':') ? `[${address.address}]` : address.address;
  return `${host}:${address.port}`;
}
