/** What the probe asks a SQLite database about itself, and the SQL it answers with. Pure. */
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
  /** what tells a row from all others: its row id, or the key of a table without one */
  identity: string[];
  /** Each list of columns (with their collations) that two rows cannot share. */
  unique: UniquePart[][];
}

interface UniquePart {
  column: string;
  collation: string;
}

export const LOG = '_socket_replay_log';
/** takes a row and answers its number in the log */
export const ROW = '_socket_replay_row';
/** takes the first values of a row that has too many for one call */
export const PART = '_socket_replay_part';
/** rows that an insert may be about to replace */
export const HIDDEN = '_socket_replay_hidden';
export const PREFIX = '_socket_replay_';
/** SQLite's limit on the arguments of a function was 100 for long */
export const MAX_VALUES = 90;

/** Only numbers of rows: the rows stay with us, and a rollback takes back the numbers of those that never were. */
export const CREATE_LOG = `CREATE TEMP TABLE IF NOT EXISTS ${LOG} (seq INTEGER PRIMARY KEY)`;
export const OWN_TRIGGERS = `SELECT name FROM sqlite_temp_master WHERE type = 'trigger' AND substr(name, 1, ${PREFIX.length}) = '${PREFIX}'`;

export const REPLACE_TRIGGERS = `SELECT 1 FROM sqlite_temp_master WHERE type = 'trigger' AND substr(name, 1, ${PREFIX.length + 1}) = '${PREFIX}r'`;
const MAX_IDENTITY = 8;
/** With a row to update: see `bornOf`. Made so that `last_insert_rowid()` stays what it was. */
export const CREATE_HIDDEN = `CREATE TEMP TABLE IF NOT EXISTS ${HIDDEN} AS SELECT -1 AS layout, ${keysOf(MAX_IDENTITY)
  .map((key) => `NULL AS ${key}`)
  .join(', ')}, NULL AS line`;
