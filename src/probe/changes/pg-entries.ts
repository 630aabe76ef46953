/** The rows of our log in a PostgreSQL database: how they are asked for, and what they say. */
import { INSTANCE, LOCKS, MARK, SCHEMA } from '../../wire/pg-sql.js';
import { readRow } from './pg-values.js';

export type Row = Record<string, unknown>;

/** No text of PostgreSQL's JSON has it, nor a mark; the name stands at the end, where it may. */
const SEPARATOR = '\x01';

/** `which` says whose: an expression over the log. One column: the driver takes each apart for itself. */
const readSql = (which: string): string => `WITH seen AS MATERIALIZED (
    SELECT ctid AS place, lsn, xid, cmin::text::bigint AS step, op, rel, name, old, new, ${MARK} AS mark, at FROM ${SCHEMA}.log WHERE ${which}),
  gone AS (DELETE FROM ${SCHEMA}.log USING seen WHERE log.ctid = seen.place RETURNING seen.*)
  SELECT concat(xid, e'\\x01', op, e'\\x01', rel, e'\\x01', mark, e'\\x01', (extract(epoch FROM clock_timestamp() - at) * 1000)::numeric(20, 3),
    e'\\x01', old, e'\\x01', new, e'\\x01', name) AS line FROM gone ORDER BY lsn, gone.xid, step`;
/** A transaction is one process's: its rows without a mark belong to it as well. */
export const OWN_ROWS = readSql(`xid IN (SELECT xid FROM ${SCHEMA}.log WHERE ${INSTANCE} = $1)`);
export const ALL_ROWS = readSql(`xid NOT IN (SELECT xid FROM ${SCHEMA}.log WHERE ${INSTANCE} IN
  (SELECT objid::text FROM pg_locks WHERE locktype = 'advisory' AND classid = ${LOCKS + 1} AND objid::text <> $1
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())))`);

/** A row of the log, read. */
export interface Entry {
  xid: string;
  op: string;
  rel: string;
  mark: string;
  age: number;
  before: Row | null;
  after: Row | null;
  /** `schema.table` */
  name: string;
}

export function readEntry(line: string): Entry {
  const [xid = '', op = '', rel = '', mark = '', age = '', old = '', after = '', ...name] = line.split(SEPARATOR);
  return {
    xid,
    op,
    rel,
    mark,
    age: Number(age),
    before: old === '' ? null : readRow(old),
    after: after === '' ? null : readRow(after),
    name: name.join(SEPARATOR),
  };
}

/** The mark of all rows of a transaction that have one, if they agree. */
export function marksOf(entries: Entry[]): Map<string, string> {
  const marks = new Map<string, string>();
  for (const { xid, mark } of entries) {
    if (mark === '') continue;
    const known = marks.get(xid);
    if (known !== mark) marks.set(xid, known === undefined ? mark : '');
  }
  return marks;
}
