// The subject of bench/replay.ts: answers every `ask` with what it was asked.
import { createServer } from 'node:http';
import { Server } from 'socket.io';

const server = createServer();
new Server(server).on('connection', (socket) => socket.on('ask', (value, reply) => reply({ success: true, data: value })));
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