/** A statement or a schema that may replace rows; `replace(` is a function. */
export const REPLACES = /\breplace\b(?!\s*\()/i;

export interface FoundTable {
  schema: string;
  table: Table;
  rowid: string | null;
  identity: string[];
  uniqueKeys: UniquePart[][];
}

const ORDINARY = `FROM pragma_table_list AS t WHERE t.type = 'table' AND t.schema <> 'temp' AND substr(t.name, 1, 7) <> 'sqlite_'`;
const joinedWith = (pragma: string): string => ORDINARY.replace(' WHERE', ` JOIN ${pragma}(t.name, t.schema) AS p WHERE`);
/** Ordinary tables of every attached database, in few questions. Views, virtual tables and what belongs to SQLite have no triggers. */
export const SCHEMA_QUESTIONS = [
  `SELECT t.schema AS schema, t.name AS name, t.wr AS wr ${ORDINARY} ORDER BY t.schema, t.name`,
  `SELECT t.schema AS schema, t.name AS "table", p.name AS name, p.type AS type, p.pk AS pk ${joinedWith('pragma_table_xinfo')} ORDER BY p.cid`,
  `SELECT t.schema AS schema, t.name AS "table", p."table" AS target, p."from" AS source, p."to" AS referenced ${joinedWith('pragma_foreign_key_list')}`,
  `SELECT t.schema AS schema, t.name AS "table", p.name AS "index", p.origin AS origin, p.partial AS partial, x.name AS name, x.coll AS coll ` +
    `${joinedWith('pragma_index_list').replace(' WHERE', ' JOIN pragma_index_xinfo(p.name, t.schema) AS x WHERE')} AND p."unique" = 1 AND x."key" = 1`,
];
/** What tables and triggers say: `ON CONFLICT REPLACE`, `INSERT OR REPLACE`. */
export const textsQuestion = (tables: readonly FoundTable[]): string =>
  [...new Set(['main', ...tables.map(({ schema }) => schema)])]
    .map((schema) => `SELECT sql FROM ${quoteName(schema)}.sqlite_master WHERE sql LIKE '%replace%'`)
    .join(' UNION ALL ');

type Rows = Record<string, unknown>[];

export const readTables = (query: Query): FoundTable[] => tablesOf(SCHEMA_QUESTIONS.map((question) => query(question)));

/** From the answers to the questions. */
export function tablesOf([tables = [], columns = [], foreignKeys = [], indexes = []]: readonly Rows[]): FoundTable[] {
  const [columnsOf, foreignKeysOf, indexesOf] = [columns, foreignKeys, indexes].map(byTable) as [ByTable, ByTable, ByTable];
  return tables.map(({ schema, name, wr }) => {
    const own = { schema: String(schema), table: String(name) };
    const all = columnsOf(own.schema, own.table);
    const columns = all.map((column) => ({ name: String(column.name), type: String(column.type ?? '') }));
    const key = keyOf(all);
    const parts = grouped(indexesOf(own.schema, own.table));
    const alias = ['rowid', '_rowid_', 'oid'].find((word) => !columns.some((column) => column.name.toLowerCase() === word));
    const table: Table = {
      name: own.schema === 'main' ? own.table : `${own.schema}.${own.table}`,
      key,
      columns,
      foreignKeys: foreignKeysOf(own.schema, own.table).map(({ source, target, referenced }) => ({
        column: String(source),
        table: String(target),
        // `REFERENCES parent` without a column means its key.
        references: typeof referenced === 'string' ? referenced : (keyOf(columnsOf(own.schema, String(target)))[0] ?? 'rowid'),
      })),
      unique: [...new Set(parts.flatMap(uniqueAlone))],
    };
    return {
      schema: own.schema,
      table,
      rowid: key.length > 0 ? null : (alias ?? null),
      identity: Number(wr) === 1 || alias === undefined ? key : [alias],
      // Of a partial index as of a whole one: what it finds too much is still there afterwards. Expressions are left out.
      uniqueKeys: parts
        .filter((index) => index.every((part) => typeof part.name === 'string'))
        .map((index) => index.map((part) => ({ column: String(part.name), collation: String(part.coll) }))),
    };
  });
}

type ByTable = (schema: string, table: string) => Rows;

function byTable(rows: Rows): ByTable {
  const found = new Map<string, Rows>();
  const id = (schema: unknown, table: unknown): string => JSON.stringify([schema, String(table).toLowerCase()]);
  for (const row of rows) {
    const own = found.get(id(row.schema, row.table));
    if (own === undefined) found.set(id(row.schema, row.table), [row]);
    else own.push(row);
  }
  return (schema, table) => found.get(id(schema, table)) ?? [];
}

/** The parts of each index together. */
function grouped(parts: Rows): Rows[] {
  const found = new Map<unknown, Rows>();
  for (const part of parts) found.set(part.index, [...(found.get(part.index) ?? []), part]);
  return [...found.values()];
}

const keyOf = (columns: Rows): string[] =>
  columns
    .filter(({ pk }) => Number(pk) > 0)
    .sort((a, b) => Number(a.pk) - Number(b.pk))
    .map(({ name }) => String(name));

const uniqueAlone = ([part, ...more]: Rows): string[] =>
  part !== undefined && more.length === 0 && part.origin !== 'pk' && Number(part.partial) === 0 && typeof part.name === 'string' ? [part.name] : [];

export function layoutOf({ schema, table, rowid, identity, uniqueKeys }: FoundTable, id: number): Layout {
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
    identity,
    unique: uniqueKeys,
  };
}

/** How the triggers of a driver put a row into the log. */
export interface Writing {
  /** statements that log a row of the trigger itself */
  row(layout: Layout, op: 'i' | 'u' | 'd', rows: ('OLD' | 'NEW')[]): string;
  /** an expression over the columns of the table: what a replaced row is logged with */
  replaced(layout: Layout): string;
  /** a statement that logs each row that the table has as inserted */
  born(layout: Layout): string;
  /** a statement that logs what `source` (a FROM with its WHERE) has in `line` */
  logReplaced(layout: Layout, source: string): string;
}

