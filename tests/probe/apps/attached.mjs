// Started without the probe: one line attaches it. Everything else is imported before.
import { createServer } from 'node:http';
import { Server } from 'socket.io';
import Database from '../../../examples/annotator/db/better-sqlite3.cjs';

const db = new Database(process.env.APP_DB ?? ':memory:');
db.exec('CREATE TABLE IF NOT EXISTS note (id INTEGER PRIMARY KEY, text TEXT)');
const insert = db.prepare('INSERT INTO note (text) VALUES (?)');
const server = createServer();
const io = new Server(server);
const { attach } = await import(process.argv[2]);
attach(io);
attach(io);
io.on('connection', (socket) => {
  socket.on('write', async (text, callback) => {
    await new Promise((resolve) => setTimeout(resolve, 2));
    insert.run(text);
    db.prepare('SELECT 1').get();
    io.emit('written', text);
    callback(text);
  });
});
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
