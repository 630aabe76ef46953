// Express, CommonJS, with a session that connections share.
const { createServer } = require('node:http');
const express = require('express');
const session = require('express-session');
const { Server } = require('socket.io');
const behave = require('./behaviour.cjs');

const app = express();
const sessions = session({ secret: 'of the test', resave: false, saveUninitialized: true });
app.use(sessions);
app.use(express.json());
const server = createServer(app);
const io = new Server(server, { maxHttpBufferSize: 1e8 });
io.engine.use?.(sessions);
app.get('/', async (_request, response) => {
  await Promise.resolve();
  io.emit('fromHttp', '@http');
  response.json({ ok: true });
});
behave(io);
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
