/** An application without a database: todos and lists are counted in memory, each for itself. */
import { createServer } from 'node:http';
import { Server } from 'socket.io';

const lists = new Map();
const todos = new Map();

const http = createServer((_, response) => response.end('counted'));
const io = new Server(http);
io.on('connection', (socket) => {
  socket.on('list:create', ({ name }, ack) => {
    const list = { id: lists.size + 1, name };
    lists.set(list.id, list);
    ack({ ok: true, list });
  });
  socket.on('todo:create', ({ listId, title }, ack) => {
    if (!lists.has(listId)) return ack({ ok: false, error: 'no such list' });
    const todo = { id: todos.size + 1, listId, title, done: false };
    todos.set(todo.id, todo);
    socket.emit('todo:created', todo);
    ack({ ok: true, id: todo.id });
  });
  socket.on('todo:done', ({ id }, ack) => {
    const todo = todos.get(id);
    if (!todo || todo.done) return ack({ ok: false, error: 'not open' });
    todo.done = true;
    ack({ ok: true });
  });
});
http.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => console.log('counted is up'));
process.on('SIGTERM', () => io.close(() => process.exit(0)));
