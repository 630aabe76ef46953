/** What the clients do with every kind of application: each thing that Socket.IO offers at least once. */
import { once } from 'node:events';
import type { App } from '../helper.js';
import { type ClientOptions, connected, managed, type Observer, observe } from './observer.js';

export interface FlowOptions extends ClientOptions {
  /** after everybody has connected */
  more?(observers: Observer[]): Promise<void>;
  /** false where `socket.timeout` does not exist */
  timeouts?: boolean;
  /** bytes of what is large */
  large?: number;
}

/** A framework makes no difference to megabytes: transports and parsers do. */
export const [LARGE, SMALLER] = [2 << 20, 1 << 14];

export async function flow(app: App, { more, timeouts = true, large = SMALLER, ...options }: FlowOptions = {}): Promise<Observer[]> {
  const manager = managed(app.port, options);
  const bobs = managed(app.port, options);
  const alice = await connected(observe(manager, '/', { early: true }));
  const bob = await connected(observe(bobs));
  const admin = await connected(observe(manager, '/admin', { admin: true }));
  const dynamic = await connected(observe(manager, '/dyn-1'));
  const chosen = await connected(observe(bobs, '/fn'));
  const observers = [alice, bob, admin, dynamic, chosen];
  for (const observer of observers) {
    answering(observer);
    await observer.pushes('ready');
    await observer.ask('late');
  }
  await middlewares(app, options, alice, bob);
  await acks(alice);
  await rooms(alice, bob, admin, dynamic, chosen);
  await questions(alice, bob, dynamic, timeouts);
  await values(alice, bob, large);
  await alice.ask('timers');
  for (const [event, count] of timed) await alice.pushes(event, count);
  await alice.ask('watches');
  await alice.ask('watched');
  await (await fetch(`http://127.0.0.1:${app.port}/`)).text();
  await alice.pushes('fromHttp');
  app.child.send({ tick: 1 });
  await bob.pushes('tick');
  await more?.(observers);
  await leaving(app, options, alice, bob, observers);
  return observers;
}

const timed: [string, number][] = [
  ['timeout~', 1],
  ['immediate~', 1],
  ['interval~', 3],
  ['slept', 1],
  ['promisified', 1],
  ['ticked', 2],
  ['stream', 2],
  ['file', 1],
  ['random', 1],
];

function answering({ socket }: Observer): void {
  socket.on('question', (tag: string, kind: number, answer: (...args: unknown[]) => void) => {
    if (kind === 1) answer(tag, Buffer.from([1, 2]), null, undefined);
    else answer(tag);
  });
}

async function middlewares(app: App, options: ClientOptions, alice: Observer, bob: Observer): Promise<void> {
  const refused = async (namespace: string, auth: Record<string, unknown>): Promise<Observer> => {
    const observer = await connected(observe(managed(app.port, options), namespace, auth));
    observer.socket.io.engine.close();
    return observer;
  };
  const refusals = [await refused('/', { reject: 'plain' }), await refused('/', { reject: 'data' }), await refused('/admin', {}), await refused('/none', {})];
  if (refusals.some(({ refusal }) => refusal === undefined)) throw new Error('a middleware let somebody in');
  const waiting = observe(managed(app.port, options), '/', { reject: 'never' });
  waiting.socket.connect();
  await once(waiting.socket.io as unknown as NodeJS.EventEmitter, 'open');
  alice.tell('stuck');
  alice.tell('forbidden');
  await alice.pushes('refused');
  await bob.ask('waits');
  waiting.socket.io.engine.close();
}

async function acks(alice: Observer): Promise<void> {
  await alice.ask('acks', []);
  await alice.ask('acks', [1]);
  await alice.ask('acks', [null, 'two', { three: [] }]);
  await alice.ask('acksTwice');
  alice.socket.emit('acksNever', `${alice.sid}-never`, () => {});
  await alice.ask('acksLate');
  await alice.pushes('afterwards');
  alice.socket.emit('unheard', `${alice.sid}-unheard`, 1);
}

async function rooms(alice: Observer, bob: Observer, admin: Observer, dynamic: Observer, chosen: Observer): Promise<void> {
  await alice.ask('joins', 'r1');
  await bob.ask('joins', 'r1');
  await bob.ask('joins', 'r2');
  await alice.ask('rooms');
  await dynamic.ask('rooms');
  await chosen.ask('rooms');
  await admin.ask('crosses');
  await bob.ask('serverSide');
}

async function questions(alice: Observer, bob: Observer, dynamic: Observer, timeouts: boolean): Promise<void> {
  alice.tell('asks');
  await alice.pushes('thanks');
  await alice.ask('asksAwait');
  await bob.ask('asksAll');
  await dynamic.ask('asksAll');
  alice.tell('asksTimeout');
  await alice.pushes('unanswered');
  if (timeouts) await alice.pushes('gaveUp~');
}

async function values(alice: Observer, bob: Observer, large: number): Promise<void> {
  await alice.ask('volatile');
  await alice.ask('binary', Buffer.alloc(0), { two: Buffer.from([3, 4]) });
  await bob.ask('binary', Buffer.alloc(large, 1), Buffer.from([5]));
  // biome-ignore lint/suspicious/noSparseArray: holes are what this is about
  const odd = [0, false, '', null, undefined, [, undefined, 1, Number.NaN], new Date(1), '9007199254740993', { gone: undefined, kept: 0 }, [], {}];
  await alice.ask('values', ...odd);
  await bob.ask('values', Buffer.from([1]), ...odd, [Buffer.alloc(0)]);
}

/** Somebody leaves by each way there is; the others hear of it. */
async function leaving(app: App, options: ClientOptions, alice: Observer, bob: Observer, observers: Observer[]): Promise<void> {
  const carol = await connected(observe(managed(app.port, options)));
  const dave = await connected(observe(managed(app.port, options)));
  const erin = await connected(observe(managed(app.port, options)));
  observers.push(carol, dave, erin);
  for (const observer of [carol, dave, erin]) await observer.pushes('ready');
  await erin.ask('joins', 'kicked');
  const known = alice.received.filter(({ event }) => event === 'leftLater').length;
  const kicked = new Promise((resolve) => erin.socket.once('disconnect', resolve));
  await bob.ask('kicks', 'kicked');
  await kicked;
  await alice.pushes('leftLater', known + 1);
  await new Promise<void>((resolve) => {
    carol.socket.emit('acksGone', `${carol.sid}-gone`, () => {});
    void carol.ask('acks', []).then(() => resolve());
  });
  carol.socket.disconnect();
  await alice.pushes('leftLater', known + 2);
  await dave.pushes('leftLater', 2);
  dave.socket.io.engine.close();
  await alice.pushes('leftLater', known + 3);
  // Whatever is still on the way comes before the answer.
  for (const observer of observers) if (observer.socket.connected) await observer.ask('acks', []);
}
