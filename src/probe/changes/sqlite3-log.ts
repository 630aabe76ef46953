/**
 * Row changes of one connection of an asynchronous driver that lets us define no functions. Each statement that may write runs alone,
 * and before anything else runs on the connection we read what our TEMP triggers have noted: that is what this statement did. Rows of
 * an open transaction are kept until it has ended; what a rollback took back is no longer in the TEMP table then.
 */
import type { Table, TableState } from '../../wire/messages.js';
import { outside } from '../context.js';
import { guarded } from '../guard.js';
import { nowText, patience, reportChange, reportLost, warn } from '../hub.js';
import { realSetTimeout } from '../timers.js';
import { isBusy } from './sqlite-log.js';
import {
  BY_TEXT,
  bornOf,
  CREATE_HIDDEN,
  CREATE_TEXT_LOG,
  type FoundTable,
  HIDDEN,
  type Layout,
  LOG,
  layoutOf,
  OWN_TRIGGERS,
  quoteName,
  REPLACES,
  SCHEMA_QUESTIONS,
  tablesOf,
  textsQuestion,
  triggersOf,
} from './sqlite-schema.js';
import { statesOf } from './sqlite-state.js';
import { createsOnly, isDdl, opensTransaction, replacesRows, rollsBack, writesPlainly } from './sqlite-text.js';
import type { Gate, LogReader, Rows } from './sqlite3-gate.js';

interface Held {
  token: number;
  line: string;
}

const RETRY_MS = 5;
const MAX_HELD = 64 * 1024 * 1024;
/** rows in the TEMP table before it is emptied */
const MAX_LOGGED = 2_000;
/** Fails inside a transaction, and does nothing outside of one: the only way to ask. */
const PROBE = 'BEGIN; COMMIT';
const READ = `SELECT seq, token, layout, op, line FROM ${LOG} WHERE seq > ?1 UNION ALL SELECT coalesce(max(seq), 0), NULL, NULL, NULL, NULL FROM ${LOG}`;
const OPS: Readonly<Record<string, string>> = { i: 'insert', u: 'update', d: 'delete' };

export class Sqlite3Log {
  private state: 'off' | 'on' | 'failed' = 'off';
  private wanted = false;
  /** our own steps are running */
  private working = false;
  /** a transaction may be open */
  private inTransaction = true;
  private replaces = false;
  private uncertain = false;
  private reader: LogReader | undefined;
  private readonly layouts: Layout[] = [];
  private found: FoundTable[] = [];
  private readonly held = new Map<number, Held>();
  private heldLength = 0;
  /** the last number that was read, and the last that was told */
  private last = 0;
  private told = 0;
  private scheduled = false;

  constructor(
    private readonly gate: Gate,
    private readonly tellOthers: (log: Sqlite3Log) => void,
    private readonly announce: () => void,
  ) {}

  /** what runs on the connection concerns us */
  get isActive(): boolean {
    return this.state === 'on' || (this.wanted && this.state !== 'failed');
  }

  get isWorking(): boolean {
    return this.working;
  }

  get name(): string {
    return this.gate.name;
  }

  get tables(): Table[] {
    return this.found.map(({ table }) => table);
  }

  /** Settled when it has taken effect, or cannot yet: what is created inside a transaction dies with its rollback. */
  want(wanted: boolean): Promise<void> {
    this.wanted = wanted;
    return new Promise((resolve) => this.begin(() => this.settle(resolve), resolve));
  }

  states(): Promise<TableState[]> {
    if (this.state !== 'on') return Promise.resolve([]);
    return new Promise((resolve) =>
      this.begin(
        () =>
          void statesOf(
            this.found,
            (sql, done) => this.gate.query(sql, done),
            (states) => {
              this.working = false;
              resolve(states);
            },
          ),
        () => resolve([]),
      ),
    );
  }

  /** How many logs could not be told. */
  flush(): number | Promise<number> {
    if (this.state !== 'on' || (this.held.size === 0 && !this.uncertain)) return 0;
    return new Promise((resolve) =>
      this.begin(
        () =>
          this.tryTell(() => {
            this.working = false;
            resolve(this.held.size > 0 ? 1 : 0);
          }),
        () => resolve(0),
      ),
    );
  }

  /** Whether something has to be done before the statement. */
  needsWork(sql: string): boolean {
    return isDdl(sql) || (replacesRows(sql) && (!this.replaces || this.uncertain)) || (this.last > MAX_LOGGED && writesPlainly(sql));
  }

