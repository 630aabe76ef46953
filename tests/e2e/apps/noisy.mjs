/** An application whose answers have noise: a random colour, a text with the time, a list in any order. NOISY_BUG drops a field. */
import { createServer } from 'node:http';
import { Server } from 'socket.io';

const colour = () =>
  `#${Math.floor(Math.random() * 0x1000000)
    .toString(16)
    .padStart(6, '0')}`;
const shuffled = (list) =>
  list
    .map((item) => ({ item, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);

const http = createServer((_, response) => response.end('noisy'));
const io = new Server(http);
io.on('connection', (socket) => {
  socket.on('note:paint', ({ text }, ack) => {
    socket.emit('note:painted', { colour: colour(), text });
    ack({ text, ...(process.env.NOISY_BUG ? {} : { owner: 'alice' }), said: `painted after ${process.hrtime.bigint()} ns`, limit: 20 });
  });
  socket.on('shelf:list', (ack) => ack({ items: shuffled(['ink', 'paper', 'pens', 'glue', 'tape', 'pins']), total: 6 }));
});
http.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => console.log('noisy is up'));
process.on('SIGTERM', () => io.close(() => process.exit(0)));
