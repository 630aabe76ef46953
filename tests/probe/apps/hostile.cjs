// An application whose objects bite whoever looks at them.
const { createServer } = require('node:http');
// Not seen as a timer: only the handler's promise tells.
const { setTimeout } = require('node:timers/promises');
const { Server } = require('socket.io');

process.on('uncaughtException', (error) => process.send({ uncaught: String(error) }));
process.on('unhandledRejection', (error) => process.send({ unhandled: String(error) }));
const server = createServer();
const io = new Server(server);
io.use((socket, next) => {
  Object.defineProperty(socket.request, 'session', {
    get() {
      throw new Error('bite');
    },
  });
  Object.defineProperty(socket.handshake, 'auth', {
    value: {
      toJSON() {
        throw new Error('bite');
      },
    },
  });
  socket.on('early', async (callback) => {
    await setTimeout(30);
    callback('early');
  });
  next();
});
io.on('connection', (socket) => {
  socket.on('deep', (value, callback) => {
    let depth = 0;
    for (let at = value; at.next; at = at.next) depth += 1;
    socket.emit('deepToo', value);
    callback(depth);
  });
  socket.on('rejects', async () => {
    throw new Error('rejected by the handler');
  });
  socket.on('handled', () => {
    const promise = Promise.reject(new Error('caught elsewhere'));
    promise.catch(() => undefined);
    return promise;
  });
  socket.on('throws', () => {
    throw new Error('thrown by the handler');
  });
  const handler = () => undefined;
  socket.on('listeners', (callback) => {
    const counts = [];
    socket.on('a', handler);
    counts.push(socket.listeners('a')[0] === handler, socket.listenerCount('a'));
    socket.off('a', handler);
    counts.push(socket.listenerCount('a'));
    socket.once('b', handler);
    counts.push(socket.listeners('b')[0] === handler);
    socket.removeListener('b', handler);
    counts.push(socket.listenerCount('b'));
    let fired = 0;
    const once = () => (fired += 1);
    socket.once('c', once).prependOnceListener('c', once).prependListener('c', once);
    socket.listeners('c').forEach((listener) => counts.push(listener === once));
    Object.getPrototypeOf(Object.getPrototypeOf(socket)).emitReserved.call(socket, 'c');
    Object.getPrototypeOf(Object.getPrototypeOf(socket)).emitReserved.call(socket, 'c');
    counts.push(fired, socket.listenersAnyOutgoing().length);
    callback(counts);
  });
});
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
