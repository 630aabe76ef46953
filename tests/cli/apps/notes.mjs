/** A tiny application: notes in SQLite, told to everybody, and seats that are only counted. Prints its port. The user is what the client says in `auth.user`. */
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { Server } from 'socket.io';
import Database from '../../../examples/annotator/db/better-sqlite3.cjs';

const db = new Database(':memory:');
db.exec('CREATE TABLE note (id INTEGER PRIMARY KEY, author TEXT, text TEXT NOT NULL)');
const insert = db.prepare('INSERT INTO note (author, text) VALUES (?, ?)');

let seats = 0;
const http = createServer((request, response) => response.end(request.url === '/pid' ? JSON.stringify({ pid: process.pid }) : 'notes'));
const { NOTES_PARSER } = process.env;
const io = new Server(http, NOTES_PARSER ? { parser: createRequire(import.meta.url)(NOTES_PARSER) } : {});
io.use((socket, next) => {
  socket.data.user = socket.handshake.auth.user ?? null;
  next();
});
io.on('connection', (socket) => {
  socket.emit('ready');
  socket.on('noteAdd', (data, done) => {
    const { lastInsertRowid } = insert.run(socket.data.user, data.text);
    io.emit('noteAdded', { id: Number(lastInsertRowid), text: data.text });
    done?.({ success: true, id: Number(lastInsertRowid), ...(data.paint && { colour: 'red' }) });
  });
  socket.on('seatTake', (done) => {
    const seat = { id: ++seats };
    socket.emit('seatTaken', seat);
    done({ seat });
  });
  socket.on('login', (data, done) => done({ success: data.password === 'open sesame' }));
  socket.on('quit', () => process.exit(0));
});
http.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => console.log(`notes at http://127.0.0.1:${http.address().port}`));
