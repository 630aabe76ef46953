/** Names of rows: the key of every row that a trace inserted is a name, because the database makes it anew in each copy. */
import type { Evidence, TableInfo } from '../evidence.js';
import { timeOf } from '../kinds.js';
import type { Recording } from '../schema.js';
import { field, isObject, type Value, type ValueObject, walk } from '../values.js';
import { isEffect, type Site, timeline } from './sites.js';
import { isRandom } from './strings.js';
import { type Namer, plain, singular } from './words.js';

export interface RowName {
  name: string;
  table: string;
  column: string;
  value: string | number;
  /** every value that a column of the row had */
  row: Map<string, Set<Value>>;
  /** nobody saw the row: it may have had other values too */
  unseen?: true;
  /** from the effects of this trace on */
  order: number;
  start: number;
  session: string;
  trace: number;
}

export interface RowNames {
  /** those with this key, as a number or as a text, that exist at a site; oldest first */
  at(site: Site, key: string): RowName[];
  /** whether the recording itself inserted the row */
  made(table: string, key: ValueObject): boolean;
  /** whether the trace at a site wrote the row, and the key is not how many rows it wrote */
  wrote(site: Site, name: RowName): boolean;
}

/** Keys that the client chose are left out, and texts that are the same in every run. */
export function rowNames(recording: Recording, evidence: Evidence, name: Namer): RowNames {
  const byKey = new Map<string, RowName[]>();
  const written = new Map<string, string[]>();
  const sent = new Set<Value>();
  const tables = new Map(evidence.tables.map((table) => [table.name, table]));
  const existing = (table: string, value: Value | undefined): RowName | undefined => byKey.get(String(value))?.findLast((known) => known.table === table);
  timeline(recording).forEach(({ session, number, trace, start }, order) => {
    walk(trace.args ?? [], (value) => typeof value === 'string' && sent.add(value));
    for (const change of trace.changes ?? []) {
      const info = tables.get(change.insert ?? change.update ?? '');
      const column = info && keyColumn(info);
      if (!info || column === undefined) continue;
      const traceId = `${session}/${number}`;
      const key = field(change.row ?? change.key ?? {}, column);
      written.set(traceId, [...(written.get(traceId) ?? []), `${info.name}=${String(key)}`]);
      if (change.insert !== undefined && change.row) {
        const value = field(change.row, column);
        if (!isMade(value, change.row, column, trace.args ?? [], sent)) continue;
        const known = { name: name(singular(info.name)), table: info.name, column, value, row: new Map(), order, start, session, trace: number };
        remember(known.row, change.row);
        byKey.set(String(value), [...(byKey.get(String(value)) ?? []), known]);
      } else if (change.set && change.key) {
        const known = existing(info.name, field(change.key, column));
        if (known) remember(known.row, change.set);
      }
    }
  });
  return {
    // Milliseconds are coarse: what began in that of the end came after it, and may be another row with the key of one that was deleted.
    at: (site, key) =>
      (byKey.get(key) ?? []).filter((known) => (isEffect(site) ? known.order <= site.order || known.start < site.end : known.order < site.order)),
    wrote({ session, trace }, { table, value }) {
      const all = written.get(`${session}/${trace}`) ?? [];
      const ofTable = all.filter((row) => row.startsWith(`${table}=`));
      return all.includes(`${table}=${value}`) && value !== all.length && value !== ofTable.length;
    },
    made: (table, key) => Object.values(key).some((value) => existing(table, value) !== undefined),
  };
}

/** The key where it is one column and not another table's. */
function keyColumn(info: TableInfo): string | undefined {
  const column = info.key.length === 1 ? info.key[0] : undefined;
  return info.foreignKeys.some((foreign) => foreign.column === column) ? undefined : column;
}

function isMade(value: Value | undefined, row: ValueObject, column: string, args: Value[], sent: ReadonlySet<Value>): value is string | number {
  if (typeof value === 'string') return !sent.has(value) && (/^\d+$/.test(value) || isRandom(value));
  return typeof value === 'number' && !choosesKey(args, row, column, value);
}

/** Whether arguments hold the key beside other columns of the row: the client chose it. */
function choosesKey(args: Value, row: ValueObject, column: string, value: number): boolean {
  if (Array.isArray(args)) return args.some((item) => choosesKey(item, row, column, value));
  if (!isObject(args)) return false;
  const others = Object.entries(args).filter(([key]) => key !== column);
  if (field(args, column) === value && others.every(([key, item]) => !Object.hasOwn(row, key) || sameScalar(item, field(row, key)))) return true;
  return Object.values(args).some((item) => choosesKey(item, row, column, value));
}

function remember(row: Map<string, Set<Value>>, values: ValueObject): void {
  for (const [column, value] of Object.entries(values)) row.set(column, (row.get(column) ?? new Set()).add(value));
}

/** `5` and `"5"`, `1` and `true`, one time in two spellings: a payload need not spell a value as its row does. */
function sameScalar(a: Value | undefined, b: Value | undefined): boolean {
  if (a === b || typeof a === 'boolean' || isObject(a) || Array.isArray(a)) return true;
  if (a === undefined || b === undefined || a === null || b === null) return false;
  const [one, two] = [timeOf(a), timeOf(b)];
  return String(a) === String(b) || (one !== undefined && two !== undefined && Math.abs(one - two) < 1000);
}

const columnOf = (known: RowName, key: string): Set<Value> | undefined =>
  known.row.get(key) ?? [...known.row].find(([column]) => plain(column) === plain(key))?.[1];

/** Some property that is a column of the row has a value that it never had. */
export const conflicts = (object: ValueObject, known: RowName): boolean =>
  !known.unseen &&
  Object.entries(object).some(([key, value]) => {
    const column = columnOf(known, key);
    return column !== undefined && ![...column].some((had) => sameScalar(value, had));
  });

/** How many other properties have a value of the row that is hardly a coincidence: texts and large numbers. */
export function resemblance(object: ValueObject, known: RowName): number {
  const others = Object.entries(object).filter(([key]) => plain(key) !== plain(known.column));
  // Of a row that nobody saw, the same text may be anything's: the object must be built like it as well.
  const built = others.filter(([key]) => columnOf(known, key)).length;
  if (known.unseen && 2 * built < new Set([...others.map(([key]) => plain(key)), ...[...known.row.keys()].map(plain)]).size - 1) return 0;
  const alike = ([key, value]: [string, Value]): boolean =>
    ((typeof value === 'string' && value.length > 2) || (typeof value === 'number' && Math.abs(value) > 999)) && columnOf(known, key)?.has(value) === true;
  return others.filter(alike).length;
}
