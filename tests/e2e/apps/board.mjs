/** An application without the probe that keeps its rows in SQLite or PostgreSQL (BOARD_DB), with two regressions to switch on (BOARD_BUG). */
import { createServer } from 'node:http';
import Database from 'better-sqlite3';
import pg from 'pg';
import { Server } from 'socket.io';

const { BOARD_DB = '', BOARD_BUG = '', PORT = '0' } = process.env;
const bugs = BOARD_BUG.split(',');

const tables = (key) => `CREATE TABLE IF NOT EXISTS card (id ${key}, title text, moved integer DEFAULT 0);
  CREATE TABLE IF NOT EXISTS history (id ${key}, what text)`;

/** `query` answers with rows. */
async function open() {
  if (BOARD_DB.startsWith('postgres:')) {
    const pool = new pg.Pool({ connectionString: BOARD_DB });
    await pool.query(tables('serial PRIMARY KEY'));
    return { query: async (sql, ...values) => (await pool.query(sql, values)).rows, end: () => pool.end() };
  }
  const db = new Database(BOARD_DB);
  db.pragma('journal_mode = WAL');
  db.exec(tables('INTEGER PRIMARY KEY'));
  return { query: async (sql, ...values) => db.prepare(sql.replaceAll(/\$\d/g, '?')).all(...values), end: () => db.close() };
}

const { query, end } = await open();
const http = createServer();
const io = new Server(http);
io.on('connection', (socket) => {
  socket.on('addCard', async (title, reply) => {
    const [{ id }] = await query('INSERT INTO card (title) VALUES ($1) RETURNING id', bugs.includes('other-value') ? title.toLowerCase() : title);
    if (!bugs.includes('not-written')) await query('INSERT INTO history (what) VALUES ($1) RETURNING id', `added ${title}`);
    reply({ cardId: id });
    io.emit('added', { cardId: id, title });
  });
  socket.on('moveCard', async ({ cardId }, reply) => {
    await query('UPDATE card SET moved = moved + 1 WHERE id = $1 RETURNING id', cardId);
    reply('moved');
  });
  socket.on('removeCard', async ({ cardId }, reply) => {
    await query('DELETE FROM card WHERE id = $1 RETURNING id', cardId);
    reply('removed');
  });
});
http.listen(Number(PORT), '127.0.0.1', () => console.log(`board at http://127.0.0.1:${http.address().port}`));
process.on('SIGTERM', async () => {
  await io.close();
  await end();
  process.exit(0);
});
