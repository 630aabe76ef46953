/** Opens a database: a file of SQLite, or the address of a PostgreSQL database. */
import type { Database } from './database.js';
import { openPostgres } from './postgres.js';
import { openSqlite } from './sqlite.js';

export const openDatabase = (where: string): Promise<Database> => (/^postgres(ql)?:\/\//.test(where) ? openPostgres(where) : openSqlite(where));
