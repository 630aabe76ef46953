// The worst case of bench/probe.ts: handlers that do next to nothing, so that everything the probe does shows.
import { createServer } from 'node:http';
import { Server } from 'socket.io';
import Database from '../examples/annotator/db/better-sqlite3.cjs';

const db = new Database(':memory:');
db.exec('CREATE TABLE note (id INTEGER PRIMARY KEY, who TEXT, text TEXT, at INTEGER)');
const insert = db.prepare('INSERT INTO note (who, text, at) VALUES (?, ?, ?)');
const server = createServer();
const io = new Server(server);
io.on('connection', (socket) => {
  socket.on('ask', async (value, callback) => {
    await null;
    callback({ success: true, value });
  });
  socket.on('write', async (value, callback) => {
    await null;
    insert.run(socket.id, value.text, Date.now());
    socket.emit('written', value);
    callback({ success: true });
  });
});
server.listen(0, '127.0.0.1', () => console.log(`trivial server on http://127.0.0.1:${server.address().port}`));
