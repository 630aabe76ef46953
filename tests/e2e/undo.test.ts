/** A run without a reset says what it left, and `undo` takes it back; `reset: { undo }` does so behind each replay. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type BetterSqlite3 from 'better-sqlite3';
import { expect, it } from 'vitest';
import { freePort } from '../ports.js';
import { slow } from '../slow.js';
import { configFor, playwrightTest, root, run, temporary } from './support.js';

const Sqlite = createRequire(import.meta.url)('better-sqlite3') as typeof BetterSqlite3;
const cli = join(root, 'dist/src/cli/main.js');

/** All rows of all tables. */
function dump(file: string): Record<string, unknown[]> {
  const db = new Sqlite(file, { readonly: true });
  const tables = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").pluck().all() as string[];
  const rows = Object.fromEntries(tables.map((table) => [table, db.prepare(`SELECT * FROM "${table}" ORDER BY 1`).all()]));
  db.close();
  return rows;
}

/** The annotator on a file of its own, until `use` is done. */
async function withAnnotator<T>(use: (target: { file: string; port: number }) => Promise<T>): Promise<T> {
  const file = join(temporary('undo'), 'annotator.db');
  const port = await freePort();
  const NODE_OPTIONS = `--import=${new URL('../../dist/src/probe/preload.js', import.meta.url).href}`;
  const app = run(process.execPath, ['--import', 'tsx', 'examples/annotator/server.ts'], { env: { PORT: String(port), ANNOTATOR_DB: file, NODE_OPTIONS } });
  try {
    await app.prints('annotator on');
    return await use({ file, port });
  } finally {
    app.child.kill('SIGTERM');
    await app.ended;
  }
}

it('undo brings a database back to what it was before the run, while the application runs', { timeout: 120_000 }, async () => {
  await withAnnotator(async ({ file, port }) => {
    const before = dump(file);
    const { code, output, results } = await playwrightTest([configFor(port, { scale: 'iterations: 2,' })]);
    expect(code, output).toBe(0);
    const left = results.tests.map((test) => test.left);
    expect(left.every((rows) => rows && rows.inserted > 0)).toBe(true);
    expect(output).toMatch(/Without a `reset` the run left in the database: \d+ rows inserted, \d+ changed, \d+ deleted\./);
    expect(output).toContain(`npx socket-replay undo ${results.run} --database`);
    const after = dump(file);
    expect(after).not.toEqual(before);

    const dry = await run(process.execPath, [cli, 'undo', '--database', file, results.run]).ended;
    expect(dry.output).toMatch(/\d+ rows can be taken back; nothing was written, --apply does it/);
    expect(dump(file)).toEqual(after);
    const done = await run(process.execPath, [cli, 'undo', '--database', file, '--apply', results.run]).ended;
    expect(done.output).toMatch(/\d+ rows taken back/);
    expect(done.output).not.toContain('left as');
    expect(done.code).toBe(0);
    expect(dump(file)).toEqual(before);
    const again = await run(process.execPath, [cli, 'undo', '--database', file, results.run]).ended;
    expect(again.output).toContain(`REPLAY_NO_RUN: there is no run ${results.run} that left rows`);
    expect(again.code).toBe(2);
  });
});

slow('reset by undo leaves nothing, and lets recordings alone be compared exactly', { timeout: 120_000 }, async () => {
  await withAnnotator(async ({ file, port }) => {
    const before = dump(file);
    const { code, output, results } = await playwrightTest([configFor(port, { scale: 'iterations: 2,', use: `reset: { undo: ${JSON.stringify(file)} },` })]);
    expect(code, output).toBe(0);
    expect(results.tests.filter(({ kind }) => kind === 'regression').map(({ level }) => level)).toEqual(['exact', 'exact', 'exact']);
    expect(results.tests.flatMap(({ notes }) => notes.map((note) => note.code))).not.toContain('NOT_UNDONE');
    expect(results.tests.every((test) => test.left === undefined)).toBe(true);
    expect(output).not.toContain('Without a `reset`');
    expect(dump(file)).toEqual(before);
  });
});
