/** The recorders that run now, and asking one of them. */
import { readdirSync, readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { ReplayError } from '../errors.js';
import { isAlive } from '../wire/process.js';
import { runtimeDir } from '../wire/runtime-dir.js';
import type { Counts } from './capture.js';
import { type ControlRequest, type RecorderFile, recorderFileSchema, replySchema } from './control-messages.js';

const ANSWER_MS = 15_000;

type Asked<T = ControlRequest> = T extends { token: string } ? Omit<T, 'token'> : never;

export function findRecorders(): RecorderFile[] {
  let files: string[];
  try {
    files = readdirSync(runtimeDir()).filter((file) => /^recorder-\d+-\d+\.json$/.test(file));
  } catch {
    return [];
  }
  return files.flatMap((file) => read(join(runtimeDir(), file))).sort((a, b) => b.since - a.since);
}

/** The one that records, or the one that records under this name. */
export function chooseRecorder(recorders: readonly RecorderFile[], name: string | undefined): RecorderFile {
  const found = recorders.filter((recorder) => name === undefined || recorder.name === name);
  const names = recorders.map((recorder) => recorder.name).join(', ');
  const only = found[0];
  if (!only)
    throw new ReplayError(
      'REPLAY_NO_CAPTURE',
      name === undefined ? 'nothing is recorded now' : `${name} is not recorded now`,
      undefined,
      names === '' ? 'Start a recording: npx socket-replay record -- COMMAND' : `What is recorded now: ${names}`,
    );
  if (found.length > 1)
    throw new ReplayError('REPLAY_NO_CAPTURE', `several recordings run: ${names}`, undefined, 'Say which one: stop NAME, or checkpoint … --recording NAME');
  return only;
}

/** What has been captured until then. Throws REPLAY_CHECKPOINT or REPLAY_NO_CAPTURE with the recorder's own words. */
export async function ask({ port, token, name }: RecorderFile, request: Asked): Promise<Counts> {
  const line = await exchange(port, `${JSON.stringify({ ...request, token })}\n`).catch((error: Error) => {
    throw new ReplayError('REPLAY_NO_CAPTURE', `the recorder of ${name} cannot be reached: ${error.message}`);
  });
  const reply = replySchema.parse(JSON.parse(line));
  if (reply.ok) return reply.counts;
  const [, code, what] = /^(REPLAY_\w+): (.*)/.exec(reply.message) ?? [];
  throw new ReplayError(code === 'REPLAY_CHECKPOINT' ? code : 'REPLAY_NO_CAPTURE', what ?? reply.message);
}

function exchange(port: number, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host: '127.0.0.1', port });
    let text = '';
    socket.setEncoding('utf8');
    socket.setTimeout(ANSWER_MS, () => socket.destroy(new Error(`no answer within ${ANSWER_MS / 1000} s`)));
    socket.once('connect', () => socket.write(request));
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('it ended the connection')));
    socket.on('data', (piece: string) => {
      text += piece;
      const end = text.indexOf('\n');
      if (end < 0) return;
      resolve(text.slice(0, end));
      socket.destroy();
    });
  });
}

function read(file: string): RecorderFile[] {
  try {
    const recorder = recorderFileSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
    return isAlive(recorder.pid) ? [recorder] : [];
  } catch {
    return [];
  }
}
