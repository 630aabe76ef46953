/** A SQLite file by better-sqlite3: a connection of its own, which may write while the application runs. */
import { existsSync } from 'node:fs';
import { ALONE, type Database, databaseError, projectPackage } from './database.js';
import type { NetChange } from './net.js';

interface Statement {
  get(...values: unknown[]): Record<string, unknown> | undefined;
  all(...values: unknown[]): Record<string, unknown>[];
  run(...values: unknown[]): { changes: number };
}
interface Connection {
  prepare(sql: string): Statement;
  exec(sql: string): void;
  close(): void;
}
type Constructor = new (file: string, options: { fileMustExist: boolean; timeout: number }) => Connection;

/** How long it waits for others who hold the file, ms. */
const BUSY = 5000;

export async function openSqlite(file: string): Promise<Database> {
  if (!existsSync(file)) throw databaseError(file, new Error('there is no such file'));
  const Sqlite = projectPackage('better-sqlite3', 'a SQLite file') as Constructor;
  let connection: Connection;
  try {
    connection = new Sqlite(file, { fileMustExist: true, timeout: BUSY });
    connection.prepare('SELECT count(*) FROM sqlite_master').get();
  } catch (error) {
    throw databaseError(file, error);
  }
  const columns = new Map<string, string[]>();
  /** that can be written: generated ones cannot */
  const columnsOf = (table: string): string[] => {
    const known =
      columns.get(table) ??
      connection
        .prepare('SELECT name FROM pragma_table_xinfo(?) WHERE hidden IN (0, 1)')
        .all(table)
        .map(({ name }) => String(name));
    columns.set(table, known);
    return known;
  };
  const find = ({ table, key }: NetChange, row: NonNullable<NetChange['after']>): boolean => {
    const all = { ...key, ...row };
    return (
      connection.prepare(`SELECT 1 FROM ${quoted(table)} WHERE ${Object.keys(all).map(equals).join(' AND ')}`).get(...Object.values(all).map(bound)) !==
      undefined
    );
  };
  return {
    async transaction(commit, work) {
      try {
        connection.exec('BEGIN IMMEDIATE');
        const result = await work();
        connection.exec(commit ? 'COMMIT' : 'ROLLBACK');
        return result;
      } catch (error) {
        try {
          connection.exec('ROLLBACK');
        } catch {
          // there is no transaction any more
        }
        throw databaseError(file, error);
      }
    },
    async state(change) {
      if (columnsOf(change.table).length === 0) return 'gone';
      if (change.after) return find(change, change.after) ? 'same' : 'other';
      return find(change, {}) ? 'other' : 'same';
    },
    async restore({ table, key, before, after }) {
      const where = Object.keys(key).map(equals).join(' AND ');
      const writable = new Set(columnsOf(table));
      const entries = Object.entries(before ?? {}).filter(([column]) => writable.has(column));
      // A table without a key is found by its rowid, which is no column of the row.
      const hidden = Object.entries(key).filter(([column]) => !writable.has(column));
      const changed = (): number => Number(connection.prepare('SELECT total_changes() AS n').get()?.n);
      connection.exec('SAVEPOINT socket_replay');
      const earlier = changed();
      try {
        if (!before) connection.prepare(`DELETE FROM ${quoted(table)} WHERE ${where}`).run(...Object.values(key).map(bound));
        else if (after) {
          const set = entries.map(([column]) => `${quoted(column)} = ?`).join(', ');
          connection
            .prepare(`UPDATE ${quoted(table)} SET ${set} WHERE ${where}`)
            .run(...[...entries.map(([, value]) => value), ...Object.values(key)].map(bound));
        } else {
          const all = [...hidden, ...entries];
          const names = all.map(([column]) => quoted(column)).join(', ');
          connection.prepare(`INSERT INTO ${quoted(table)} (${names}) VALUES (${all.map(() => '?').join(', ')})`).run(...all.map(([, value]) => bound(value)));
        }
        if (changed() - earlier !== 1) throw new Error(ALONE);
        connection.exec('RELEASE socket_replay');
        return undefined;
      } catch (error) {
        connection.exec('ROLLBACK TO socket_replay; RELEASE socket_replay');
        return error instanceof Error ? error.message : String(error);
      }
    },
    async close() {
      connection.close();
    },
  };
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
const equals = (column: string): string => `${quoted(column)} IS ?`;

/** As the probe writes rows: binary data as base64, integers beyond a JavaScript number as text, which the column's type makes a number again. */
function bound(value: unknown): unknown {
  if (typeof value === 'object' && value !== null && '!binary' in value) return Buffer.from(String(value['!binary']), 'base64');
  // A JavaScript number would be stored as a REAL where the column has no type.
  return typeof value === 'boolean' || Number.isSafeInteger(value) ? BigInt(value as number) : value;
}
