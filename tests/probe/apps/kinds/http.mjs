// Plain http, ES modules; Socket.IO is attached after the server listens.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { Server } from 'socket.io';
import behave from './behaviour.cjs';

const io = new Server({ maxHttpBufferSize: 1e8 });
const server = createServer((_request, response) => {
  io.emit('fromHttp', '@http');
  response.end('ok');
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
io.attach(server);
behave(io);
process.send({ port: server.address().port });
