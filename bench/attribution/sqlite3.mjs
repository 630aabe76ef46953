import { join } from 'node:path';
import sqlite3 from 'sqlite3';

export default {
  async open(directory) {
    return Promise.all(
      [0, 1, 2, 3].map(async (index) => {
        const db = new sqlite3.Database(join(directory, `${index}.db`));
        const run = (sql, ...params) => new Promise((resolve, reject) => db.run(sql, params, (error) => (error ? reject(error) : resolve())));
        await run('PRAGMA journal_mode = WAL');
        await run('PRAGMA synchronous = NORMAL');
        return { run };
      }),
    );
  },
};
