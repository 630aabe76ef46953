import type { Socket as ServerSocket } from 'socket.io';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { codePoint } from '../code-point.js';
import fc from '../fast-check.js';
import { client, record } from './record.js';
import { closeAll, type ProbedWorld, run, serveProbed } from './world.js';

interface Sent {
  event: string;
  args: unknown[];
  asks: boolean;
}

/** what the application's handlers received, and what its connections carried */
const got: unknown[] = [];
const wire: string[] = [];
let world: ProbedWorld;

const SIZE = 200_000;

beforeAll(async () => {
  world = await serveProbed('CREATE TABLE note (id INTEGER PRIMARY KEY)', (io) => io.on('connection', application), { maxHttpBufferSize: 4 * SIZE });
});
afterAll(async () => {
  await world.close();
  await closeAll();
});

/** Gives back what it got: as push, as broadcast and, turned around, as acknowledgement. */
function application(socket: ServerSocket): void {
  socket.conn.on('packetCreate', ({ type, data }: { type: string; data?: unknown }) => type === 'message' && wire.push(written(data)));
  socket.onAny((event: string, ...args: unknown[]) => {
    const callback = args.at(-1);
    if (typeof callback === 'function') args.pop();
    got.push([event, ...args]);
    socket.emit('given', event, ...args);
    socket.nsp.emit('all', args, args.length);
    if (typeof callback === 'function') callback(...args.toReversed());
  });
}

/** The packet that says welcome holds the socket id. */
const written = (data: unknown): string =>
  typeof data === 'string' ? data.replace(/^0\{.*/, '0') : `binary ${Buffer.from(data as Uint8Array).toString('base64')}`;
const taken = <T>(list: T[]): T[] => list.splice(0);

const text = fc.oneof(
  fc.constantFrom(
    '',
    '0',
    'null',
    'true',
    '~',
    'a: b',
    '- a',
    '!id x',
    '\ud800',
    '\u2028',
    'a\nb\n',
    ' a',
    '9007199254740993',
    '-170141183460469231731687303715884105728',
  ),
  fc.string({ unit: codePoint, maxLength: 12 }),
);
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 8 }),
  fc.uint8Array({ maxLength: 4 }).map((array) => Buffer.from(array)),
  fc.uint8Array({ maxLength: 4 }).map((array) => array.slice().buffer),
  fc.constantFrom(0, 4096, 5000, SIZE).map((length) => Buffer.alloc(length, 7)),
);
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(null, undefined, true, false, 0, -0, 1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, 1e21, 5e-324, {}, []),
    fc.double(),
    text,
    fc.integer({ min: 0, max: 1e12 }).map((ms) => new Date(ms)),
    bytes,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.sparseArray(tie('value'), { maxLength: 4 }),
    fc.dictionary(text, tie('value'), { maxKeys: 3 }),
  ),
}));
const event = fc.constantFrom('take', '', '1', 'true', 'a: b', '- a', 'message');
const sent: fc.Arbitrary<Sent> = fc.record({ event, args: fc.array(value, { maxLength: 4 }), asks: fc.boolean() });

const named: Sent[] = [
  { event: 'take', args: [], asks: true },
  { event: 'take', args: [], asks: false },
  // biome-ignore lint/suspicious/noSparseArray: holes are what this is about
  { event: 'take', args: [0, false, '', null, undefined, [, undefined, 0], { gone: undefined, kept: null }], asks: true },
  { event: 'take', args: [new Date(1), String(2n ** 70n), Buffer.alloc(0), Buffer.alloc(SIZE, 1)], asks: true },
  { event: 'take', args: [Buffer.from([1]), { two: [Buffer.from([2])] }], asks: true },
];

/** Sends each after the other, and resolves when all has been answered. */
async function use(list: Sent[]): Promise<void> {
  const socket = await client(world);
  await Promise.all(list.map(({ event: name, args, asks }) => (asks ? socket.emitWithAck(name, ...args) : void socket.emit(name, ...args))));
  await socket.emitWithAck('last');
  socket.disconnect();
}

it('survive recording, YAML and replay as the wire carried them: arguments, acknowledgements, pushes', async () => {
  let count = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(sent, { maxLength: 12 }), async (list) => {
      count += 1;
      const { loaded } = await record(`values-${count}`, () => use(list));
      const first = { got: taken(got), wire: taken(wire) };
      const { outcomes, end } = await run(world, loaded, { ackTimeout: 2_000 });
      const second = { got: taken(got), wire: taken(wire) };
      expect(new Set(Object.values(outcomes))).toEqual(new Set(['passed']));
      expect(end.verdict).toBe('finished');
      expect(second.got).toStrictEqual(first.got);
      // What the fence made the server answer comes last.
      expect(second.wire.slice(0, first.wire.length)).toEqual(first.wire);
      expect(second.wire.slice(first.wire.length)).toEqual([expect.stringMatching(/^3\d+\[\]$/)]);
      expect(first.got).toHaveLength(list.length + 1);
    }),
    { numRuns: 15, examples: [[named]] },
  );
}, 90_000);
