// The application of bench/attribution.ts: each event writes rows that say which trace wrote them. SUBJECT names the driver.
import { createServer } from 'node:http';
import { Server } from 'socket.io';

const { default: subject } = await import(`./${process.env.SUBJECT}.mjs`);
const connections = await subject.open(process.env.DIRECTORY);
for (const { run } of connections) {
  await run('CREATE TABLE item (id INTEGER PRIMARY KEY, trace TEXT, step INTEGER)');
  await run('CREATE TABLE note (id TEXT PRIMARY KEY, trace TEXT)');
  await run('CREATE TABLE counter (trace TEXT PRIMARY KEY, n INTEGER)');
}

/** A transaction has its connection for itself, as a pool gives it; statements without one have it one by one. */
const lines = connections.map(() => Promise.resolve());
const alone = (index, work) => {
  const result = lines[index].then(work);
  lines[index] = result.catch(() => undefined);
  return result;
};
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** What a trace writes; each a statement of its own, in several tables. */
const writes = (trace) => [
  ['insert item', 'INSERT INTO item (trace, step) VALUES (?, 1)', trace],
  ['insert note', 'INSERT INTO note (id, trace) VALUES (?, ?)', `note of ${trace}`, trace],
  ['insert counter', 'INSERT INTO counter (trace, n) VALUES (?, 1)', trace],
  ['update counter', 'UPDATE counter SET n = n + 1 WHERE trace = ?', trace],
  ['delete note', 'DELETE FROM note WHERE id = ?', `note of ${trace}`],
];

const server = createServer();
new Server(server).on('connection', (socket) => {
  let n = 0;
  const begin = () => `${socket.id}:${(n += 1)}`;
  // Other traces run between any two of its statements.
  socket.on('autocommit', async ({ on }, callback) => {
    const trace = begin();
    const done = [];
    for (const [what, sql, ...params] of writes(trace)) {
      await turn();
      await alone(on % connections.length, () => connections[on % connections.length].run(sql, ...params));
      done.push(what);
    }
    callback(trace, done);
  });
  socket.on('transaction', async ({ on, rollback }, callback) => {
    const trace = begin();
    const { run } = connections[on % connections.length];
    const done = [];
    await alone(on % connections.length, async () => {
      await run('BEGIN');
      for (const [what, sql, ...params] of writes(trace)) {
        await turn();
        await run(sql, ...params);
        done.push(what);
      }
      await run(rollback ? 'ROLLBACK' : 'COMMIT');
    });
    callback(trace, rollback ? [] : done);
  });
  socket.on('rows', async ({ count }, callback) => {
    const trace = begin();
    for (let i = 0; i < count; i += 1) await connections[0].run('INSERT INTO item (trace, step) VALUES (?, 2)', trace);
    callback(trace);
  });
});
server.listen(0, '127.0.0.1', () => console.log(`server on http://127.0.0.1:${server.address().port}`));
