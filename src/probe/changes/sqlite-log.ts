/**
 * Row changes of one SQLite connection: TEMP triggers hand every row to a function of ours, which knows the trace, and write the
 * number that it answers into a TEMP table. All of it lives and dies with the connection, and a rollback takes back the numbers of
 * the rows that it takes back of the application.
 */
import type { TableState } from '../../wire/messages.js';
import { currentCause, outside } from '../context.js';
import { guarded } from '../guard.js';
import { nowText, patience, reportChange, reportLost, warn } from '../hub.js';
import { realSetTimeout } from '../timers.js';
import { valuesText } from './row-text.js';
import {
  BY_FUNCTION,
  bornOf,
  CREATE_HIDDEN,
  CREATE_LOG,
  type FoundTable,
  HIDDEN,
  type Layout,
  LOG,
  layoutOf,
  MAX_VALUES,
  OWN_TRIGGERS,
  PART,
  type Query,
  quoteName,
  REPLACE_TRIGGERS,
  REPLACES,
  ROW,
  readTables,
  textsQuestion,
  triggersOf,
} from './sqlite-schema.js';
import { stateOf } from './sqlite-state.js';
import { createsOnly } from './sqlite-text.js';

/** A connection, by the driver's own methods (not the ones we patched). */
export interface Connection {
  readonly name: string;
  readonly open: boolean;
  readonly readonly: boolean;
  readonly inTransaction: boolean;
  exec(sql: string): void;
  query: Query;
  /** integers as bigint, any number of arguments */
  define(name: string, run: (...values: unknown[]) => number): void;
}

type State = 'off' | 'on' | 'failed';

const RETRY_MS = 5;
/** of rows that wait for the end of a transaction; those above it are counted as lost */
const MAX_HELD = 64 * 1024 * 1024;
const OPS: Readonly<Record<string, string>> = { i: 'insert', u: 'update', d: 'delete' };

export class SqliteLog {
  private state: State = 'off';
  private wanted = false;
  private defined = false;
  private scheduled = false;
  private readonly layouts: Layout[] = [];
  private found: FoundTable[] = [];
  /** the lines of the rows that the log has numbers of, or had before a rollback */
  private readonly held = new Map<number, string>();
  private heldLength = 0;
  private seq = 0;
  /** something here replaces rows: those cost a look before every insert */
  private replaces = false;
  /** what was created inside a transaction may have gone with it */
  private uncertain = false;
  private parts: unknown[] = [];

  constructor(
    private readonly connection: Connection,
    private readonly schemaChanged: () => void,
    private readonly limit: number = MAX_HELD,
  ) {}

  get tables(): FoundTable['table'][] {
    return this.found.map(({ table }) => table);
  }

  get isOn(): boolean {
    return this.state === 'on';
  }

  get isClosed(): boolean {
    return !this.connection.open;
  }

  states(): TableState[] {
    return this.connection.open ? stateOf(this.connection.query) : [];
  }

  /** Takes effect as soon as no transaction is open: what is created inside one dies with its rollback. */
  want(wanted: boolean): void {
    this.wanted = wanted;
    this.settle();
  }

  /** Runs a statement that changes the schema: SQLite refuses some of them while triggers name the table. */
  aroundDdl<T>(sql: string, run: () => T): T {
    if (this.state !== 'on') return run();
    const creates = createsOnly(sql);
    if (!creates) guarded('ddl', () => this.dropTriggers());
    try {
      return run();
    } finally {
      // Also inside a transaction: dropped and created there, the triggers follow its rollback as the tables do.
      guarded('ddl', () => {
        if (creates) this.dropTriggers();
        this.createTriggers(creates);
        this.uncertain ||= this.connection.inTransaction;
      });
      this.schemaChanged();
    }
  }

  /** What was made in the transaction has gone with it; what was dropped outside has not come back. */
  rolledBack(): void {
    if (this.state !== 'on' || !this.uncertain) return;
    this.refresh();
    this.uncertain = this.connection.inTransaction;
  }

  /** A statement that replaces rows is about to run, or to be prepared. */
  replacing(): void {
    if (this.state !== 'on' || (this.replaces && !this.uncertain)) return;
    this.replaces = true;
    if (!this.uncertain || this.connection.query(REPLACE_TRIGGERS).length === 0) this.refresh();
    this.uncertain = this.connection.inTransaction;
  }

  /** Somebody else changed the schema under our triggers. False where that cannot have been the reason. */
  refresh(): boolean {
    if (this.state !== 'on') return false;
    return (
      guarded('refresh', () => {
        this.dropTriggers();
        this.createTriggers();
        return true;
      }) ?? false
    );
  }

  /** Reports what the log holds. False where it has to be tried again. */
  flush(): boolean {
    if (this.state !== 'on' || !this.connection.open) return true;
    if (this.connection.inTransaction) return false;
    let rows: Record<string, unknown>[];
    try {
      rows = this.connection.query(`DELETE FROM ${LOG} RETURNING seq`);
    } catch {
      // Busy with the application's iterator.
      return false;
    }
    // No transaction is open: what has no number in the log was rolled back.
    const numbers = rows.map(({ seq }) => Number(seq)).sort((a, b) => a - b);
    const lines = numbers.map((seq) => this.held.get(seq));
    this.release();
    let lost = 0;
    for (const line of lines) {
      if (line === undefined) lost += 1;
      else reportChange(line);
    }
    if (lost > 0) reportLost(lost);
    return true;
  }