/** AFTER triggers see generated columns and defaults; TEMP ones run in front of the application's own. Short ones: each statement compiles them in. */
export function triggersOf(layout: Layout, writing: Writing, replaces: boolean): string[] {
  const hiding = replaces && canReplace(layout);
  const make = (name: string, when: string, body: string): string =>
    `CREATE TEMP TRIGGER "${PREFIX}${name}${layout.id}" ${when} ON ${layout.target} BEGIN ${body} END`;
  const found = hiding ? logReplaced(layout, writing) : '';
  return [
    ...(hiding ? [make('r', 'BEFORE INSERT', hide(layout, writing, '')), make('s', 'BEFORE UPDATE', hide(layout, writing, others(layout)))] : []),
    make('i', 'AFTER INSERT', found + writing.row(layout, 'i', ['NEW'])),
    make('u', 'AFTER UPDATE', found + writing.row(layout, 'u', ['OLD', 'NEW'])),
    // With recursive triggers SQLite tells of a replaced row itself.
    make(
      'd',
      'AFTER DELETE',
      (hiding ? `DELETE FROM ${HIDDEN} WHERE layout = ${layout.id} AND ${isRow(layout, 'OLD')}; ` : '') + writing.row(layout, 'd', ['OLD']),
    ),
  ];
}

/** By a function that takes the row and answers its number: nothing of the row is stored in the database. */
export const BY_FUNCTION: Writing = {
  row(layout, op, rows) {
    const values = rows.flatMap((row) => valuesOf(layout, row));
    let body = '';
    while (values.length > MAX_VALUES) body += `SELECT ${PART}(${values.splice(0, MAX_VALUES).join(', ')}); `;
    return `${body}INSERT INTO ${LOG} VALUES (${ROW}(${[layout.id, `'${op}'`, ...values].join(', ')}));`;
  },
  born: (layout) => `INSERT INTO ${LOG} SELECT ${ROW}(${[layout.id, `'i'`, ...valuesOf(layout, 't')].join(', ')}) FROM ${layout.target} AS t`,
  replaced: (layout) => `${ROW}(${[layout.id, `'d'`, ...valuesOf(layout, 't')].join(', ')})`,
  logReplaced: (_, source) => `INSERT INTO ${LOG} SELECT line ${source} ORDER BY line;`,
};

/** For drivers that know no functions of ours: the row is written as JSON by SQL alone. `token` tells two rows of one number apart, after a rollback. */
export const CREATE_TEXT_LOG = `CREATE TEMP TABLE IF NOT EXISTS ${LOG} (seq INTEGER PRIMARY KEY, token, layout, op, line)`;
export const BY_TEXT: Writing = {
  row: (layout, op, rows) => `INSERT INTO ${LOG} (token, layout, op, line) VALUES (random() >> 11, ${layout.id}, '${op}', ${textOf(layout, op, rows)});`,
  born: (layout) =>
    `INSERT INTO ${LOG} (token, layout, op, line) SELECT random() >> 11, ${layout.id}, 'i', ${textOf(layout, 'i', ['t'])} FROM ${layout.target} AS t`,
  replaced: (layout) => textOf(layout, 'd', ['t']),
  logReplaced: (layout, source) => `INSERT INTO ${LOG} (token, layout, op, line) SELECT random() >> 11, ${layout.id}, 'd', line ${source};`,
};

/** The end of a line of the channel, as an expression. */
function textOf(layout: Layout, op: 'i' | 'u' | 'd', rows: ('OLD' | 'NEW' | 't')[]): string {
  const texts = rows.map((row) => joined(layout.columns.map((column) => jsonOf(`${row}.${quoteName(column)}`))));
  const [before, after] = op === 'i' ? ["'null'", list(texts[0])] : op === 'd' ? [list(texts[0]), "'null'"] : [list(texts[0]), list(texts[1])];
  const rowid = layout.rowid === null ? `''` : `',"rowid":' || ${jsonOf(`${rows[0]}.${quoteName(layout.rowid)}`)}`;
  return `${rowid} || ',"before":' || ${before} || ',"after":' || ${after}`;
}

