// A small application as others write it: ESM, knows nothing of the probe.
import { createServer } from 'node:http';
import { Server } from 'socket.io';
import Database from '../../../examples/annotator/db/better-sqlite3.cjs';

const db = new Database(process.env.APP_DB ?? ':memory:');
db.exec('CREATE TABLE IF NOT EXISTS note (id INTEGER PRIMARY KEY, who TEXT, text TEXT)');
const insert = db.prepare('INSERT INTO note (who, text) VALUES (?, ?)');
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const server = createServer((req, res) => {
  if (req.url === '/write') insert.run('http', 'x');
  setTimeout(() => res.end('hello'), Number(new URL(req.url, 'http://x').searchParams.get('wait') ?? 0));
});
const io = new Server(server, { connectionStateRecovery: process.env.APP_RECOVERY ? {} : undefined, maxHttpBufferSize: 1e8 });

io.use((socket, next) => {
  const { as, ...user } = socket.handshake.auth;
  if (as !== undefined) socket[as] = Object.keys(user).length === 1 ? user.name : user;
  next();
});
io.on('connection', (socket) => {
  socket.onAny((event, ...args) => {
    if (event === 'anyEmits') socket.emit('fromAny', args[0]);
  });
  socket.join('all');
  socket.emit('welcome', socket.id);
  socket.on('plain', () => {});
  socket.on('echo', (...args) => args.pop()(...args));
  socket.on('ackNothing', (callback) => callback());
  socket.on('ackTwice', (callback) => {
    callback('first');
    callback('second');
  });
  socket.on('never', () => new Promise(() => {}));
  socket.on('throws', () => {
    throw new Error('from the handler');
  });
  socket.on('broadcast', (room, value, callback) => {
    io.to(room).emit('news', value);
    socket.broadcast.emit('others', value);
    callback?.();
  });
  socket.on('slow', async (id, waits, callback) => {
    for (const wait of waits) await sleep(wait);
    socket.emit('slowDone', id);
    const { lastInsertRowid } = insert.run(id, 'slow');
    callback(Number(lastInsertRowid));
  });
  socket.on('later', (id, ms, callback) => {
    setTimeout(() => {
      io.emit('laterDone', id);
      insert.run(id, 'later');
    }, ms);
    callback();
  });
  socket.on('fetches', (id, wait, callback) => {
    callback();
    void (async () => {
      await (await fetch(`http://127.0.0.1:${server.address().port}/?wait=${wait}`)).text();
      socket.emit('fetched', id);
      insert.run(id, 'fetched');
    })();
  });
  socket.on('asks', (id) => {
    socket.emit('question', id, (answer) => socket.emit('thanks', answer));
  });
  socket.on('asksAll', (id) => {
    io.timeout(2000).emit('question', id, (_error, answers) => socket.emit('allThanks', answers));
  });
  socket.on('beats', (id) => {
    const timer = setInterval(() => {
      socket.emit('beat', id);
    }, 5);
    socket.on('disconnect', () => clearInterval(timer));
  });
  socket.on('volatile', () => socket.volatile.emit('maybe', 1));
  socket.on('disconnect', () => insert.run('gone', socket.id));
});

process.on('message', (message) => {
  if (message === 'exit') process.exit(0);
});
process.on('uncaughtException', (error) => process.send?.({ uncaught: error.message }));
server.listen(0, '127.0.0.1', () => process.send?.({ port: server.address().port }));
