/** `kill -9` at random points of a capture: the next start finds it, marks it, and what was flushed can be exported. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { io } from 'socket.io-client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadRecordings } from '../../src/recording/load.js';
import type { Recording } from '../../src/recording/schema.js';
import { full } from '../slow.js';
import { createWorld, notes, type World } from './run.js';

/** after how many acknowledgements the process is killed; a log is flushed every 64 KB */
const points = (count: number): number[] => Array.from({ length: count }, (_, i) => 1 + ((i * 37) % 60));
const KILLS = points(10).map((acks, i) => ({ acks, when: `after ${acks} acknowledgements${i < 3 ? '' : ' (slow)'}` }));
const POINTS = full ? KILLS : KILLS.slice(0, 3);
const TEXT = 'x'.repeat(3_000);

let world: World;
beforeAll(() => {
  world = createWorld();
});
afterAll(() => world.clean());

/** Adds notes one after the other until the connection is gone, or until `acks` were acknowledged and `then` has returned. */
async function addNotes(url: string, acks: number, then: () => void): Promise<void> {
  const socket = io(url, { auth: { user: 'alice' }, transports: ['websocket'], reconnection: false });
  await new Promise<void>((resolve) => socket.once('ready', resolve));
  const gone = new Promise<void>((resolve) => socket.once('disconnect', () => resolve()));
  for (let n = 1; n <= acks; n++) await Promise.race([socket.emitWithAck('noteAdd', { n, text: TEXT }), gone]);
  then();
  socket.disconnect();
}

const noteNumbers = (recording: Recording | undefined): unknown[] =>
  (recording?.sessions ?? []).flatMap(({ traces }) => traces.filter((trace) => trace.emit === 'noteAdd').map(({ args = [] }) => (args[0] as { n: unknown }).n));
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);
const recording = (name: string) => loadRecordings(join(world.folder, 'recordings')).recordings.find((one) => one.recording.name === name)?.recording;

describe('the recorder', () => {
  test.each(POINTS)(
    '$when',
    async ({ acks }) => {
      const name = `recorder-${acks}`;
      const { app, url } = await world.application();
      const recorder = world.cli('record', '--name', name, '--target', url);
      await recorder.prints(/Recording\./);
      await addNotes(url, acks, () => recorder.signal('SIGKILL'));
      await recorder.ends();
      const log = readFileSync(join(world.folder, '.socket-replay', 'captures', `${name}.ndjson`), 'utf8');
      const flushed = log.split('\n').slice(0, -1);
      const emits = flushed.filter((line) => line.startsWith('{"type":"emit"')).length;

      const next = world.cli('captures');
      await next.ends();
      expect(next.text()).toContain(`A recording was interrupted: ${name}.`);
      const exported = world.cli('export', name);
      const nothing = flushed.length === 1;
      expect([await exported.ends(), exported.text()]).toEqual(nothing ? [2, expect.stringContaining('REPLAY_CAPTURE_EMPTY')] : [0, expect.anything()]);
      if (!nothing) expect(recording(name)).toMatchObject({ status: 'interrupted', statusReason: 'crashed' });
      expect(noteNumbers(recording(name))).toEqual(upTo(emits));
      app.signal('SIGKILL');
    },
    60_000,
  );
});

describe('the application', () => {
  test.each(POINTS)(
    '$when',
    async ({ acks }) => {
      const name = `application-${acks}`;
      const recorder = world.cli('record', '--name', name, '--', process.execPath, notes);
      const url = (await recorder.prints(/notes at (http:\S+)/))[1] ?? '';
      await recorder.prints(/Recording\./);
      const { pid } = JSON.parse(await (await fetch(`${url}/pid`)).text()) as { pid: number };
      await addNotes(url, acks, () => process.kill(pid, 'SIGKILL'));
      const code = await recorder.ends();
      const saved = recording(name);
      const numbers = noteNumbers(saved);
      // what the probe had not yet handed on died with the application: a few milliseconds, which can be all that there was
      if (saved) expect([code, saved]).toEqual([0, expect.objectContaining({ status: 'interrupted', statusReason: 'application_ended' })]);
      else expect([code, recorder.text()]).toEqual([2, expect.stringContaining('REPLAY_CAPTURE_EMPTY')]);
      expect(numbers).toEqual(upTo(numbers.length));
      expect(numbers.length).toBeLessThanOrEqual(acks);
      expect(numbers.length).toBeGreaterThanOrEqual(acks - 30);
    },
    60_000,
  );
});
