// Plain http, CommonJS; also with older versions, with other parsers, and with recovery.
const { createServer } = require('node:http');
const { Server } = require(process.env.APP_SOCKET_IO ?? 'socket.io');
const behave = require('./behaviour.cjs');

const server = createServer((_request, response) => {
  io.emit('fromHttp', '@http');
  response.end('ok');
});
const io = new Server(server, {
  maxHttpBufferSize: 1e8,
  ...(process.env.APP_PARSER && { parser: require(process.env.APP_PARSER) }),
  ...(process.env.APP_RECOVERY && { connectionStateRecovery: {} }),
});
behave(io);
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