  private settle(): void {
    if (this.state === 'failed' || !this.connection.open || this.connection.readonly) return;
    if (this.wanted === (this.state === 'on')) return;
    if (this.connection.inTransaction) {
      this.again();
      return;
    }
    try {
      if (this.wanted) this.install();
      else this.uninstall();
    } catch (error) {
      // A running iterator, or another process holding the file: both pass.
      if (isBusy(error)) {
        this.again();
        return;
      }
      this.state = 'failed';
      warn('changes-failed', `Rows of ${this.connection.name} cannot be measured: ${String(error)}`);
    }
  }

  private again(): void {
    realSetTimeout(() => guarded('settle', () => this.settle()), RETRY_MS).unref();
  }

  private install(): void {
    const { connection } = this;
    if (!this.defined) {
      // The functions live as long as the connection; they must not keep it alive.
      const self = new WeakRef(this);
      connection.define(ROW, (layout, op, ...values) => self.deref()?.take(Number(layout), String(op), values) ?? 0);
      connection.define(PART, (...values) => self.deref()?.parts.push(...values) ?? 0);
      this.defined = true;
    }
    connection.exec(`${CREATE_LOG}; ${CREATE_HIDDEN}`);
    connection.exec(`DELETE FROM ${LOG}`);
    this.release();
    this.dropTriggers();
    this.createTriggers();
    this.state = 'on';
    this.schemaChanged();
  }

  private uninstall(): void {
    this.flush();
    this.dropTriggers();
    this.connection.exec(`DROP TABLE IF EXISTS ${LOG}; DROP TABLE IF EXISTS ${HIDDEN}`);
    this.state = 'off';
  }

  private dropTriggers(): void {
    for (const { name } of this.connection.query(OWN_TRIGGERS)) this.connection.exec(`DROP TRIGGER IF EXISTS temp.${quoteName(String(name))}`);
  }

  /** `born`: the rows that a new table has already were written by the statement that made it. */
  private createTriggers(born = false): void {
    const before = new Set(this.found.map(({ table }) => table.name));
    this.found = readTables(this.connection.query);
    this.replaces ||= this.connection.query(textsQuestion(this.found)).some(({ sql }) => REPLACES.test(String(sql)));
    for (const table of this.found) {
      const layout = layoutOf(table, this.layouts.length);
      this.layouts.push(layout);
      try {
        for (const trigger of triggersOf(layout, BY_FUNCTION, this.replaces)) this.connection.exec(trigger);
        if (born && !before.has(layout.table) && layout.columns.length < MAX_VALUES) this.connection.exec(bornOf(layout, BY_FUNCTION));
      } catch (error) {
        if (isBusy(error)) throw error;
        warn('changes-failed', `Rows of the table ${layout.table} cannot be measured: ${String(error)}`);
      }
    }
  }

  /** Called from inside a statement: only a note that there is something to report. */
  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    const look = (): void => {
      const done = guarded('changes', () => this.flush()) ?? true;
      if (done) this.scheduled = false;
      else realSetTimeout(look, RETRY_MS).unref();
    };
    outside(() => realSetTimeout(look, patience()));
  }

  /** Called from inside a statement, for each row: keeps its line, and answers its number. Never throws: that would be the statement's error. */
  private take(layout: number, op: string, values: unknown[]): number {
    this.seq += 1;
    guarded('row', () => {
      this.schedule();
      const all = this.parts.length === 0 ? values : [...this.parts, ...values];
      this.parts = [];
      const line = this.lineOf(layout, op, all);
      if (this.heldLength + line.length > this.limit) return;
      this.heldLength += line.length;
      this.held.set(this.seq, line);
    });
    return this.seq;
  }

  private release(): void {
    this.held.clear();
    this.heldLength = 0;
  }

  private lineOf(id: number, op: string, values: readonly unknown[]): string {
    const layout = this.layouts[id];
    if (layout === undefined) throw new Error(`no layout ${id}`);
    const skipped = layout.rowid === null ? 0 : 1;
    const width = layout.columns.length + skipped;
    if (values.length !== (op === 'u' ? 2 : 1) * width) throw new Error(`${layout.table}: ${values.length} values for ${layout.columns.length} columns`);
    const rowid = skipped === 0 ? '' : `,"rowid":${valuesText([values[0]]).slice(1, -1)}`;
    const first = valuesText(values.slice(skipped, width));
    const before = op === 'i' ? 'null' : first;
    const after = op === 'i' ? first : op === 'u' ? valuesText(values.slice(width + skipped)) : 'null';
    const cause = JSON.stringify(currentCause());
    return `{"type":"change","cause":${cause},"op":"${OPS[op]}",${layout.text}${rowid},"before":${before},"after":${after},"at":${nowText()}}\n`;
  }
}

export const isBusy = (error: unknown): boolean => {
  const { code, message, errcode } = error as { code?: unknown; message?: unknown; errcode?: unknown };
  // node:sqlite has numbers: 5 is busy, 6 locked
  return (
    errcode === 5 ||
    errcode === 6 ||
    (typeof code === 'string' && /^SQLITE_(BUSY|LOCKED)/.test(code)) ||
    (typeof message === 'string' && message.includes('busy executing'))
  );
};
