/**
 * Row changes of one PostgreSQL database: triggers write every row with the mark of its statement into a log of ours, where a rollback
 * takes it back. Read over a connection of our own, by the process that the mark names; rows without a mark by one of those that measure.
 */
import type { Table, TableState } from '../../wire/messages.js';
import { CREATE, CREATE_EVENT_TRIGGER, LEFTOVERS, LOCKS, markOf, readMark, SCHEMA, UNATTACHED } from '../../wire/pg-sql.js';
import { outside } from '../context.js';
import { guarded } from '../guard.js';
import { isReplayed, patience, reportChange, warn } from '../hub.js';
import { realSetTimeout } from '../timers.js';
import { ALL_ROWS, type Entry, marksOf, OWN_ROWS, type Row, readEntry } from './pg-entries.js';
import { headOf, type Layout, readLayouts, shownName } from './pg-schema.js';
import { stateOf } from './pg-state.js';
import { encodeValue } from './pg-values.js';

/** Our own connection, by the driver's own methods (not the ones we patched). */
export interface Own {
  query(sql: string, values?: unknown[]): Promise<Row[]>;
  /** as the server told it at the start */
  readonly processId: unknown;
  /** it is gone without our doing */
  onLost(lost: () => void): void;
  /** the process waits for it */
  ref(): void;
  end(): Promise<void>;
}

type State = 'off' | 'on' | 'failed';

/** how often we try to begin where the server is just starting or stopping */
const STARTS = 20;
/** Less than PostgreSQL's deadlock_timeout: of two that wait for each other it is us who give up. */
const LOCK_MS = 200;
const TRIES = 25;
const PAUSE_MS = 100;
/** how often is looked for rows that nobody here has written */
const LOOK_MS = 500;
const VACUUM_AFTER = 5_000;
const OPS: Readonly<Record<string, string>> = { i: 'insert', u: 'update', d: 'delete' };
const SESSION = [
  `SET default_transaction_read_only = off`,
  `SET default_transaction_isolation = 'read committed'`,
  `SET statement_timeout = 0`,
  `SET idle_in_transaction_session_timeout = 0`,
  // The log is never analysed: a plan for few rows would read it once for each of many.
  `SET enable_nestloop = off`,
  `SET lock_timeout = ${LOCK_MS}`,
  `SET timezone = 'UTC'`,
  `SET datestyle = 'ISO'`,
  `SET intervalstyle = 'iso_8601'`,
  `SET bytea_output = 'hex'`,
  `SET search_path = pg_catalog`,
].join('; ');

/** how long rows wait for company while somebody records, who waits for none of them */
const PATIENCE_MS = 60;
export class PgLog {
  private state: State = 'off';
  isWanted = false;
  private own: Own | undefined;
  private instance = 0;
  private layouts = new Map<string, Layout>();
  private turn: Promise<unknown> = Promise.resolve();
  private installing: Promise<void> | undefined;
  private scheduled = false;
  private looking = false;
  private deleted = 0;
  private readonly told = new Set<string>();

  constructor(
    readonly name: string,
    /** one for each user that the application is in this database; the first that has the rights is taken */
    private readonly ways: () => readonly (() => Promise<Own>)[],
    private readonly schemaChanged: () => void,
  ) {}

  get tables(): Table[] {
    return this.state === 'on' ? [...new Set(this.layouts.values())].map(({ table }) => table) : [];
  }

  get hasFailed(): boolean {
    return this.state === 'failed';
  }

  get isOn(): boolean {
    return this.state === 'on';
  }

  /** Until it has settled, rows may be missed. */
  get starting(): Promise<void> | undefined {
    return this.installing;
  }

  mark(cause: string | null): string | undefined {
    return this.state === 'on' ? markOf(this.instance, cause) : undefined;
  }

  want(wanted: boolean): Promise<void> {
    this.isWanted = wanted;
    const done = this.inTurn(() => this.settle());
    if (wanted && this.state !== 'on') {
      this.installing = done;
      void done.then(() => {
        if (this.installing === done) this.installing = undefined;
      });
    }
    return done;
  }

  /** Reports every row that was committed before the call. */
  flush(): Promise<void> {
    return this.inTurn(() => this.read(ALL_ROWS));
  }

  async states(): Promise<TableState[]> {
    let states: TableState[] = [];
    await this.inTurn(async () => {
      if (this.state === 'on' && this.own !== undefined) states = await stateOf(this.own.query, [...new Set(this.layouts.values())]);
    });
    return states;
  }

  /** A statement of ours has ended: its rows are read in a moment, with those of others that end meanwhile. */
  schedule(): void {
    if (this.scheduled || this.state !== 'on') return;
    this.scheduled = true;
    outside(() =>
      realSetTimeout(() => {
        this.scheduled = false;
        void this.inTurn(() => this.read(OWN_ROWS));
      }, waits()).unref(),
    );
  }

