// TypeScript, run by tsx.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server, type Socket } from 'socket.io';
import Database from '../../../examples/annotator/db/better-sqlite3.cjs';

const db: Database.Database = new Database(process.env.APP_DB ?? ':memory:');
db.exec('CREATE TABLE IF NOT EXISTS note (id INTEGER PRIMARY KEY, text TEXT)');
const server = createServer();
const io = new Server(server);
io.on('connection', (socket: Socket) => {
  socket.on('write', async (text: string, callback: (text: string) => void) => {
    await new Promise((resolve) => setTimeout(resolve, 2));
    db.prepare('INSERT INTO note (text) VALUES (?)').run(text);
    io.emit('written', text);
    callback(text);
  });
});
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
