/** The database drivers whose row changes the probe can see: one file each, all behind the same few functions. */
import type { Table, TableState } from '../../wire/messages.js';
import { guarded } from '../guard.js';
import { warn } from '../hub.js';
import { betterSqlite3 } from './better-sqlite3.js';
import { nodeSqlite } from './node-sqlite.js';
import { pg } from './pg.js';
import { sqlite3 } from './sqlite3.js';

export interface Driver {
  /** the file of the module whose exports it adopts */
  readonly module: RegExp;
  adopt(exports: unknown): void;
  /** the application has loaded it, and its rows can be measured */
  measured(): boolean;
  /** Installs or removes what sees the rows. A promise: until it has settled, rows may be missed. Never rejects. */
  measure(on: boolean): void | Promise<void>;
  /** of the databases that are open and measured */
  tables(): Table[];
  states(): TableState[] | Promise<TableState[]>;
  /** Reports every row that was committed before the call. How many logs could not be read yet, because a transaction is open. */
  flush(): number | Promise<number>;
}

const DRIVERS: readonly Driver[] = [betterSqlite3, sqlite3, nodeSqlite, pg];
const UNMEASURED = /[\\/]node_modules[\\/](pg-native|mysql2|mysql|mongodb)[\\/](?:lib[\\/])?index\.js$/;
const isPromise = (value: unknown): value is Promise<unknown> => value instanceof Promise;

export function adoptModule(file: string, exports: unknown): void {
  const driver = DRIVERS.find(({ module }) => module.test(file));
  if (driver !== undefined) driver.adopt(exports);
  else {
    const name = UNMEASURED.exec(file)?.[1];
    if (name !== undefined) warn('changes-unmeasured', `Rows that the application writes through ${name} are not measured.`, name);
  }
}

export const changesMeasured = (): boolean => DRIVERS.some((driver) => driver.measured());

/** A promise only where a driver needs one. */
export function measureChanges(on: boolean): void | Promise<void> {
  const waits = DRIVERS.map((driver) => guarded('changes', () => driver.measure(on))).filter(isPromise);
  if (waits.length > 0) return Promise.allSettled(waits).then(() => undefined);
}

export const knownTables = (): Table[] => DRIVERS.flatMap((driver) => guarded('tables', () => driver.tables()) ?? []);

/** What the tables hold now, after the changes that led there were told. */
export async function tableStates(): Promise<TableState[]> {
  await flushChanges();
  const states = await Promise.all(DRIVERS.map(async (driver) => (await guarded('state', () => driver.states())) ?? []));
  return states.flat();
}

/** How many logs could not be read yet. A promise only where a driver needs one. */
export function flushChanges(): number | Promise<number> {
  const counts = DRIVERS.map((driver) => guarded('flush', () => driver.flush()) ?? 0);
  const sum = (all: number[]): number => all.reduce((total, count) => total + count, 0);
  return counts.some(isPromise) ? Promise.all(counts).then(sum) : sum(counts as number[]);
}
