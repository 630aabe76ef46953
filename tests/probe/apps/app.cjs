// CommonJS, and the driver behind require().
const { createServer } = require('node:http');
const Database = require('../../../examples/annotator/db/better-sqlite3.cjs');
const { Server } = require('socket.io');

const db = new Database(process.env.APP_DB ?? ':memory:');
db.exec('CREATE TABLE IF NOT EXISTS note (id INTEGER PRIMARY KEY, text TEXT)');
const server = createServer((_request, response) => response.end('ok'));
const io = new Server(server);
io.on('connection', (socket) => {
  socket.on('write', async (text, callback) => {
    await new Promise((resolve) => setTimeout(resolve, 2));
    db.prepare('INSERT INTO note (text) VALUES (?)').run(text);
    io.emit('written', text);
    callback(text);
  });
});
server.listen(0, '127.0.0.1', () => process.send?.({ port: server.address().port }));
process.on('message', (message) => {
  if (message.close) {
    io.close();
    db.close();
    process.disconnect();
  }
  if (message.exit !== undefined) process.exit(message.exit);
});
