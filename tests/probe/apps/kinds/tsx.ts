// TypeScript as an ES module, run by tsx.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { Server } from 'socket.io';

const behave: (io: Server) => void = createRequire(import.meta.url)('./behaviour.cjs');
const server = createServer((_request, response) => {
  io.emit('fromHttp', '@http');
  response.end('ok');
});
const io = new Server(server, { maxHttpBufferSize: 1e8 });
behave(io);
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