  /** Called where nothing runs. */
  before(sql: string, done: () => void): void {
    if (this.state !== 'on') return done();
    const ready = (): void => {
      this.working = false;
      done();
    };
    this.working = true;
    if (isDdl(sql)) {
      if (createsOnly(sql)) ready();
      else this.dropTriggers(ready);
    } else if (replacesRows(sql)) {
      this.replaces = true;
      this.uncertain = this.inTransaction;
      this.refresh(false, ready);
    } else this.empty(ready);
  }

  /** Called when the statement has ended, where nothing runs. */
  after(sql: string, cause: string | null): void {
    if (this.state !== 'on') return;
    if (opensTransaction(sql)) this.inTransaction = true;
    if (this.movesTriggers(sql)) {
      this.working = true;
      // At once: the application may write by another connection as soon as it hears of this one.
      this.tellOthers(this);
      this.refresh(createsOnly(sql), () => {
        this.working = false;
        this.read(sql, cause);
        this.announce();
      });
    } else this.read(sql, cause);
  }

  /** Called when a prepared statement calls back: it still counts as running, so that steps of ours cannot begin, but the reader can. */
  afterPrepared(sql: string, cause: string | null): void {
    const { reader } = this;
    if (this.state !== 'on' || reader === undefined || !this.movesTriggers(sql)) return this.after(sql, cause);
    this.working = true;
    this.tellOthers(this);
    this.read(sql, cause);
    reader.finalize(() =>
      this.refresh(createsOnly(sql), () => {
        this.gate.prepare(READ, (again) => {
          this.reader = again;
          this.working = false;
          this.read(sql, cause);
          this.announce();
        });
      }),
    );
  }

  /** The schema was changed by another connection. */
  refreshLater(): void {
    if (!this.isActive) return;
    const ready = (): void => {
      this.working = false;
    };
    // Its own installation may be under way, with the schema of before.
    this.begin(() => (this.state === 'on' ? this.refresh(false, ready) : ready()));
  }

  /** Tells what is known, and gives back what would keep the connection from being closed. */
  closing(done: () => void): void {
    if (this.state !== 'on') return done();
    this.working = true;
    this.tryTell(() => {
      this.leave();
      done();
    });
  }

  /** A rollback takes away the triggers that were made in its transaction. */
  private movesTriggers(sql: string): boolean {
    const moves = isDdl(sql) || (this.uncertain && rollsBack(sql));
    if (isDdl(sql)) this.uncertain = this.inTransaction || opensTransaction(sql);
    return moves;
  }

  private begin(work: () => void, closed: () => void = () => undefined): void {
    outside(() =>
      this.gate.alone((error) => {
        if (error !== undefined || !this.gate.open) return closed();
        this.working = true;
        work();
      }),
    );
  }

  private settle(done: () => void): void {
    const end = (): void => {
      this.working = false;
      done();
    };
    if (this.state === 'failed' || this.wanted === (this.state === 'on')) return end();
    this.gate.exec(PROBE, (error) => {
      if (error) {
        this.later();
        return end();
      }
      this.inTransaction = false;
      if (this.wanted) this.install(end);
      else this.uninstall(end);
    });
  }

  private install(done: () => void): void {
    this.gate.exec(`DROP TABLE IF EXISTS temp.${LOG}; ${CREATE_TEXT_LOG}; ${CREATE_HIDDEN}`, (error) => {
      if (error) {
        this.fail(error);
        return done();
      }
      this.last = this.told = 0;
      this.drop(this.held.keys());
      this.dropTriggers(() =>
        this.createTriggers(false, (complete) => {
          if (!complete) return done();
          this.gate.prepare(READ, (reader) => {
            this.reader = reader;
            this.state = 'on';
            this.tellOthers(this);
            this.announce();
            done();
          });
        }),
      );
    });
  }

  private uninstall(done: () => void): void {
    this.tell();
    this.dropTriggers(() => {
      this.leave();
      this.gate.exec(`DROP TABLE IF EXISTS ${LOG}; DROP TABLE IF EXISTS ${HIDDEN}`, () => done());
    });
  }

  private leave(): void {
    this.reader?.finalize();
    this.reader = undefined;
    this.state = 'off';
    this.working = false;
    this.drop(this.held.keys());
  }

  private fail(error: unknown): void {
    // Somebody else has the file: that passes.
    if (isBusy(error)) return this.later();
    this.state = 'failed';
    warn('changes-failed', `Rows of ${this.gate.name} cannot be measured: ${String(error)}`);
  }

  private later(): void {
    const again = (): void => (this.state === 'on' ? this.refreshLater() : this.begin(() => this.settle(() => undefined)));
    realSetTimeout(() => guarded('settle', again), RETRY_MS).unref();
  }

  private refresh(born: boolean, done: () => void): void {
    this.dropTriggers(() => this.createTriggers(born, () => done()));
  }

