/**
 * PostgreSQL for whoever may do nothing but read: all rows of the tables whose hash has changed, when some transaction that wrote has
 * ended. Row changes that no look fell between are told as one.
 */
import type { Layout } from '../probe/changes/pg-schema.js';
import { encodeValue, readRow } from '../probe/changes/pg-values.js';
import type { Session } from './pg.js';
import { changesBetween, MAX_ROWS, picked, type Snapshot } from './snapshots.js';
import { clock, type Look, type Technique } from './watch.js';

/** a name that no column has */
const ROW = '"socket replay"';

/** One table, its content as a hash, and its rows. */
interface Known {
  hash: string;
  snapshot: Snapshot;
}

/** `why` nothing better is possible. */
export async function pgSnapshots(session: Session, why: string): Promise<Technique> {
  let moment: string | undefined;
  let known = new Map<string, Known>();
  let unwatched: { table: string; why: string }[] = [];
  let layouts: Layout[] = [];

  /** In one transaction, so that all tables are of one moment. */
  const readAll = async (): Promise<Map<string, Known>> => {
    layouts = await session.layouts();
    const forbidden = await session.forbidden();
    const readable = layouts.filter(({ target }) => !forbidden.has(target));
    const left = layouts
      .filter(({ target }) => forbidden.has(target))
      .map(({ table }) => ({ table: table.name, why: `the user may not read the table ${table.name}` }));
    const next = new Map<string, Known>();
    for (const { layout, rows, hash } of await hashesOf(session, readable)) {
      const { name } = layout.table;
      const before = known.get(name);
      if (rows > MAX_ROWS) left.push({ table: name, why: `the table ${name} has more than ${MAX_ROWS} rows` });
      else if (before?.hash === hash) next.set(name, before);
      else next.set(name, { hash, snapshot: await snapshotOf(session, layout) });
    }
    unwatched = left;
    return next;
  };
  const look = async (): Promise<Look> => {
    const now = await session.moment();
    if (now === moment) return { changes: [], by: clock() };
    // Its snapshot is taken by the first question.
    await session.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT txid_current_snapshot()');
    const by = clock();
    let next: Map<string, Known>;
    try {
      next = await readAll();
    } finally {
      await session.query('ROLLBACK');
    }
    const changes = moment === undefined ? [] : changesBetween(snapshots(known), snapshots(next), by);
    [known, moment] = [next, now];
    return { changes, by };
  };
  await look();
  return {
    database: session.database,
    how: `snapshots of all rows, whenever a transaction that wrote has ended: rows that were written several times between two looks are told once (${why})`,
    net: true,
    notWatched: () => unwatched,
    tables: () => layouts.map(({ table }) => table),
    look,
    close: () => session.end(),
  };
}

const snapshots = (known: ReadonlyMap<string, Known>): Map<string, Snapshot> => new Map([...known].map(([name, { snapshot }]) => [name, snapshot]));

/** In one question. The order of rows is nothing to a sum. */
async function hashesOf(session: Session, layouts: Layout[]): Promise<{ layout: Layout; rows: number; hash: string }[]> {
  if (layouts.length === 0) return [];
  const parts = layouts.map(
    ({ target }, index) =>
      `SELECT ${index} AS place, count(*)::text AS rows, coalesce(sum(hashtextextended((${ROW}.*)::text, 0)), 0)::text AS hash FROM ${target} AS ${ROW}`,
  );
  const found = await session.query(parts.join(' UNION ALL '));
  return found.flatMap(({ place, rows, hash }) => {
    const layout = layouts[Number(place)];
    // Also a table that looks alike but for its columns is another one.
    return layout ? [{ layout, rows: Number(rows), hash: `${String(rows)} ${String(hash)} ${layout.text}` }] : [];
  });
}

export async function snapshotOf(session: Session, layout: Layout): Promise<Snapshot> {
  const { table, target } = layout;
  const key = table.key.map((column) => `${ROW}."${column.replaceAll('"', '""')}"`).join(', ');
  const found = await session.query(
    `SELECT ${key === '' ? 'NULL' : `json_build_array(${key})::text`} AS key, row_to_json(${ROW}.*)::text AS row FROM ${target} AS ${ROW}`,
  );
  const rows = new Map<string, string>();
  const alike = new Map<string, number>();
  for (const { key: named, row } of found) {
    const text = String(row);
    // Without a key a row is known by all of it, and by how many there are.
    const count = named === null ? (alike.get(text) ?? 0) + 1 : 0;
    if (count > 0) alike.set(text, count);
    rows.set(named === null ? `${text} ${count}` : String(named), text);
  }
  return { table, rows, read: (text) => told(layout, readRow(text)) };
}

/** A row in the form of the wire. */
export function told({ table, columns, kinds }: Layout, values: Record<string, unknown>): { row: Record<string, unknown>; key: Record<string, unknown> } {
  const row = Object.fromEntries(columns.map((column) => [column, encodeValue(values[column], kinds.get(column))]));
  return { row, key: picked(row, table.key) };
}
