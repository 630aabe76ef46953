/** An application as a new user may have it: plain http and Socket.IO, users in memory, no database. */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { Server } from 'socket.io';

const sessions = new Map();
const notes = [];

const http = createServer(async (request, response) => {
  if (request.method === 'POST' && request.url === '/login') {
    let body = '';
    for await (const chunk of request) body += chunk;
    const { username, password } = JSON.parse(body);
    if (password !== `${username}-pw`) return response.writeHead(401).end();
    const token = randomUUID();
    sessions.set(token, username);
    return response.writeHead(200, { 'set-cookie': `sid=${token}; HttpOnly; Path=/` }).end('{}');
  }
  response.end('notes');
});
const io = new Server(http);
io.use((socket, next) => {
  const user = sessions.get(/sid=([^;]+)/.exec(socket.handshake.headers.cookie ?? '')?.[1]);
  socket.data.user = user;
  next(user ? undefined : new Error('not logged in'));
});
io.on('connection', (socket) => {
  socket.join('notes');
  socket.on('note:add', ({ text }, ack) => {
    const note = { id: randomUUID(), text, by: socket.data.user };
    notes.push(note);
    io.to('notes').emit('note:added', note);
    ack({ ok: true, id: note.id });
  });
  socket.on('note:done', ({ id }, ack) => {
    const note = notes.find((entry) => entry.id === id);
    if (!note) return ack({ ok: false, msg: 'no such note' });
    socket.to('notes').emit('note:gone', { id });
    ack({ ok: true, text: process.env.NOTES_BUG ? note.text.toUpperCase() : note.text });
  });
});
http.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => console.log('notes is up'));
process.on('SIGTERM', () => io.close(() => process.exit(0)));
