/**
 * PostgreSQL where `wal_level` is logical and the user may: every committed row change in its order, from a replication slot that is
 * gone with our connection. The rows before are known from one look at the beginning, followed up since; REPLICA IDENTITY stays as it is.
 */
import type { Layout } from '../probe/changes/pg-schema.js';
import { readRow } from '../probe/changes/pg-values.js';
import type { Row, Session } from './pg.js';
import { type Decoded, decodeLine, UNCHANGED } from './pg-decoded.js';
import { snapshotOf, told } from './pg-snapshots.js';
import { MAX_ROWS } from './snapshots.js';
import { clock, type Look, type Technique, type WatchedChange } from './watch.js';

const SLOT = 'socket_replay_';
/** A new slot waits for all transactions that are open. */
const SLOT_MS = 3_000;

/** What decoding would not tell whole. */
const UNFIT = `SELECT format('%I.%I', n.nspname, c.relname) AS target, c.relreplident::text AS identity,
    EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attgenerated = 'v') AS virtual,
    EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisprimary) AS keyed, c.relkind = 'p' OR c.relispartition AS parted, c.relpersistence = 'u' AS unlogged
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p')`;

/** undefined: yes, and the slot is there. Else why not. */
export async function canDecode(session: Session): Promise<string | undefined> {
  const [server] = await session.query(
    `SELECT current_setting('wal_level') AS level, pg_is_in_recovery() AS replica, (SELECT rolsuper OR rolreplication FROM pg_catalog.pg_roles WHERE rolname = current_user) AS may`,
  );
  if (server?.level !== 'logical') return `wal_level is ${String(server?.level)}, not logical`;
  if (server.replica === true) return 'it is a replica';
  if (server.may !== true) return 'the user has not the attribute REPLICATION';
  const watched = new Set((await session.layouts()).map(({ target }) => target));
  const forbidden = await session.forbidden();
  for (const { target, identity, virtual, keyed, parted, unlogged } of await session.query(UNFIT)) {
    if (!watched.has(String(target))) continue;
    const why =
      (forbidden.has(String(target)) && 'may not be read') ||
      (parted === true && 'has partitions') ||
      (unlogged === true && 'is not logged') ||
      (virtual === true && 'has virtual columns') ||
      (!(identity === 'f' || (identity === 'd' && keyed === true)) && 'has no replica identity');
    if (why) return `the log does not tell all of ${String(target)}: it ${why}`;
  }
  try {
    await session.query(`SET statement_timeout = ${SLOT_MS}`);
    await session.query(`SELECT pg_create_logical_replication_slot($1::name, 'test_decoding', true)`, [`${SLOT}${process.pid}_${Date.now()}`]);
    return undefined;
  } catch (error) {
    return `no replication slot was to be had: ${(error as Error).message}`;
  } finally {
    await session.query('SET statement_timeout = 0');
  }
}

/** A table and its rows as they were at the last decoded change, by the text of their key. */
interface Followed {
  layout: Layout;
  rows: Map<string, Row>;
}

export async function decoding(session: Session): Promise<Technique> {
  const [{ slot } = { slot: '' }] = await session.query('SELECT slot_name::text AS slot FROM pg_replication_slots WHERE active_pid = pg_backend_pid()');
  const tables = new Map<string, Followed>();
  const tooLarge = new Set<string>();
  let moment: string | undefined;

  /** Tables that are new have no rows that were not told. */
  const follow = async (isFirst: boolean): Promise<void> => {
    const layouts = await session.layouts();
    for (const layout of layouts) {
      const { name } = layout.table;
      const known = tables.get(name);
      if (known?.layout === layout || tooLarge.has(name)) continue;
      if (known) known.layout = layout;
      else if (isFirst && Number((await session.query(`SELECT count(*) AS n FROM ${layout.target}`))[0]?.n) > MAX_ROWS) tooLarge.add(name);
      else {
        const snapshot = isFirst ? await snapshotOf(session, layout) : undefined;
        tables.set(name, { layout, rows: new Map([...(snapshot?.rows.values() ?? [])].map(readRow).map((row) => [keyText(layout, row), row])) });
      }
    }
  };

  const decoded = async (): Promise<Look> => {
    const found = await session.query(`SELECT data FROM pg_logical_slot_get_changes($1::name, NULL, NULL, 'include-xids', '0', 'skip-empty-xacts', '1')`, [
      slot,
    ]);
    const by = clock();
    const lines = found.flatMap(({ data }) => decodeLine(String(data)) ?? []);
    if (lines.length === 0) return { changes: [], by };
    await follow(false);
    const byTarget = new Map([...tables.values()].map((followed) => [followed.layout.target.replaceAll('"', ''), followed]));
    const rows = await valuesOf(session, lines, byTarget);
    const changes = lines.flatMap((line, index) => {
      const followed = byTarget.get(line.table);
      return followed ? apply(followed, line, rows[index]) : [];
    });
    return { changes, by };
  };

  const look = async (): Promise<Look> => {
    if ((await session.moment()) === moment) return { changes: [], by: clock() };
    await logged(session);
    const now = await session.moment();
    const seen = await decoded();
    moment = now;
    return seen;
  };
  await follow(true);
  // What was committed while we looked is in the rows, or will be once it has been told; either way it was before.
  await look();
  return {
    database: session.database,
    how: 'logical decoding: every committed change in its order; while it is watched, the server keeps its log in a replication slot that goes with our connection',
    net: false,
    notWatched: () => [...tooLarge].map((table) => ({ table, why: `the table ${table} has more than ${MAX_ROWS} rows` })),
    tables: () => [...tables.values()].map(({ layout }) => layout.table),
    look,
    close: () => session.end(),
  };
}

