/** A real recording of a real session: captured through the probe, built, written as YAML, and read back. */
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { io, type ManagerOptions, type Socket } from 'socket.io-client';
import { startCapture } from '../../src/capture/capture.js';
import { saveCapture } from '../../src/capture/finish.js';
import { probeSource } from '../../src/capture/sources/probe.js';
import { type LoadedRecording, loadRecordings } from '../../src/recording/load.js';
import { connectProbe, findProbes } from '../../src/wire/client.js';
import { unredacted } from '../capture/unredacted.js';
import type { World } from './world.js';

export interface Recorded {
  loaded: LoadedRecording;
  yaml: string;
}

/** Records everything that happens while `use` runs. */
export async function record(name: string, use: () => Promise<void>, redactor = unredacted): Promise<Recorded> {
  const folder = mkdtempSync(join(tmpdir(), 'socket-replay-recorded-'));
  const { port, token } = findProbes().find(({ pid }) => pid === process.pid)!;
  const source = probeSource(await connectProbe({ port, token, mode: 'record' }));
  const capture = startCapture({ name, source, select: () => true, redactor, folder });
  await use();
  capture.stop();
  const { captured } = await capture.done;
  const { file } = saveCapture(captured, { out: folder, captures: folder });
  const { recordings, errors } = loadRecordings(folder);
  if (errors.length > 0 || !recordings[0]) throw errors[0] ?? new Error('nothing was recorded');
  return { loaded: recordings[0], yaml: readFileSync(file, 'utf8') };
}

/** A plain client, connected. */
export async function client(world: World, options: Partial<ManagerOptions> = {}): Promise<Socket> {
  const socket = io(world.url, { transports: ['websocket'], forceNew: true, reconnection: false, ...options });
  await new Promise((resolve) => socket.once('connect', () => resolve(undefined)));
  return socket;
}
