// Fastify, ES modules.
import fastify from 'fastify';
import { Server } from 'socket.io';
import behave from './behaviour.cjs';

const app = fastify();
const io = new Server(app.server, { maxHttpBufferSize: 1e8 });
behave(io);
app.get('/', async () => {
  await Promise.resolve();
  io.emit('fromHttp', '@http');
  return { ok: true };
});
await app.listen({ port: 0, host: '127.0.0.1' });
process.send({ port: app.server.address().port });