/** Of a commit that did not wait for the disk the log comes later than its rows; a commit that waits brings it along. */
async function logged(session: Session): Promise<void> {
  const [{ done } = { done: false }] = await session.query('SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), pg_current_wal_flush_lsn()) < 64 AS done');
  if (done !== true) await session.query("SELECT pg_logical_emit_message(true, 'socket-replay', '')");
}

/** The log has values as texts of their types; the server itself makes of them what `row_to_json` makes of a row. */
async function valuesOf(session: Session, lines: readonly Decoded[], tables: ReadonlyMap<string, Followed>): Promise<(Row | undefined)[]> {
  const rows: (Row | undefined)[] = lines.map(() => undefined);
  for (const [name, { layout }] of tables) {
    const places = [...lines.keys()].filter((place) => lines[place]?.table === name && lines[place]?.values);
    if (places.length === 0) continue;
    const given = places.map(
      (place) =>
        `{${Object.entries(lines[place]?.values ?? {})
          .flatMap(([column, text]) => memberOf(layout, column, text))
          .join(',')}}`,
    );
    const made = await session.query(`SELECT row_to_json(r.*)::text AS row FROM json_populate_recordset(NULL::${layout.target}, $1::json) AS r`, [
      `[${given.join(',')}]`,
    ]);
    for (const [index, place] of places.entries()) rows[place] = readRow(String(made[index]?.row));
  }
  return rows;
}

function memberOf({ kinds }: Layout, column: string, text: string | null | typeof UNCHANGED): string[] {
  if (text === UNCHANGED || !kinds.has(column)) return [];
  return [`${JSON.stringify(column)}:${text === null ? 'null' : kinds.get(column) === 'json' ? text : JSON.stringify(text)}`];
}

function apply({ layout, rows }: Followed, line: Decoded, values: Row | undefined): WatchedChange[] {
  const message = (op: WatchedChange['op'], before: Row | undefined, after: Row | undefined): WatchedChange => {
    const [was, is] = [before && told(layout, before), after && told(layout, after)];
    return {
      type: 'change',
      cause: null,
      op,
      table: layout.table.name,
      key: (was ?? is)?.key ?? {},
      before: was?.row ?? null,
      after: is?.row ?? null,
      at: clock(),
    };
  };
  if (line.op === 'truncate') {
    const all = [...rows.values()];
    rows.clear();
    return all.map((row) => message('delete', row, undefined));
  }
  if (!values) return [];
  // The key before, where it changed or the row is gone.
  const oldKey = keyText(layout, { ...values, ...(line.old && readOld(layout, line.old, values)) });
  const before = rows.get(oldKey);
  rows.delete(oldKey);
  if (line.op === 'delete') return [message('delete', before ?? values, undefined)];
  const after: Row = { ...values };
  for (const [column, text] of Object.entries(line.values)) if (text === UNCHANGED) after[column] = before?.[column] ?? null;
  rows.set(keyText(layout, after), after);
  return [line.op === 'insert' ? message('insert', undefined, after) : message('update', before, after)];
}

/** Keys are mostly numbers and texts, whose text in the log is that in JSON. */
function readOld({ table }: Layout, old: Record<string, string | null | typeof UNCHANGED>, values: Row): Row {
  return Object.fromEntries(
    table.key.flatMap((column) => {
      const text = old[column];
      return typeof text === 'string' ? [[column, typeof values[column] === 'number' ? Number(text) : text]] : [];
    }),
  );
}

const keyText = ({ table }: Layout, row: Row): string => JSON.stringify(table.key.map((column) => row[column]));
