import { afterEach, describe, expect, it } from 'vitest';
import { loadOf, poolOf, slotsOf } from '../../src/replay/plan.js';
import { closeAll, connect, recorded, run, serve } from './world.js';

const one = recorded('one', { alice: [connect()], bob: [connect()] });
const two = recorded('two', { carol: [connect()] });
const alone = recorded('alone', { dave: [connect()] }, { copies: 1, reason: 'deletes a seeded row' });
afterEach(closeAll);

describe('the plan', () => {
  it('has slot i replay pool[i mod N] in copy floor(i / N), and leaves out what is replayed alone only', () => {
    const pool = poolOf([one, alone, two]);
    expect(pool.map(({ recording, session }) => [recording.recording.name, session])).toEqual([
      ['one', 0],
      ['one', 1],
      ['two', 0],
    ]);
    expect(slotsOf(pool, 3).map(({ recording, session, copy }) => `${recording.recording.name}/${session}/${copy}`)).toEqual(
      [0, 1, 2].flatMap((copy) => ['one/0', 'one/1', 'two/0'].map((slot) => `${slot}/${copy}`)),
    );
    expect(loadOf(pool, 4)).toEqual({ pool: 3, peak: 12, total: 3 * ((4 * 5) / 2) });
  });

  it('is what a replay does', async () => {
    const world = await serve(() => {});
    const { sessions, end } = await run(world, [one, two], { copies: 3 });
    const slots = slotsOf(poolOf([one, two]), 3).map(
      ({ recording: { recording }, session, copy }) => `${recording.name}/${recording.sessions[session]?.id}/${copy}`,
    );
    expect(sessions.map(({ recording, session, copy }) => `${recording}/${session}/${copy}`).sort()).toEqual(slots.sort());
    expect(end.verdict).toBe('finished');
  });
});
