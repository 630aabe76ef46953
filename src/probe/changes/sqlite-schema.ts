/** What the probe asks a SQLite database about itself, and the SQL it answers with. Pure, but for `readTables`. */
import type { Table } from '../../wire/messages.js';

export type Query = (sql: string, ...params: unknown[]) => Record<string, unknown>[];

/** How the triggers of a table write its rows; kept for ever, because a rolled back ALTER brings old triggers back. */
export interface Layout {
  id: number;
  table: string;
  key: string[];
  columns: string[];
  /** the key is the row id, handed over in front of the columns */
  rowid: string | null;
  /** what is the same in all messages about this table, as JSON */
  text: string;
  /** `main."person"` */
  target: string;
}

export const LOG = '_socket_replay_log';
/** takes a row and answers its number in the log */
export const ROW = '_socket_replay_row';
/** takes the first values of a row that has too many for one call */
export const PART = '_socket_replay_part';
export const PREFIX = '_socket_replay_';
/** SQLite's limit on the arguments of a function was 100 for long */
const MAX_VALUES = 90;

/** Only numbers of rows: the rows stay with us, and a rollback takes back the numbers of those that never were. */
export const CREATE_LOG = `CREATE TEMP TABLE IF NOT EXISTS ${LOG} (seq INTEGER PRIMARY KEY)`;
export const OWN_TRIGGERS = `SELECT name FROM sqlite_temp_master WHERE type = 'trigger' AND substr(name, 1, ${PREFIX.length}) = '${PREFIX}'`;

export interface FoundTable {
  schema: string;
  table: Table;
  rowid: string | null;
}

/** Ordinary tables of every attached database. Views, virtual tables and what belongs to SQLite have no triggers. */
export function readTables(query: Query): FoundTable[] {
  const names = query(
    `SELECT schema, name FROM pragma_table_list WHERE type = 'table' AND schema <> 'temp' AND substr(name, 1, 7) <> 'sqlite_' ORDER BY schema, name`,
  );
  return names.map(({ schema, name }) => readTable(query, String(schema), String(name)));
}

function readTable(query: Query, schema: string, name: string): FoundTable {
  const all = query('SELECT name, type, pk, hidden FROM pragma_table_xinfo(?, ?) ORDER BY cid', name, schema);
  const columns = all.map((column) => ({ name: String(column.name), type: String(column.type ?? '') }));
  const key = all
    .filter(({ pk }) => Number(pk) > 0)
    .sort((a, b) => Number(a.pk) - Number(b.pk))
    .map((column) => String(column.name));
  const foreignKeys = query('SELECT "table" AS target, "from" AS source, "to" AS referenced FROM pragma_foreign_key_list(?, ?)', name, schema).map(
    ({ target, source, referenced }) => ({
      column: String(source),
      table: String(target),
      references: typeof referenced === 'string' ? referenced : (primaryKeyOf(query, schema, String(target)) ?? 'rowid'),
    }),
  );
  const unique = query(`SELECT name FROM pragma_index_list(?, ?) WHERE "unique" = 1 AND origin <> 'pk' AND partial = 0`, name, schema)
    .map((index) => query('SELECT name FROM pragma_index_info(?, ?)', index.name, schema))
    .flatMap((parts) => (parts.length === 1 && typeof parts[0]?.name === 'string' ? [parts[0].name] : []));
  const shown = schema === 'main' ? name : `${schema}.${name}`;
  const taken = new Set(columns.map((column) => column.name.toLowerCase()));
  const rowid = key.length > 0 ? null : (['rowid', '_rowid_', 'oid'].find((alias) => !taken.has(alias)) ?? null);
  return { schema, rowid, table: { name: shown, key, columns, foreignKeys, unique: [...new Set(unique)] } };
}

/** `REFERENCES parent` without a column means its key. */
function primaryKeyOf(query: Query, schema: string, table: string): string | undefined {
  const name = query('SELECT name FROM pragma_table_xinfo(?, ?) WHERE pk = 1', table, schema)[0]?.name;
  return typeof name === 'string' ? name : undefined;
}

export function layoutOf({ schema, table, rowid }: FoundTable, id: number): Layout {
  const name = schema === 'main' ? table.name : table.name.slice(schema.length + 1);
  const columns = table.columns.map((column) => column.name);
  return {
    id,
    table: table.name,
    key: table.key,
    columns,
    rowid,
    text: `"table":${JSON.stringify(table.name)},"columns":${JSON.stringify(columns)},"key":${JSON.stringify(table.key)}`,
    target: `${quoteName(schema)}.${quoteName(name)}`,
  };
}

/** AFTER triggers see generated columns and defaults; TEMP ones run in front of the application's own. Short ones: each statement compiles them in. */
export function triggersOf(layout: Layout): string[] {
  const make = (op: string, event: string, rows: ('OLD' | 'NEW')[]): string => {
    const values = rows.flatMap((row) => valuesOf(layout, row));
    let body = '';
    while (values.length > MAX_VALUES) body += `SELECT ${PART}(${values.splice(0, MAX_VALUES).join(', ')}); `;
    return (
      `CREATE TEMP TRIGGER "${PREFIX}${op}${layout.id}" AFTER ${event} ON ${layout.target} BEGIN ` +
      `${body}INSERT INTO ${LOG} VALUES (${ROW}(${[layout.id, `'${op}'`, ...values].join(', ')})); END`
    );
  };
  return [make('i', 'INSERT', ['NEW']), make('u', 'UPDATE', ['OLD', 'NEW']), make('d', 'DELETE', ['OLD'])];
}

const valuesOf = (layout: Layout, row: 'OLD' | 'NEW'): string[] =>
  [...(layout.rowid === null ? [] : [layout.rowid]), ...layout.columns.map(quoteName)].map((column) => `${row}.${column}`);

/** A balanced tree: a chain over a wide table would pass SQLite's limit on the depth of an expression. */
export function joined(parts: string[]): string {
  if (parts.length === 1) return parts[0] as string;
  const middle = parts.length >> 1;
  return `(${joined(parts.slice(0, middle))} || ',' || ${joined(parts.slice(middle))})`;
}

export const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`;
