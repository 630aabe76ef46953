/** From what a person wrote to a watched database. */
import { ReplayError } from '../errors.js';
import { watchPostgres } from './pg.js';
import { watchSqlite } from './sqlite.js';
import { type Watch, watching } from './watch.js';

/** `postgres://…`, or the path of a SQLite file. The way of watching is the best one that the database allows. */
export async function openWatch(database: string): Promise<Watch> {
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(database)?.[1]?.toLowerCase();
  if (scheme === 'postgres' || scheme === 'postgresql') return watching(await watchPostgres(database));
  if (scheme !== undefined)
    throw new ReplayError('REPLAY_WATCH_FAILED', `${scheme}:// is no database that can be watched`, undefined, 'Name a SQLite file or a postgres:// address.');
  return watching(await watchSqlite(database));
}
