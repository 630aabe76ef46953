/** What the tables of a PostgreSQL database are: names, keys, types. Partitions are told as the table that they are parts of. */
import type { Table } from '../../wire/messages.js';
import { ELIGIBLE } from '../../wire/pg-sql.js';
import type { Kind } from './pg-values.js';

export interface Layout {
  readonly table: Table;
  readonly columns: readonly string[];
  readonly kinds: ReadonlyMap<string, Kind>;
  /** what is the same in all messages about this table, as JSON */
  readonly text: string;
  /** of the whole table: `"public"."person"` */
  readonly target: string;
}

type Row = Record<string, unknown>;
type Query = (sql: string) => Promise<Row[]>;

const KINDS: Readonly<Record<string, Kind>> = { bytea: 'bytea', timestamptz: 'timestamptz', json: 'json', jsonb: 'json' };

/** `shown`: what the table of that id is told as. */
const TABLES = `SELECT c.oid::text AS rel, shown.oid::text AS shown, sn.nspname::text AS schema, shown.relname::text AS name,
  format('%I.%I', sn.nspname, shown.relname) AS target
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_class shown ON shown.oid = CASE WHEN c.relispartition THEN coalesce(pg_catalog.pg_partition_root(c.oid)::oid, c.oid) ELSE c.oid END
  JOIN pg_catalog.pg_namespace sn ON sn.oid = shown.relnamespace
  WHERE ${ELIGIBLE}`;

const COLUMNS = `SELECT a.attrelid::text AS rel, a.attname::text AS name, format_type(a.atttypid, a.atttypmod) AS type, t.typname::text AS base
  FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
  JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema') ORDER BY a.attrelid, a.attnum`;

/** p: primary key, u: unique (of one column, or a candidate for the key), f: foreign key */
const CONSTRAINTS = `SELECT i.indrelid::text AS rel, CASE WHEN i.indisprimary THEN 'p' ELSE 'u' END AS kind,
  (SELECT json_agg(a.attname ORDER BY k.n) FROM unnest(i.indkey) WITH ORDINALITY AS k(num, n) JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.num WHERE k.n <= i.indnkeyatts) AS columns,
  NOT EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey) AND NOT a.attnotnull) AS sure,
  NULL AS target, NULL AS referenced
  FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL AND n.nspname NOT IN ('pg_catalog', 'pg_toast')
  UNION ALL
  SELECT f.conrelid::text, 'f', (SELECT json_agg(a.attname ORDER BY k.n) FROM unnest(f.conkey) WITH ORDINALITY AS k(num, n) JOIN pg_catalog.pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.num), true,
  f.confrelid::text, (SELECT json_agg(a.attname ORDER BY k.n) FROM unnest(f.confkey) WITH ORDINALITY AS k(num, n) JOIN pg_catalog.pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = k.num)
  FROM pg_catalog.pg_constraint f WHERE f.contype = 'f'`;

/** By the id of the table that rows are written into. */
export async function readLayouts(query: Query): Promise<Map<string, Layout>> {
  const tables = await query(TABLES);
  const columns = groupBy(await query(COLUMNS), 'rel');
  const constraints = groupBy(await query(CONSTRAINTS), 'rel');
  const names = new Map(tables.map(({ shown, schema, name }) => [String(shown), shownName(String(schema), String(name))]));
  const made = new Map<string, Layout>();
  const layouts = new Map<string, Layout>();
  for (const { rel, shown, target } of tables) {
    const id = String(shown);
    const layout = made.get(id) ?? layoutOf(names.get(id) ?? '', String(target), columns.get(id) ?? [], constraints.get(id) ?? [], names);
    made.set(id, layout);
    layouts.set(String(rel), layout);
  }
  return layouts;
}

export const shownName = (schema: string, name: string): string => (schema === 'public' ? name : `${schema}.${name}`);

function layoutOf(name: string, target: string, columns: Row[], constraints: Row[], names: ReadonlyMap<string, string>): Layout {
  const lists = (kind: string): { columns: string[]; row: Row }[] =>
    constraints.filter((row) => row.kind === kind).map((row) => ({ columns: (row.columns ?? []) as string[], row }));
  const unique = lists('u');
  // Without a primary key a row is known by what is unique and never null, if anything is.
  const key = lists('p')[0]?.columns ?? unique.find(({ row }) => row.sure === true)?.columns ?? [];
  const table: Table = {
    name,
    key,
    columns: columns.map((column) => ({ name: String(column.name), type: String(column.type) })),
    foreignKeys: lists('f').flatMap(({ columns: own, row }) =>
      own.map((column, index) => ({ column, table: names.get(String(row.target)) ?? '', references: ((row.referenced ?? []) as string[])[index] ?? '' })),
    ),
    unique: [...new Set(unique.flatMap(({ columns: own }) => (own.length === 1 && !(key.length === 1 && key[0] === own[0]) ? own : [])))],
  };
  const shown = table.columns.map((column) => column.name);
  return {
    table,
    columns: shown,
    kinds: new Map(columns.map((column) => [String(column.name), KINDS[String(column.base)] ?? 'other'])),
    text: headOf(name, shown, key),
    target,
  };
}

export const headOf = (table: string, columns: readonly string[], key: readonly string[]): string =>
  `"table":${JSON.stringify(table)},"columns":${JSON.stringify(columns)},"key":${JSON.stringify(key)}`;

function groupBy(rows: Row[], by: string): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const key = String(row[by]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  return groups;
}
