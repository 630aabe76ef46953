/** The recorder's door: other processes set checkpoints, have the log flushed, and stop the capture. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join, resolve } from 'node:path';
import { runtimeDir } from '../wire/runtime-dir.js';
import type { Capture } from './capture.js';
import { type ControlReply, type ControlRequest, type RecorderFile, requestSchema } from './control-messages.js';

const MAX_LINE = 64 * 1024;

export interface Control {
  close(): void;
}

/** Listens on loopback; never keeps the process alive. */
export async function openControl(capture: Capture, about: { name: string; app: string; folder: string }): Promise<Control> {
  const token = randomBytes(32).toString('hex');
  const server = createServer((socket) => serve(socket, (line) => obey(capture, token, line)));
  await new Promise<void>((ready, failed) => {
    server.once('error', failed);
    server.listen({ host: '127.0.0.1', port: 0 }, ready);
  });
  server.unref();
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const content: RecorderFile = { pid: process.pid, port, token, name: about.name, app: about.app, folder: resolve(about.folder), since: Date.now() };
  const file = join(runtimeDir(), `recorder-${process.pid}-${port}.json`);
  mkdirSync(runtimeDir(), { recursive: true, mode: 0o700 });
  writeFileSync(file, JSON.stringify(content), { mode: 0o600 });
  const remove = (): void => rmSync(file, { force: true });
  process.once('exit', remove);
  return {
    close() {
      process.removeListener('exit', remove);
      remove();
      server.close();
    },
  };
}

function serve(socket: Socket, answer: (line: string) => Promise<ControlReply>): void {
  let text = '';
  socket.setEncoding('utf8');
  socket.unref();
  socket.on('error', () => socket.destroy());
  socket.on('data', (piece: string) => {
    text += piece;
    if (text.length > MAX_LINE) return void socket.destroy();
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) answer(line).then((reply) => socket.writable && socket.write(`${JSON.stringify(reply)}\n`));
  });
}

async function obey(capture: Capture, token: string, line: string): Promise<ControlReply> {
  const request = parse(line);
  if (!request) return { ok: false, message: 'this is no request' };
  if (!same(request.token, token)) return { ok: false, message: 'the token is not the one of this recorder' };
  try {
    if (request.do === 'checkpoint') await capture.checkpoint(request.name);
    else if (request.do === 'flush') await capture.flush();
    else if (request.do === 'stop') capture.stop();
    return { ok: true, counts: { ...capture.counts } };
  } catch (error) {
    return { ok: false, message: error instanceof Error ? error.message : String(error) };
  }
}

function parse(line: string): ControlRequest | undefined {
  try {
    return requestSchema.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}

function same(given: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
