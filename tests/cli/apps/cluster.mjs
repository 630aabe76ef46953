/** Two workers of a cluster behind one port. What is said to one reaches the clients of the other through their primary. */
import cluster from 'node:cluster';
import { createServer } from 'node:http';
import { Server } from 'socket.io';

if (cluster.isPrimary) {
  const serving = new Set();
  const fork = () => {
    const worker = cluster.fork();
    worker.on('listening', ({ port }) => {
      serving.add(worker);
      if (serving.size === 2) console.log(`cluster at http://127.0.0.1:${port}`);
    });
    worker.on('message', (text) => {
      for (const other of serving) if (other !== worker) other.send(text);
    });
    worker.on('exit', () => {
      serving.delete(worker);
      fork();
    });
  };
  fork();
  fork();
} else {
  const http = createServer();
  const io = new Server(http);
  process.on('message', (text) => io.emit('said', text));
  io.on('connection', (socket) => {
    socket.emit('ready');
    socket.on('say', (text, done) => {
      io.emit('said', text);
      process.send(text);
      done(process.pid);
    });
  });
  http.listen(0, '127.0.0.1');
}
