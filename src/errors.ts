/**
 * The catalogue of errors: every code, and what to do about it. docs/reference/errors.md lists the same, a test holds the two
 * together. An error says what happened, where, and what to do; it is printed without a stack.
 */
export const catalogue = {
  // recordings
  REPLAY_YAML_SYNTAX: 'Mend the YAML at the place named.',
  REPLAY_UNKNOWN_KEY: 'Remove the key, or spell it as suggested.',
  REPLAY_UNKNOWN_TAG: 'Use one of the tags of docs/reference/recording.md.',
  REPLAY_INVALID_VALUE: 'Write a value of the form named.',
  REPLAY_VERSION: 'Write `version: 1`, or update socket-replay to one that reads this version.',
  REPLAY_UNKNOWN_NAME: 'Let an acknowledgement, push or row of an earlier trace make the name, or write the value itself.',
  REPLAY_BINARY_MISSING: 'Commit the file beside the recording, in files/, or record again.',
  REPLAY_RECORDING_LIMITS: 'Record shorter flows, or split the recording.',
  REPLAY_DUPLICATE_RECORDING: 'Give each recording its own name.',
  REPLAY_NO_RECORDINGS: 'Record one: npx socket-replay record -- COMMAND',
  REPLAY_RECORDING_NOT_FOUND: 'Name a recording of the folder, or correct REPLAY_RECORDINGS.',
  REPLAY_RECORDING_EXISTS: 'Choose another --name, or replace it with --force.',
  REPLAY_EDIT_REFUSED: 'Change this place by hand, or write it as the recorder does; no file was changed.',
  // capturing
  REPLAY_TARGET_BUSY: 'Wait until the other one has ended, or stop its process.',
  REPLAY_NO_PROBE: 'Start the application under the probe: npx socket-replay record -- COMMAND',
  REPLAY_COMMAND_FAILED: 'Run the command alone, mend what it says, and record again.',
  REPLAY_SESSION_NOT_FOUND: 'List the connections with `npx socket-replay sessions`.',
  REPLAY_CAPTURE_EMPTY: 'Use the application while the recording runs; connections of before are seen from their next event on.',
  REPLAY_CAPTURE_FAILED: 'What was written so far can be saved with `npx socket-replay export NAME`.',
  REPLAY_CAPTURE_LOG: 'List the logs in .socket-replay/captures; a log that cannot be read can be deleted.',
  REPLAY_CHECKPOINT: 'Choose another name for the checkpoint, or see which there are: npx socket-replay captures',
  REPLAY_NO_CAPTURE: 'See what is recorded now: npx socket-replay captures',
  REPLAY_IMPORT_INVALID: 'Export the file again, and import it as what it is: `import care` or `import har`.',
  // command line
  REPLAY_USAGE: 'See `npx socket-replay --help`.',

  // results
  REPLAY_JOURNAL_WRITE: 'Free space on the disk, or make .socket-replay/runs writable. What this test saw is incomplete, so it fails.',
  REPLAY_JOURNAL_INVALID: 'Run again; if it stays, the harness and the reporter are of different versions.',
  REPLAY_EMPTY: 'Select at least one recording that is not disabled; a run that replays nothing proves nothing.',
  REPLAY_UNSETTLED: 'Run again; traces without a result are never taken as passed.',
  REPLAY_TEST_FAILED: 'See the message of the test; the traces that were replayed do not explain it.',
  REPLAY_REPORT: 'Free space on the disk, or set another folder: REPLAY_REPORT_DIR. The run fails, because nobody could read it.',
  // getting in
  REPLAY_TARGET_UNREACHABLE: 'Start the application, or correct `use.baseURL`.',
  REPLAY_NOT_SOCKET_IO: 'Point `use.baseURL` at the server that Socket.IO is attached to; set `use.socketPath` where its path is not /socket.io.',
  REPLAY_PARSER:
    "Name in `use.parser` what the server was given as `parser`, such as 'socket.io-msgpack-parser', installed in this project; for Socket.IO's own name none.",
  REPLAY_LOGIN_UNKNOWN_USER: 'Add the credentials of this alias to `use.login.users`; a session that needs no login has no `user`.',
  REPLAY_LOGIN_REFUSED: 'Check the path, the fields and the credentials of `use.login`.',
  REPLAY_LOGIN_CSRF: 'Correct `use.login.csrf`: `page` is what has the token, `from` where it stands there.',
  REPLAY_LOGIN_SECRET: 'Set REPLAY_SESSION_SECRET to the secret that the server signs its sessions with.',
  REPLAY_LOGIN_FUNCTION: 'Mend the function; it answers with cookie, headers, auth, query, secrets or end.',
  REPLAY_USERS_MISSING: 'Add accounts to `use.login.pool`, replay fewer copies, or allow sharing with `use.login.reuse: true`.',
  REPLAY_RESET_FAILED: 'Let `use.reset` bring the application back to its known state, or remove it: results are then compared as shared.',
  // running
  REPLAY_OPTION_INVALID: 'Correct the option in playwright.config.ts or in the environment.',
  REPLAY_LOAD_REFUSED:
    'Say that it is wanted, with REPLAY_YES=1 or `allowLoad: true` of defineReplayConfig; or replay less: REPLAY_ITERATIONS, REPLAY_RECORDINGS, --project.',
  REPLAY_TARGET_PROTECTED:
    'Replay against a target that is there for tests. Where this one is meant: `use.allowProtected: true` and REPLAY_ALLOW_PROTECTED=HOST, both.',
  REPLAY_PAYLOAD_TOO_LARGE: 'Raise `maxHttpBufferSize` of the server, as where it was recorded, or disable the trace.',
  REPLAY_CONNECT_FAILED: 'See the reason; nothing of these sessions was replayed.',
  REPLAY_NOT_MEASURED:
    'Start the application with the probe (`webServer` of defineReplayConfig does), name its database in `use.watch`, or set `use.measure` to what is measured.',
  REPLAY_NOT_OBSERVED: 'Let the replay keep everything that it sees: test.use({ observe: true }).',
  REPLAY_PROBE_AMBIGUOUS: 'Stop the processes that are not meant, or set REPLAY_PROBE to HOST:PORT and REPLAY_PROBE_TOKEN.',
  REPLAY_PROBE_LOST: 'See the output of the application: it ended, or the harness was too slow to read.',
  REPLAY_NOTHING_REPLAYED: 'Record a session, or select a recording that has enabled traces.',
  REPLAY_WATCH_FAILED: 'Check the address or path of the database, and what its user may read.',
  REPLAY_ROWS_DIFFER: 'Replay the recordings alone to see which trace wrote too much or too little.',
  REPLAY_SCALING_REFUSED: 'Remove --retries, --repeat-each or --shard for the projects of socket-replay.',
  REPLAY_CEILING: 'See in the report which event was the slowest, and what did not pass; or begin lower (`ceiling.from`), or ask for less (`ceiling.min`).',
  REPLAY_SOAK: 'See its rounds in the report: what grows from the first to the last. With too few rounds: a longer `soak.duration`.',
  REPLAY_REGRESSION: 'See the report.',
  REPLAY_NO_RUN: 'See the folders in .socket-replay/runs; a run with a reset keeps no rows, and what was taken back is not kept either.',
  REPLAY_TOTALS:
    'See which trace writes the table more or less often than recorded, in this iteration and in `regression`; other writers show as unattributed.',
  // the database
  REPLAY_DATABASE: 'Correct the file or the address of the database (postgres://USER:PASSWORD@HOST:PORT/NAME), or the rights of its user.',
  REPLAY_NO_DRIVER: 'Run the command in the project of the application, or add the driver there: npm i -D pg, or npm i -D better-sqlite3',
  // the probe
  REPLAY_PROBE_UNREACHABLE: 'Start the application with the probe: node --import socket-replay/probe APP, or NODE_OPTIONS.',
  REPLAY_PROBE_REFUSED: 'Take the token from the probe file of the process, or set the same REPLAY_PROBE_TOKEN on both sides.',
  REPLAY_PROBE_PROTOCOL: 'Use the same version of socket-replay in the application and here.',
} as const;

