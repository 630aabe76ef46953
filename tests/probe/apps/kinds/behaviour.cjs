// What every kind of application does here, knowing nothing of the probe. Each push carries as its first argument the tag of the
// emit that caused it, or `@connect`, `@gone:SID`, `@http`, `@none`; the event's name ends in `~` where a timer sent it.
const { randomBytes } = require('node:crypto');
const { EventEmitter } = require('node:events');
const { readFile } = require('node:fs');
const { Readable } = require('node:stream');
const { setInterval: ticks, setTimeout: sleep } = require('node:timers/promises');
const { promisify } = require('node:util');

class Money {
  #cents = 250;
  toJSON() {
    return { cents: this.#cents };
  }
}

/** What applications hand over and the wire makes something else of. */
const odd = () => [
  0,
  false,
  '',
  null,
  undefined,
  // biome-ignore lint/suspicious/noSparseArray: holes are what this is about
  [, undefined, 1, Number.NaN, -0],
  new Date(0),
  '9007199254740993',
  { kept: 1, gone: undefined, also: () => 1, __proto__: { inherited: 1 } },
  new Map([[1, 2]]),
  { toJSON: () => ['own', 'toJSON'] },
  new Money(),
  [],
  {},
  Object.create(null),
];

module.exports = function behave(io) {
  io.use((socket, next) => {
    const { reject, early } = socket.handshake.auth;
    if (reject === 'never') return undefined;
    if (reject === 'plain') return next(new Error('no entry'));
    if (reject === 'data') return next(Object.assign(new Error('no entry'), { data: { code: 7 } }));
    if (early) socket.emit('early', '@connect', 1);
    return sleep(1).then(() => next());
  });
  io.on('connection', (socket) => connected(io, socket));
  io.of('/admin')
    .use((socket, next) => next(socket.handshake.auth.admin === true ? undefined : new Error('admins only')))
    .on('connection', (socket) => connected(io, socket));
  io.of(/^\/dyn-\d+$/).on('connection', (socket) => connected(io, socket));
  io.of((name, _auth, next) => next(null, name === '/fn')).on('connection', (socket) => connected(io, socket));
  process.on('message', (message) => {
    if (message.tick) setTimeout(() => io.emit('tick', '@none', message.tick), 1);
  });
};

function connected(io, socket) {
  const { nsp } = socket;
  socket.emit('hello', '@connect');
  acks(socket, nsp);
  rooms(io, socket, nsp);
  questions(socket, nsp);
  values(socket, nsp);
  timers(socket);
  listeners(socket);
  middlewares(socket);
  // Before 4.6 writing to a socket that leaves makes it leave once more, within the broadcast.
  socket.on('disconnecting', () => ('recovered' in socket ? nsp : socket.broadcast).emit('leaving', `@gone:${socket.id}`));
  socket.on('disconnect', async () => {
    nsp.emit('left', `@gone:${socket.id}`);
    socket.emit('toTheGone', `@gone:${socket.id}`);
    await sleep(1);
    nsp.emit('leftLater', `@gone:${socket.id}`);
  });
  void (async () => {
    await sleep(5);
    socket.on('late', (tag, callback) => callback(tag));
    socket.emit('ready', '@connect');
  })();
}

function acks(socket, nsp) {
  socket.on('acks', (_tag, args, callback) => callback(...args));
  socket.on('acksTwice', (tag, callback) => {
    callback(tag, 'first');
    callback(tag, 'second');
  });
  socket.on('acksNever', () => {});
  socket.on('acksLate', async (tag, callback) => {
    await sleep(5);
    socket.emit('before', tag);
    callback(tag);
    socket.emit('after', tag);
    await sleep(1);
    nsp.emit('afterwards', tag);
  });
  socket.on('acksGone', (tag, callback) => {
    socket.once('disconnect', () => callback(tag));
  });
}

function rooms(io, socket, nsp) {
  socket.on('joins', async (_tag, room, callback) => {
    await socket.join(room);
    callback();
  });
  socket.on('rooms', (tag, callback) => {
    nsp.emit('toAll', tag);
    socket.broadcast.emit('toOthers', tag);
    nsp.to('r1').emit('toRoom', tag, 1);
    nsp.to('r1').to('r2').emit('toBoth', tag, 2);
    nsp.in('r1').except('r2').emit('toExcept', tag);
    socket.to('r1').emit('toRoomOthers', tag);
    socket.except('r2').emit('toOthersExcept', tag);
    nsp.to('nobody').emit('toNobody', tag);
    socket.send(tag, 'message');
    callback();
  });
  socket.on('crosses', (tag, callback) => {
    io.emit('crossed', tag);
    io.of('/admin').emit('crossed', tag);
    callback();
  });
  socket.on('serverSide', async (tag, callback) => {
    for (const other of await nsp.fetchSockets()) other.emit('fetched', tag, other.id === socket.id);
    nsp.in('r1').socketsJoin('joined');
    nsp.to('joined').emit('toJoined', tag);
    nsp.socketsLeave('joined');
    nsp.to('joined').emit('toNobody', tag);
    callback();
  });
  socket.on('kicks', (tag, room, callback) => {
    nsp.in(room).disconnectSockets();
    nsp.emit('kicked', tag);
    callback();
  });
}

function questions(socket, nsp) {
  socket.on('asks', (tag) => {
    socket.emit('question', tag, 1, (...answer) => socket.emit('thanks', tag, ...answer));
  });
  // Each is there from some version on.
  socket.on('asksTimeout', (tag) => {
    if (socket.timeout) socket.timeout(20).emit('unanswered', tag, (error) => socket.emit('gaveUp~', tag, error instanceof Error));
    else socket.emit('unanswered', tag, () => {});
  });
  socket.on('asksAwait', async (tag, callback) => {
    if (socket.emitWithAck) socket.emit('thanks', tag, await socket.timeout(1000).emitWithAck('question', tag, 2));
    callback();
  });
  socket.on('asksAll', (tag, callback) => {
    if (!nsp.adapter.broadcastWithAck) return callback();
    return nsp.timeout(1000).emit('question', tag, 3, (error, answers) => {
      socket.emit('allThanks', tag, error === null, answers.length);
      callback();
    });
  });
}

function values(socket, nsp) {
  socket.on('volatile', (tag, callback) => {
    for (let i = 0; i < 5; i += 1) socket.volatile.emit('maybe', tag, i);
    for (let i = 0; i < 5; i += 1) nsp.volatile.emit('maybeAll', tag, i);
    callback();
  });
  socket.on('binary', (tag, one, two, callback) => {
    socket.emit('bytes', tag, one, { two: two?.two ?? two });
    socket.emit('empty', tag, Buffer.alloc(0), new Uint8Array(0), [Buffer.alloc(0)]);
    socket.emit('views', tag, new Uint16Array([1, 2, 3]).subarray(1), new Uint8Array([4, 5]).buffer, new DataView(new ArrayBuffer(2)));
    nsp.emit('large', tag, Buffer.alloc(Number(process.env.APP_LARGE), 7));
    callback(Buffer.from([1]), [{ two }], Buffer.alloc(0));
  });
  socket.on('values', (tag, ...args) => {
    const callback = args.pop();
    socket.emit('echo', tag, ...args);
    socket.emit('odd', tag, ...odd());
    nsp.emit('oddToAll', tag, ...odd());
    socket.emit('oddWithBinary', tag, Buffer.from([9]), ...odd());
    callback(tag, ...odd(), Buffer.from([8]));
  });
}

function timers(socket) {
  socket.on('timers', (tag, callback) => {
    setTimeout(() => socket.emit('timeout~', tag), 1);
    setImmediate(() => socket.emit('immediate~', tag));
    let count = 0;
    const interval = setInterval(() => {
      socket.emit('interval~', tag, count);
      count += 1;
      if (count === 3) clearInterval(interval);
    }, 2);
    process.nextTick(() => socket.emit('nextTick', tag));
    queueMicrotask(() => socket.emit('microtask', tag));
    void sleep(1).then(() => socket.emit('slept', tag));
    void promisify(setTimeout)(1).then(() => socket.emit('promisified', tag));
    void (async () => {
      let left = 2;
      for await (const _ of ticks(1)) {
        socket.emit('ticked', tag, left);
        left -= 1;
        if (left === 0) break;
      }
    })();
    const emitter = new EventEmitter();
    emitter.on('it', () => socket.emit('emitter', tag));
    emitter.emit('it');
    Readable.from(['a', 'b']).on('data', (piece) => socket.emit('stream', tag, String(piece)));
    readFile(__filename, () => socket.emit('file', tag));
    randomBytes(8, () => socket.emit('random', tag));
    callback();
  });
}

/** The application's own catch-all listeners see what they would see without a probe. */
function listeners(socket) {
  const seen = [];
  const first = (event) => seen.push(`first ${event}`);
  const last = (event) => seen.push(`last ${event}`);
  const out = (event) => seen.push(`out ${event}`);
  socket.on('watches', (_tag, callback) => {
    socket.onAny(last);
    socket.prependAny(first);
    socket.onAnyOutgoing?.(out);
    callback();
  });
  socket.on('watched', (tag, callback) => {
    socket.emit('watching', tag);
    const left = [socket.listenersAny().length, socket.listenersAnyOutgoing?.().length ?? 1];
    socket.offAny(first);
    socket.offAny();
    socket.offAnyOutgoing?.();
    socket.emit('unwatched', tag);
    const known = [socket.listenerCount('watched'), socket.listeners('watched').length, socket.eventNames().includes('watched')];
    callback(seen.filter((entry) => !entry.startsWith('out')).splice(0), left, socket.listenersAny().length, known);
  });
}

function middlewares(socket) {
  socket.use(([event, tag], next) => {
    if (event === 'stuck') return undefined;
    if (event === 'forbidden') return next(new Error(tag));
    return event === 'waits' ? sleep(1).then(() => next()) : next();
  });
  socket.on('waits', (tag, callback) => {
    socket.emit('waited', tag);
    callback();
  });
  socket.on('error', ({ message }) => socket.emit('refused', message));
}
