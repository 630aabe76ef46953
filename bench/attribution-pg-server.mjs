// An application on PostgreSQL that writes much: every event several rows in several tables, with the tag that it brings.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { Server } from 'socket.io';

const { Pool } = createRequire(import.meta.url)('pg');
const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 20 });
const server = createServer((_request, response) => response.end('ok'));
const io = new Server(server);

/** In autocommit: five rows. */
async function autocommit(tag) {
  await pool.query('INSERT INTO note (tag, body) VALUES ($1, $2)', [tag, { at: tag }]);
  await Promise.all([
    pool.query('INSERT INTO line (tag, n) VALUES ($1, 1), ($1, 2)', [tag]),
    pool.query({ name: 'entry', text: 'INSERT INTO entry (tag) VALUES ($1)', values: [tag] }),
  ]);
  await pool.query('UPDATE note SET body = $2 WHERE tag = $1', [tag, null]);
}

/** The same in a transaction, whose statements stand between those of others. */
async function transaction(tag, end) {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    await client.query('INSERT INTO note (tag, body) VALUES ($1, $2)', [tag, { at: tag }]);
    await client.query('INSERT INTO line (tag, n) VALUES ($1, 1), ($1, 2)', [tag]);
    await client.query('SAVEPOINT inner_one');
    await client.query('INSERT INTO entry (tag) VALUES ($1)', [`${tag} never`]);
    await client.query('ROLLBACK TO inner_one');
    await client.query({ name: 'entry', text: 'INSERT INTO entry (tag) VALUES ($1)', values: [tag] });
    await client.query('UPDATE note SET body = $2 WHERE tag = $1', [tag, null]);
    await client.query(end);
  } finally {
    client.release();
  }
}

const COST = 'INSERT INTO cost (a, b, c) VALUES ($1, $2, $3)';
const VALUES = ['some text', 12, 'more text of an ordinary row'];

async function one() {
  await pool.query(COST, VALUES);
  return 1;
}

async function five() {
  const client = await pool.connect();
  await client.query('BEGIN');
  for (let row = 0; row < 5; row += 1) await client.query(COST, VALUES);
  await client.query('COMMIT');
  client.release();
  return 5;
}

/** One transaction after another for that long, from twenty sides. */
async function load(ms, write, done) {
  const end = performance.now() + ms;
  const before = process.cpuUsage();
  let rows = 0;
  const side = async () => {
    while (performance.now() < end) {
      const written = await write();
      rows += written;
    }
  };
  await Promise.all(Array.from({ length: 20 }, side));
  const { user, system } = process.cpuUsage(before);
  done({ rows, cpu: user + system });
}

io.on('connection', (socket) => {
  socket.on('write', async (tag, how, done) => {
    if (how === 'autocommit') await autocommit(tag);
    else await transaction(tag, how);
    done();
  });
  socket.on('load', (ms, done) => load(ms, one, done));
  socket.on('load five', (ms, done) => load(ms, five, done));
});
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
