import { rmSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { App, bundlePreload, emitAck, temporary } from '../helper.js';

const directory = temporary();
let preload = '';
let app: App;
beforeAll(() => {
  preload = bundlePreload(directory);
});
afterEach(() => app?.stop());
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** What each trace writes: one row, three at once, an update and raw SQL in a transaction, a rolled back transaction, a delete. */
const WRITTEN = ['insert 1', 'insert 2', 'insert 3', 'insert 4', 'update 5', 'insert 6', 'delete 4'];

describe.each(['knex', 'sequelize', 'drizzle'])('through %s, concurrent traces', (name) => {
  it('have exactly their rows', async () => {
    app = await App.start('orms.cjs', preload);
    const reader = await app.reader('replay');
    const clients = await Promise.all(Array.from({ length: 10 }, () => app.client()));
    const traces = await Promise.all(clients.flatMap((client) => Array.from({ length: 4 }, () => emitAck(client, name).then(([trace]) => String(trace)))));
    expect(await reader.drain()).toMatchObject({ open: 0 });
    const found = new Map(traces.map((trace): [string, string[]] => [trace, []]));
    for (const { op, table, cause, before, after } of reader.of('change')) {
      expect(table).toBe(`${name}_item`);
      expect(cause?.replace(/~$/, '')).toBe((after ?? before)?.trace);
      found.get(String((after ?? before)?.trace))?.push(`${op} ${(after ?? before)?.n}`);
    }
    expect([...found.values()]).toEqual(traces.map(() => WRITTEN));
    expect(reader.of('warning')).toEqual([]);
  });
});
