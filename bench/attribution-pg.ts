/**
 * Whether every row that pg writes has the trace that wrote it. `npx tsx bench/attribution-pg.ts [traces]`: that many traces (10,000) of
 * 200 clients at once, half of them in autocommit, half in transactions, a tenth rolled back. What it costs: pg-cost.ts.
 */
import type { Socket } from 'socket.io-client';
import { connectProbe } from '../src/wire/client.js';
import type { FromProbe } from '../src/wire/messages.js';
import { LEFTOVERS } from '../src/wire/pg-sql.js';
import { type Postgres, startPostgres } from '../tests/postgres.js';
import { bundleProbe, connect, gone, start, stop, TOKEN } from './pg-app.js';

type Change = Extract<FromProbe, { type: 'change' }>;
type How = 'autocommit' | 'COMMIT' | 'ROLLBACK';

const CLIENTS = 200;

async function main(traces: number): Promise<void> {
  const { preload, remove } = bundleProbe();
  const server = await startPostgres();
  await server.create('app');
  await server.sql(
    'app',
    `CREATE TABLE note (id bigserial PRIMARY KEY, tag text UNIQUE, body jsonb); CREATE TABLE line (id bigserial PRIMARY KEY, tag text, n int);
     CREATE TABLE entry (id bigserial PRIMARY KEY, tag text)`,
  );
  try {
    const good = await attribution(server, preload, traces);
    const left = await server.sql('app', LEFTOVERS);
    console.log(`left in the database: ${left.length}`);
    process.exitCode = good && left.length === 0 ? 0 : 1;
  } finally {
    await server.stop();
    remove();
  }
}

async function attribution(server: Postgres, preload: string, traces: number): Promise<boolean> {
  const app = await start(server, preload);
  const reader = await connectProbe({ port: app.probePort, token: TOKEN, mode: 'record' });
  const changes: Change[] = [];
  let lost = 0;
  reader.onMessage((message) => {
    if (message.type === 'change') changes.push(message);
    else if (message.type === 'lost') lost += message.count;
    else if (message.type === 'warning') console.log(`warning: ${message.message}`);
  });
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => connect(app)));
  const causes = new Map<string, string>();
  const began = performance.now();
  await Promise.all(
    Array.from({ length: traces }, async (_, index) => {
      const who = clients[index % CLIENTS] as Socket;
      const tag = `t${index}`;
      causes.set(tag, `${who.id}:${Math.floor(index / CLIENTS) + 1}`);
      await who.emitWithAck('write', tag, howOf(index));
    }),
  );
  const wrote = performance.now() - began;
  const { open } = await reader.drain(30_000);
  const took = performance.now() - began;
  const committed = Array.from({ length: traces }, (_, index) => index).filter((index) => howOf(index) !== 'ROLLBACK');
  const wanted = new Map<string, number>(
    committed.flatMap((index) => ROWS.map((what): [string, number] => [`${what} t${index}`, what === 'insert line' ? 2 : 1])),
  );
  let [wrong, unattributed, phantom] = [0, 0, 0];
  for (const { cause, op, table, before, after } of changes) {
    const tag = String((after ?? before)?.tag);
    const key = `${op} ${table} ${tag}`;
    const rest = wanted.get(key) ?? 0;
    if (rest === 0) phantom += 1;
    else wanted.set(key, rest - 1);
    if (cause === null) unattributed += 1;
    else if (cause !== causes.get(tag)) wrong += 1;
  }
  const missing = [...wanted.values()].reduce((sum, rest) => sum + rest, 0);
  const [stored] = await server.sql('app', 'SELECT (SELECT count(*) FROM note) + (SELECT count(*) FROM line) + (SELECT count(*) FROM entry) AS n');
  console.log(
    `pg: ${traces} traces of ${CLIENTS} clients, ${traces - committed.length} rolled back, ${changes.length} rows told, ${String(stored?.n)} in the tables, ${Math.round(wrote)} ms, and ${Math.round(took - wrote)} until all was told`,
  );
  console.log(`pg: wrong ${wrong}, missing ${missing}, phantom ${phantom}, unattributed ${unattributed}, lost ${lost}, open ${open}`);
  reader.close();
  await stop(app, clients, true);
  await gone(server);
  return wrong + missing + phantom + unattributed + lost + open === 0 && Number(stored?.n) === committed.length * 4;
}

const ROWS = ['insert note', 'update note', 'insert line', 'insert entry'];
const howOf = (index: number): How => (index % 10 === 7 ? 'ROLLBACK' : index % 2 === 0 ? 'autocommit' : 'COMMIT');

await main(Number(process.argv[2] ?? 10_000));
