/** An application that only one can do things in: a room of a name, told of later in a sentence, and an invitation that is accepted once. */
import { createServer } from 'node:http';
import { Server } from 'socket.io';

const rooms = new Map();
let invited = true;
const http = createServer((request, response) => {
  if (request.method === 'POST' && request.url === '/reset') {
    rooms.clear();
    invited = true;
  }
  response.end('club');
});
const io = new Server(http);
io.on('connection', (socket) => {
  socket.on('room:open', ({ name }, ack) => {
    if (rooms.has(name)) return ack({ ok: false, msg: 'there is such a room' });
    rooms.set(name, socket.id);
    io.emit('room:opened', { name });
    return ack({ ok: true });
  });
  socket.on('room:close', (ack) => {
    const [name] = [...rooms].find(([, owner]) => owner === socket.id) ?? [];
    rooms.delete(name);
    socket.broadcast.emit('news', `The room ${name} was closed.`);
    ack({ ok: true });
  });
  socket.on('invitation:accept', ({ id }, ack) => {
    ack(invited && id === 5 ? { ok: true, welcome: 'to the reading room' } : { ok: false, msg: 'it was accepted already' });
    invited = false;
  });
});
http.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => console.log('club is up'));
process.on('SIGTERM', () => io.close(() => process.exit(0)));
