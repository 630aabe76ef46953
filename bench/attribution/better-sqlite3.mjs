import { join } from 'node:path';
import Database from '../../examples/annotator/db/better-sqlite3.cjs';

export default {
  async open(directory) {
    return [0, 1, 2, 3].map((index) => {
      const db = new Database(join(directory, `${index}.db`));
      const statements = new Map();
      db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
      return {
        async run(sql, ...params) {
          if (!statements.has(sql)) statements.set(sql, db.prepare(sql));
          return statements.get(sql).run(...params);
        },
      };
    });
  },
};