const list = (text: string | undefined): string => `'[' || ${text} || ']'`;
/** Integers beyond those of JavaScript as text; binary as hexadecimal, which the reader turns into base64; an infinite REAL has no JSON; `quote` leaves digits out where SQLite rounds them back and others do not. */
const jsonOf = (value: string): string =>
  `CASE typeof(${value}) WHEN 'text' THEN json_quote(${value}) WHEN 'blob' THEN '{"!hex":"' || hex(${value}) || '"}' WHEN 'null' THEN 'null' ` +
  `WHEN 'integer' THEN iif(${value} BETWEEN -9007199254740991 AND 9007199254740991, ${value}, '"' || ${value} || '"') ` +
  `ELSE iif(${value} BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308, printf('%!.17g', ${value}), 'null') END`;

/** Logs the rows that a table has already: inside a trigger, where an insert leaves `last_insert_rowid()` alone. */
export const bornOf = (layout: Layout, writing: Writing): string =>
  `CREATE TEMP TRIGGER "${PREFIX}b" AFTER UPDATE ON ${HIDDEN} BEGIN ${writing.born(layout)}; END; ` +
  `UPDATE ${HIDDEN} SET line = NULL WHERE layout = -1; DROP TRIGGER temp."${PREFIX}b"`;

const canReplace = (layout: Layout): boolean =>
  layout.identity.length > 0 && layout.identity.length <= MAX_IDENTITY && valuesOf(layout, 't').length <= MAX_VALUES;

/**
 * SQLite fires no trigger for a row that REPLACE deletes. So the rows that a new one conflicts with are noted before it comes, and
 * those that are gone afterwards were replaced. An upsert, an IGNORE or an error never gets there.
 */
function hide(layout: Layout, writing: Writing, others: string): string {
  const keys = [layout.identity.map((column) => ({ column, collation: '' })), ...layout.unique];
  const same = keys.map((parts) => `(${parts.map(({ column, collation }) => equals(column, collation)).join(' AND ')})`).join(' OR ');
  const values = [layout.id, ...layout.identity.map((column) => `t.${quoteName(column)}`), writing.replaced(layout)];
  const columns = ['layout', ...keysOf(layout.identity.length), 'line'];
  return (
    `DELETE FROM ${HIDDEN} WHERE layout = ${layout.id}; ` +
    `INSERT INTO ${HIDDEN} (${columns.join(', ')}) SELECT ${values.join(', ')} FROM ${layout.target} AS t WHERE (${same})${others};`
  );
}

function logReplaced(layout: Layout, writing: Writing): string {
  const still = layout.identity.map((column, index) => `t.${quoteName(column)} = k${index}`).join(' AND ');
  const source = `FROM ${HIDDEN} WHERE layout = ${layout.id} AND (${isRow(layout, 'NEW')} OR NOT EXISTS (SELECT 1 FROM ${layout.target} AS t WHERE ${still}))`;
  return `${writing.logReplaced(layout, source)} DELETE FROM ${HIDDEN} WHERE layout = ${layout.id}; `;
}

const equals = (column: string, collation: string): string =>
  `t.${quoteName(column)}${collation === '' ? '' : ` COLLATE ${quoteName(collation)}`} = NEW.${quoteName(column)}`;
const isRow = (layout: Layout, row: 'OLD' | 'NEW'): string => layout.identity.map((column, index) => `${row}.${quoteName(column)} = k${index}`).join(' AND ');
const others = (layout: Layout): string => ` AND NOT (${layout.identity.map((column) => `t.${quoteName(column)} = OLD.${quoteName(column)}`).join(' AND ')})`;

const valuesOf = (layout: Layout, row: 'OLD' | 'NEW' | 't'): string[] =>
  [...(layout.rowid === null ? [] : [layout.rowid]), ...layout.columns.map(quoteName)].map((column) => `${row}.${column}`);

/** A balanced tree: a chain over a wide table would pass SQLite's limit on the depth of an expression. */
export function joined(parts: string[]): string {
  if (parts.length === 1) return parts[0] as string;
  const middle = parts.length >> 1;
  return `(${joined(parts.slice(0, middle))} || ',' || ${joined(parts.slice(middle))})`;
}

export const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`;

function keysOf(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `k${index}`);
}
