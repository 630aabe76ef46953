/** What the configuration says of a whole application, and quarantine: how they change the verdict. */
import { afterAll, describe, expect, it } from 'vitest';
import type { OwnConvention } from '../../src/recording/success.js';
import { ignoreOf } from '../../src/replay/ignore.js';
import { closeAll, connect, differences, emit, goodbye, id, recorded, run, serve } from './world.js';

afterAll(closeAll);

describe('pushes that are ignored', () => {
  it('are neither required nor unexpected, are counted, and their names are known', async () => {
    const world = await serve((io) =>
      io.on('connection', (socket) => {
        socket.on('start', (done) => {
          socket.emit('statsRefresh', { ticket: 'ticket-0815' });
          socket.emit('statsRefresh', { busy: true });
          done();
        });
        socket.on('use', (ticket, done) => done(ticket));
      }),
    );
    const recording = recorded('a', {
      alice: [
        connect(),
        emit('start', [], {
          ack: [],
          pushes: [
            { to: 'alice', event: 'statsRefresh', args: [{ ticket: id('ticket1') }] },
            { to: 'alice', event: 'statsRefresh', args: [{ never: 'sent' }] },
          ],
        }),
        emit('use', [id('ticket1')], { ack: [id('ticket1')] }),
        goodbye(),
      ],
    });
    const { summary, end, traces } = await run(world, recording, { ignore: ignoreOf([], [], ['stats*']) });
    expect(summary.verdict).toBe('finished');
    expect(end.ignoredPushes).toBe(2);
    // Nobody waits for what is not required.
    expect(traces['0/alice/1']?.waited).toBeUndefined();
    expect((await run(world, recording)).summary.verdict).toBe('failed');
  });
});

describe('an acknowledgement that says no', () => {
  const ask = async (was: unknown, is: unknown, success?: 'status' | OwnConvention) => {
    const world = await serve((io) => io.on('connection', (socket) => socket.on('go', (done) => done(...(is as unknown[])))));
    const { summary, traces } = await run(world, recorded('a', { alice: [connect(), emit('go', [], { ack: was as never }), goodbye()] }), {
      ...(success && { success }),
    });
    const trace = traces['0/alice/1'];
    return { verdict: summary.verdict, outcome: trace?.outcome, reason: trace?.reason, differences: differences(trace) };
  };

  it('is told by the convention that the recording has', async () => {
    const rejected = { verdict: 'failed', outcome: 'rejected' };
    expect(await ask([null, { id: 1 }], [{ message: 'taken' }])).toEqual({ ...rejected, reason: 'taken', differences: ['ack[0] value'] });
    expect(await ask([{ status: 200, n: 1 }], [{ status: 409, error: 'taken' }])).toEqual({
      ...rejected,
      reason: 'taken',
      differences: ['ack[0].status value'],
    });
  });

  it('is told by the one that is configured', async () => {
    const done: OwnConvention = (word) => word === 'DONE' || `said ${String(word)}`;
    expect(await ask(['DONE', 5], ['BUSY'], done)).toMatchObject({ outcome: 'rejected', reason: 'said BUSY', differences: ['ack value'] });
    expect(await ask([{ success: true }], [{ success: false }], 'status')).toMatchObject({ outcome: 'mismatch', differences: ['ack[0].success value'] });
  });

  it('is as it should be where it was recorded', async () => {
    expect(await ask(['BUSY'], ['BUSY'], () => false)).toMatchObject({ outcome: 'passed' });
    expect(await ask([{ message: 'no' }], [null, 1], (error) => !error)).toMatchObject({ outcome: 'mismatch', differences: ['ack value'] });
  });
});

describe('quarantine', () => {
  const day = (offset: number): string => new Date(Date.now() + offset * 86_400_000).toISOString().slice(0, 10);
  it.each([
    ['the day before it ends', 1, 'finished'],
    ['its last day', 0, 'finished'],
    ['the day after', -1, 'failed'],
  ])('on %s', async (_, offset, verdict) => {
    const world = await serve((io) => io.on('connection', (socket) => socket.on('go', (done) => done(2))));
    const known = { quarantine: { owner: 'ana', reason: 'known', expires: day(offset) } };
    const { summary, traces } = await run(world, recorded('a', { alice: [connect(), emit('go', [], { ack: [1], ...known }), goodbye()] }));
    expect(summary.verdict).toBe(verdict);
    expect(traces['0/alice/1']?.outcome).toBe('mismatch');
    expect((await run(world, recorded('a', { alice: [connect(), emit('go', [], { ack: [1] }), goodbye()] }, known))).summary.verdict).toBe(verdict);
  });
});