  private dropTriggers(done: () => void): void {
    this.gate.query(OWN_TRIGGERS, (rows) => {
      if (rows.length === 0) done();
      else this.gate.exec(rows.map(({ name }) => `DROP TRIGGER IF EXISTS temp.${quoteName(String(name))};`).join(' '), () => done());
    });
  }

  /** `born`: the rows that a new table has already were written by the statement that made it. */
  private createTriggers(born: boolean, done: (complete: boolean) => void): void {
    this.ask(SCHEMA_QUESTIONS, [], (answers) => {
      if (answers === undefined) return done(false);
      const before = new Set(this.found.map(({ table }) => table.name));
      this.found = guarded('schema', () => tablesOf(answers)) ?? [];
      this.gate.query(textsQuestion(this.found), (texts) => {
        this.replaces ||= texts.some(({ sql }) => REPLACES.test(String(sql)));
        const layouts = this.found.map((table) => {
          const layout = layoutOf(table, this.layouts.length);
          this.layouts.push(layout);
          return layout;
        });
        const sql = layouts.flatMap((layout) => [
          ...triggersOf(layout, BY_TEXT, this.replaces),
          ...(born && !before.has(layout.table) ? [bornOf(layout, BY_TEXT)] : []),
        ]);
        if (sql.length === 0) return done(true);
        this.gate.exec(sql.join('; '), (error) => {
          if (error) this.fail(error);
          done(!error);
        });
      });
    });
  }

  private ask(questions: readonly string[], answers: Rows[], done: (answers: Rows[] | undefined) => void): void {
    const [question, ...more] = questions;
    if (question === undefined) return done(answers);
    this.gate.query(question, (rows, error) => {
      if (error === undefined) return this.ask(more, [...answers, rows], done);
      this.fail(error);
      done(undefined);
    });
  }

  private read(sql: string, cause: string | null): void {
    this.reader?.all(rollsBack(sql) ? this.told : this.last, (rows) => guarded('rows', () => this.take(rows, cause)));
  }

  private take(rows: Rows, cause: string | null): void {
    const max = Number(rows.pop()?.seq ?? 0);
    this.drop([...this.held.keys()].filter((seq) => seq > max));
    let lost = 0;
    for (const row of rows) {
      const [seq, token] = [Number(row.seq), Number(row.token)];
      if (this.held.get(seq)?.token === token) continue;
      this.drop([seq]);
      const line = this.lineOf(row, cause);
      if (this.heldLength + line.length > MAX_HELD) lost += 1;
      else {
        this.held.set(seq, { token, line });
        this.heldLength += line.length;
      }
    }
    if (lost > 0) reportLost(lost);
    this.last = max;
    if (!this.inTransaction) this.tell();
    else if (this.held.size > 0) this.schedule();
  }

  private tell(): void {
    const lines = [...this.held].sort(([a], [b]) => a - b);
    this.drop(this.held.keys());
    this.told = this.last;
    for (const [, { line }] of lines) reportChange(line);
  }

  private tryTell(done: () => void): void {
    this.gate.exec(PROBE, (error) => {
      if (!error) {
        this.inTransaction = false;
        this.tell();
        if (this.uncertain) {
          this.uncertain = false;
          return this.refresh(false, done);
        }
      }
      done();
    });
  }

  /** While the application is about to write itself: `changes()` is its own again then. */
  private empty(done: () => void): void {
    this.gate.exec(`BEGIN; DELETE FROM ${LOG}; COMMIT`, (error) => {
      if (!error) {
        this.inTransaction = false;
        this.tell();
        this.last = this.told = 0;
      }
      done();
    });
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    const look = (): void => {
      void Promise.resolve(this.flush()).then((left) => {
        if (left === 0) this.scheduled = false;
        else realSetTimeout(look, RETRY_MS).unref();
      });
    };
    outside(() => realSetTimeout(look, patience()));
  }

  private drop(numbers: Iterable<number>): void {
    for (const seq of [...numbers]) {
      this.heldLength -= this.held.get(seq)?.line.length ?? 0;
      this.held.delete(seq);
    }
  }

  private lineOf({ layout, op, line }: Record<string, unknown>, cause: string | null): string {
    const text = String(line).replace(/\{"!hex":"([0-9A-F]*)"\}/g, (_, hex: string) => `{"!binary":"${Buffer.from(hex, 'hex').toString('base64')}"}`);
    return `{"type":"change","cause":${JSON.stringify(cause)},"op":"${OPS[String(op)]}",${this.layouts[Number(layout)]?.text}${text},"at":${nowText()}}\n`;
  }
}