  /** The schema was changed by a statement that has ended. */
  look(): void {
    if (this.looking) return;
    this.looking = true;
    void this.inTurn(() => {
      this.looking = false;
      return this.refresh();
    });
  }

  /** One after another. Never rejects. */
  private inTurn(run: () => Promise<void>): Promise<void> {
    const next = this.turn.then(() => outside(run)).catch(() => this.lose());
    this.turn = next;
    return next;
  }

  /** The connection is gone (the server was restarted, somebody ended it): once more, with a new one. */
  private lose(): void {
    if (this.own === undefined) return;
    this.drop();
    if (this.isWanted) void this.want(true);
  }

  private drop(): void {
    const { own } = this;
    this.own = undefined;
    this.state = 'off';
    if (own !== undefined) void own.end().catch(() => undefined);
  }

  private async settle(): Promise<void> {
    if (!this.isWanted) {
      if (this.state === 'on') await this.uninstall();
      this.state = 'off';
      return;
    }
    if (this.state === 'on') return;
    let problem: unknown;
    for (const connect of this.ways()) {
      for (let tries = 1; tries <= STARTS; tries += 1) {
        try {
          await this.install(connect);
          return;
        } catch (error) {
          problem = error;
          this.drop();
          if (!isStarting(error)) break;
        }
        await pause();
      }
    }
    this.state = 'failed';
    warn('changes-failed', `Rows of ${this.name} are not measured: ${problem instanceof Error ? problem.message : String(problem)}`, this.name);
  }

  private async install(connect: () => Promise<Own>): Promise<void> {
    const own = await connect();
    this.own = own;
    await own.query(SESSION);
    const [server] = await own.query(
      `SELECT pg_backend_pid() AS pid, pg_is_in_recovery() AS replica, current_setting('server_version_num')::integer AS version, current_setting('is_superuser') AS super`,
    );
    if (server?.replica === true) throw new Error('it is a read-only replica');
    if (Number(server?.version) < 120_000) throw new Error('its PostgreSQL is older than 12');
    if (own.processId !== null && Number(own.processId) !== Number(server?.pid))
      throw new Error('a pooler stands in front of it (PgBouncer or the like), where a connection is not a session');
    await patiently(() => own.query('SELECT pg_advisory_lock($1, 1)', [LOCKS]));
    try {
      await this.installAlone(own, server?.super === 'on');
    } finally {
      await own.query('SELECT pg_advisory_unlock($1, 1)', [LOCKS]);
    }
    this.layouts = await readLayouts((sql) => own.query(sql));
    own.onLost(() => {
      if (this.own === own) this.lose();
    });
    this.state = 'on';
    this.watch(own);
    this.schemaChanged();
  }

  private async installAlone(own: Own, isSuperuser: boolean): Promise<void> {
    const [{ alone } = { alone: false }] = await own.query('SELECT pg_try_advisory_lock($1, 2) AS alone', [LOCKS]);
    if (alone === true) {
      // Nobody measures: what is there was left by a process that died, or by us when we lost the connection.
      if (this.instance !== 0) await this.collect(own, OWN_ROWS).catch(() => undefined);
      await remove(own);
      for (const sql of CREATE) await own.query(sql);
      if (isSuperuser) await own.query(CREATE_EVENT_TRIGGER);
      await own.query('SELECT pg_advisory_unlock($1, 2)', [LOCKS]);
    }
    await patiently(() => own.query('SELECT pg_advisory_lock_shared($1, 2)', [LOCKS]));
    this.instance = 1 + Math.floor(Math.random() * 0x7ffffffe);
    await own.query('SELECT pg_advisory_lock($1, $2)', [LOCKS + 1, this.instance]);
    await this.attach(own);
  }

  /** Each table in a transaction of its own: no lock is held while another is waited for. */
  private async attach(own: Own): Promise<void> {
    const tables = await own.query(UNATTACHED);
    for (const { rel } of tables) {
      let problem: unknown;
      for (let tries = 0; tries < TRIES; tries += 1) {
        [{ problem } = { problem: null }] = await own.query(`SELECT ${SCHEMA}.attach($1::oid) AS problem`, [rel]);
        if (!isBusy(String(problem).slice(0, 5))) break;
        await pause();
      }
      if (typeof problem === 'string') warn('changes-failed', `Rows of the table ${problem.slice(6)}`, problem);
    }
  }

