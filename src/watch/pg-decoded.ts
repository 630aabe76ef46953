/** What PostgreSQL's `test_decoding` writes of a change, as data: `table public.note: UPDATE: old-key: id[integer]:1 new-tuple: id[integer]:2 text[text]:'it''s'`. Pure. */

/** A large value that an update left alone. */
export const UNCHANGED = Symbol('unchanged');
type Values = Record<string, string | null | typeof UNCHANGED>;

export interface Decoded {
  op: 'insert' | 'update' | 'delete' | 'truncate';
  /** `schema.table`, without quotes */
  table: string;
  /** of a delete the columns that say which row it was */
  values: Values;
  /** of an update, where its key changed or the table tells whole rows */
  old?: Values;
}

const OPS = { INSERT: 'insert', UPDATE: 'update', DELETE: 'delete', TRUNCATE: 'truncate' } as const;
const NAME = '(?:"(?:[^"]|"")*"|[^\\s".\\[:,]+)';
const HEAD = new RegExp(`^table (${NAME}\\.${NAME}(?:, ${NAME}\\.${NAME})*): (INSERT|UPDATE|DELETE|TRUNCATE): `);
/** name, type (which may be an array's, or quoted), value */
const COLUMN = new RegExp(`(${NAME})\\[((?:"(?:[^"]|"")*"|\\[\\]|[^\\]])*)\\]:(null|unchanged-toast-datum|[BX]?'(?:[^']|'')*'|\\S+)(?: |$)`, 'y');

/** Several where one statement empties several tables; undefined where the line is no change. */
export function decodeLine(line: string): Decoded[] | undefined {
  const [head = '', names = '', what] = HEAD.exec(line) ?? [];
  if (head === '') return undefined;
  const op = OPS[what as keyof typeof OPS];
  const tables = names.match(new RegExp(`${NAME}\\.${NAME}`, 'g')) ?? [];
  if (op === 'truncate') return tables.map((table) => ({ op, table: plain(table), values: {} }));
  const rest = line.slice(head.length);
  const table = plain(names);
  if (!rest.startsWith('old-key: ')) return [{ op, table, values: columns(rest, 0).values }];
  const old = columns(rest, 'old-key: '.length);
  return [{ op, table, old: old.values, values: columns(rest, old.end + 'new-tuple: '.length).values }];
}

function columns(text: string, from: number): { values: Values; end: number } {
  const values: Values = {};
  let end = from;
  for (COLUMN.lastIndex = from; ; ) {
    const found = COLUMN.exec(text);
    if (!found) return { values, end };
    end = COLUMN.lastIndex;
    values[plain(found[1] ?? '')] = valueIn(found[3] ?? '');
  }
}

function valueIn(text: string): string | null | typeof UNCHANGED {
  if (text === 'null') return null;
  if (text === 'unchanged-toast-datum') return UNCHANGED;
  const quoted = /^[BX]?'([\s\S]*)'$/.exec(text)?.[1];
  return quoted === undefined ? text : quoted.replaceAll("''", "'");
}

const plain = (name: string): string => name.replaceAll(/"((?:[^"]|"")*)"/g, (_, inner: string) => inner.replaceAll('""', '"'));