export type ErrorCode = keyof typeof catalogue;

export interface Where {
  file: string;
  /** from 1 */
  line?: number;
  column?: number;
}

/** Every error that a user may meet. `message` has all of it: code, what happened, where, what to do. */
export class ReplayError extends Error {
  override readonly name = 'ReplayError';
  constructor(
    readonly code: ErrorCode,
    readonly what: string,
    readonly where?: Where,
    /** replaces the catalogue's advice where a more exact one is known */
    readonly advice: string = catalogue[code],
  ) {
    super(`${code}: ${what}${where ? `\n    at ${formatWhere(where)}` : ''}\n    ${advice}`);
    // Playwright and Node print the stack of an error in a configuration; a user's mistake has none.
    this.stack = this.message;
    for (const key of ['code', 'what', 'where', 'advice', 'name']) Object.defineProperty(this, key, { enumerable: false });
  }
}

const formatWhere = ({ file, line, column }: Where): string => [file, line, column].filter((part) => part !== undefined).join(':');

/** Several errors found together, as one. */
export class ReplayErrors extends Error {
  override readonly name = 'ReplayErrors';
  constructor(readonly all: readonly ReplayError[]) {
    super(all.map((error) => error.message).join('\n'));
    this.stack = this.message;
    // Whoever prints an error adds what can be enumerated.
    for (const key of ['all', 'name']) Object.defineProperty(this, key, { enumerable: false });
  }
}