  private async uninstall(): Promise<void> {
    const { own } = this;
    if (own === undefined) return;
    own.ref();
    await this.read(ALL_ROWS);
    this.state = 'off';
    this.own = undefined;
    await patiently(() => own.query('SELECT pg_advisory_lock($1, 1)', [LOCKS]));
    await own.query('SELECT pg_advisory_unlock_shared($1, 2)', [LOCKS]);
    const [{ alone } = { alone: false }] = await own.query('SELECT pg_try_advisory_lock($1, 2) AS alone', [LOCKS]);
    try {
      if (alone === true) await remove(own);
    } catch (error) {
      warn('changes-left', `What socket-replay had put into ${this.name} could not be removed (socket-replay doctor does it): ${String(error)}`, this.name);
    }
    await own.end();
  }

  private async refresh(): Promise<void> {
    const { own } = this;
    if (own === undefined || this.state !== 'on') return;
    await this.attach(own);
    this.layouts = await readLayouts((sql) => own.query(sql));
    this.schemaChanged();
  }

  private watch(own: Own): void {
    realSetTimeout(() => {
      if (this.own !== own || this.state !== 'on') return;
      void this.flush().then(() => this.watch(own));
    }, LOOK_MS).unref();
  }

  private async read(sql: string): Promise<void> {
    const { own } = this;
    if (own === undefined || this.state !== 'on') return;
    await this.collect(own, sql);
  }

  private async collect(own: Own, sql: string): Promise<void> {
    const rows = await own.query(sql, [String(this.instance)]);
    if (rows.length === 0) return;
    const now = Date.now();
    const entries = rows.map(({ line }) => readEntry(String(line)));
    if (entries.some((entry) => !this.isKnown(entry))) await this.refresh();
    const marks = marksOf(entries);
    for (const entry of entries) guarded('row', () => this.report(entry, entry.mark || marks.get(entry.xid) || '', now));
    this.deleted += rows.length;
    if (this.deleted < VACUUM_AFTER) return;
    this.deleted = 0;
    await own.query(`VACUUM ${SCHEMA}.log`);
  }

  private isKnown({ rel, op, before, after }: Entry): boolean {
    const layout = this.layouts.get(rel);
    if (layout === undefined) return this.told.has(rel);
    return op === 't' || hasColumns(layout, after ?? before ?? {});
  }

  private report({ rel, op, before, after, name, age }: Entry, mark: string, now: number): void {
    this.told.add(rel);
    const layout = this.layouts.get(rel);
    if (op === 't') {
      const table = nameOf(layout, name);
      warn('changes-failed', `The table ${table} was truncated, and held too many rows to tell all of them`, `truncate ${table}`);
      return;
    }
    const row = after ?? before ?? {};
    const isSame = layout !== undefined && hasColumns(layout, row);
    const columns = isSame ? layout.columns : Object.keys(row);
    const head = isSame ? layout.text : headOf(nameOf(layout, name), columns, layout?.table.key.filter((column) => Object.hasOwn(row, column)) ?? []);
    const values = (from: Row | null): string =>
      from === null ? 'null' : JSON.stringify(columns.map((column) => encodeValue(from[column], layout?.kinds.get(column))));
    const cause = JSON.stringify(this.causeOf(mark));
    reportChange(
      `{"type":"change","cause":${cause},"op":"${OPS[op]}",${head},"before":${values(before)},"after":${values(after)},"at":${(now - age).toFixed(3)}}\n`,
    );
  }

  private causeOf(mark: string): string | null {
    if (mark === '') return null;
    const { instance, cause } = readMark(mark);
    return instance === this.instance && cause !== '' ? cause : null;
  }
}

function hasColumns({ columns }: Layout, row: Row): boolean {
  for (const column of columns) if (!Object.hasOwn(row, column)) return false;
  return Object.keys(row).length === columns.length;
}

function nameOf(layout: Layout | undefined, name: string): string {
  const [schema = '', ...rest] = name.split('.');
  return layout?.table.name ?? shownName(schema, rest.join('.'));
}

/** A replay waits for the rows that its traces write. */
const waits = (): number => (isReplayed() ? patience() : PATIENCE_MS);

/** Everything of ours, one thing at a time: a lock on the application's tables is held for no longer than it takes. */
async function remove(own: Own): Promise<void> {
  for (const { sql } of await own.query(LEFTOVERS)) await patiently(() => own.query(String(sql)));
}

async function patiently<T>(run: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await run();
    } catch (error) {
      if (tries >= TRIES || !isBusy((error as { code?: unknown }).code)) throw error;
    }
    await pause();
  }
}

const pause = (): Promise<void> => new Promise((resolve) => realSetTimeout(resolve, PAUSE_MS));
/** a lock that was not to be had in time, or two that waited for each other */
const isBusy = (code: unknown): boolean => code === '55P03' || code === '40P01';

const isStarting = (error: unknown): boolean => {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return ['57P01', '57P02', '57P03', 'ECONNREFUSED', 'ECONNRESET'].includes(String(code)) || /terminated unexpectedly/.test(String(message));
};
