/**
 * Row changes of one SQLite connection: TEMP triggers copy every row into a TEMP table, with the trace that a function of ours
 * names. All of it lives and dies with the connection, and a rollback takes back what it takes back of the application.
 */
import type { Encoded } from '../../wire/encode.js';
import type { TableState } from '../../wire/messages.js';
import { currentCause, outside } from '../context.js';
import { guarded } from '../guard.js';
import { type Change, now, warn } from '../hub.js';
import { realSetTimeout } from '../timers.js';
import { parseLiterals } from './sql-literals.js';
import {
  CAUSE,
  CREATE_LOG,
  type FoundTable,
  type Layout,
  LOG,
  layoutOf,
  OWN_TRIGGERS,
  type Query,
  quoteName,
  readTables,
  triggersOf,
} from './sqlite-schema.js';
import { stateOf } from './sqlite-state.js';

/** A connection, by the driver's own methods (not the ones we patched). */
export interface Connection {
  readonly name: string;
  readonly open: boolean;
  readonly readonly: boolean;
  readonly inTransaction: boolean;
  exec(sql: string): void;
  query: Query;
  define(name: string, run: () => unknown): void;
}

type State = 'off' | 'on' | 'failed';

const RETRY_MS = 5;
/** rows of the same moment are read together; a drain does not wait for this */
const GATHER_MS = 2;

export class SqliteLog {
  private state: State = 'off';
  private wanted = false;
  private defined = false;
  private scheduled = false;
  private readonly layouts: Layout[] = [];
  private found: FoundTable[] = [];

  constructor(
    private readonly connection: Connection,
    private readonly report: (change: Change) => void,
    private readonly schemaChanged: () => void,
  ) {}

  get tables(): FoundTable['table'][] {
    return this.found.map(({ table }) => table);
  }

  get isOn(): boolean {
    return this.state === 'on';
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
  aroundDdl<T>(run: () => T): T {
    if (this.state !== 'on') return run();
    guarded('ddl', () => this.dropTriggers());
    try {
      return run();
    } finally {
      // Also inside a transaction: dropped and created there, the triggers follow its rollback as the tables do.
      guarded('ddl', () => this.createTriggers());
      this.schemaChanged();
    }
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
      rows = this.connection.query(`DELETE FROM ${LOG} RETURNING seq, cause, layout, op, before_, after_`);
    } catch {
      // Busy with the application's iterator.
      return false;
    }
    rows.sort((a, b) => Number(a.seq) - Number(b.seq));
    for (const row of rows) guarded('change', () => this.report(this.changeOf(row)));
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
      // The function lives as long as the connection; it must not keep the connection alive.
      const self = new WeakRef(this);
      connection.define(CAUSE, () => {
        self.deref()?.schedule();
        return `${now()} ${currentCause() ?? ''}`;
      });
      this.defined = true;
    }
    connection.exec(CREATE_LOG);
    connection.exec(`DELETE FROM ${LOG}`);
    this.dropTriggers();
    this.createTriggers();
    this.state = 'on';
    this.schemaChanged();
  }

  private uninstall(): void {
    this.flush();
    this.dropTriggers();
    this.connection.exec(`DROP TABLE IF EXISTS ${LOG}`);
    this.state = 'off';
  }

  private dropTriggers(): void {
    for (const { name } of this.connection.query(OWN_TRIGGERS)) this.connection.exec(`DROP TRIGGER IF EXISTS temp.${quoteName(String(name))}`);
  }

  private createTriggers(): void {
    this.found = readTables(this.connection.query);
    for (const table of this.found) {
      const layout = layoutOf(table, this.layouts.length);
      this.layouts.push(layout);
      try {
        for (const trigger of triggersOf(layout)) this.connection.exec(trigger);
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
    outside(() => realSetTimeout(look, GATHER_MS));
  }

  private changeOf(row: Record<string, unknown>): Change {
    const layout = this.layouts[Number(row.layout)];
    if (layout === undefined) throw new Error(`no layout ${String(row.layout)}`);
    const [at = '0', cause = ''] = String(row.cause).split(' ');
    const before = imageOf(layout, row.before_);
    const after = imageOf(layout, row.after_);
    const op = row.op === 'i' ? 'insert' : row.op === 'u' ? 'update' : 'delete';
    return {
      cause: cause === '' ? null : cause,
      op,
      table: layout.table,
      key: (before ?? after)?.key ?? {},
      before: before?.row ?? null,
      after: after?.row ?? null,
      at: Number(at),
    };
  }
}

interface Image {
  key: Record<string, Encoded>;
  row: Record<string, Encoded>;
}

function imageOf(layout: Layout, text: unknown): Image | null {
  if (typeof text !== 'string') return null;
  const values = parseLiterals(text);
  const rowid = layout.rowid === null ? undefined : values.shift();
  if (values.length !== layout.columns.length) throw new Error(`${layout.table}: ${values.length} values for ${layout.columns.length} columns`);
  const row = Object.fromEntries(layout.columns.map((column, index) => [column, values[index] as Encoded]));
  const key = rowid === undefined ? Object.fromEntries(layout.key.map((column) => [column, row[column] as Encoded])) : { rowid };
  return { key, row };
}

const isBusy = (error: unknown): boolean => {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return (typeof code === 'string' && /^SQLITE_(BUSY|LOCKED)/.test(code)) || (typeof message === 'string' && message.includes('busy executing'));
};
