// TypeScript as CommonJS, run by tsx.
import http = require('node:http');
import net = require('node:net');
import socketIo = require('socket.io');

const behave: (io: socketIo.Server) => void = require('./behaviour.cjs');
const server = http.createServer((_request, response) => {
  io.emit('fromHttp', '@http');
  response.end('ok');
});
const io = new socketIo.Server(server, { maxHttpBufferSize: 1e8 });
behave(io);
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as net.AddressInfo).port }));
