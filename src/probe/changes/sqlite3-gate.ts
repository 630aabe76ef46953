/** What the log of a connection of `sqlite3` needs of the driver. */
export type Rows = Record<string, unknown>[];

/**
 * A connection by the driver's own methods. `exec`, `query` and `prepare` begin at once if they are called where nothing runs, and
 * call back where again nothing runs (`prepare` is the last of them): so that steps follow each other with nothing of the application between them.
 */
export interface Gate {
  readonly name: string;
  readonly open: boolean;
  /** Waits until nothing runs on the connection. `start` has to begin its work before it returns; with an error the connection is closed. */
  alone(start: (error: unknown) => void): void;
  exec(sql: string, done: (error: unknown) => void): void;
  query(sql: string, done: (rows: Rows, error?: unknown) => void): void;
  /** A reader that may be started wherever a statement calls back. */
  prepare(sql: string, done: (reader: LogReader) => void): void;
}

export interface LogReader {
  all(after: number, done: (rows: Rows) => void): void;
  /** Called back where nothing runs, if it is called right behind `all`. */
  finalize(done?: () => void): void;
}
