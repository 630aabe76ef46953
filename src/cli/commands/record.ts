/** `socket-replay record`: capture a running application into recordings/NAME.yaml. */
import { Command } from 'commander';
import { type Capture, type CaptureResult, type Limits, startCapture } from '../../capture/capture.js';
import { parseAliases, parseDuration, pickSessions, stamp } from '../../capture/choose.js';
import { openControl } from '../../capture/control.js';
import { refuseExisting, saveCapture } from '../../capture/finish.js';
import { captureFolder } from '../../capture/log.js';
import { leftLogs } from '../../capture/read-log.js';
import { parseRules, type Rule, type Selection, selects } from '../../capture/select.js';
import type { SourceSocket } from '../../capture/source.js';
import { ReplayError } from '../../errors.js';
import { createRedactor } from '../../recording/redact.js';
import { recordingName } from '../../recording/schema.js';
import { type Connected, connect } from '../connect.js';
import type { Console } from '../console.js';
import { exitCodes } from '../exit.js';
import { outOption } from '../options.js';
import { run } from '../run.js';
import { leftLogLines, progressLine, sessionTable, summary } from '../text.js';
import { offerReplay } from '../try-replay.js';

export const recordCommand = (): Command =>
  new Command('record')
    .description('Record what users do on a running application into recordings/NAME.yaml.')
    .argument('[command...]', 'the command that starts the application, after --; without it, an application that runs already is used')
    .option('--name <name>', 'name of the recording (default: date and time)')
    .option('--target <url>', 'the application, by where it listens: attached to if it runs under the probe, else a proxy is put in front of it')
    .option('--proxy', 'put a proxy in front of --target also if it runs under the probe')
    .option('--port <number>', 'the port that the proxy listens at (default: any that is free)')
    .option('--parser <module>', 'what the proxy reads with, where the server has another parser than Socket.IO: socket.io-msgpack-parser')
    .option('--watch <database>', 'where no probe tells the rows: watch this SQLite file or postgres:// database from outside (also REPLAY_WATCH)')
    .option('--pick <id...>', 'record only these connections: socket ids or users, as `sessions` lists them')
    .option('--where <rule...>', 'record only connections of which this holds: user=GLOB, namespace=GLOB, auth.KEY=GLOB, query.KEY=GLOB')
    .option('--all', 'record all connections, also later ones, without asking')
    .option('--new', 'record connections that are made later too; so it is anyway if nobody is connected when the recording begins')
    .option('--user <id=alias...>', 'the user of a connection (socket id or what the application calls the user), as your configuration names it')
    .option('--flight-recorder', 'at the limit of 50,000 events throw away the oldest instead of ending')
    .option('--notify', 'tell the recorded clients: they receive the event `socket-replay:recording`')
    .option('--duration <time>', 'stop after this time: 60s, 5m')
    .option('--exclude <glob...>', 'leave out events of these names and what they made happen; table:GLOB leaves out tables')
    .option('--unique <text...>', 'texts that each copy must have for itself, such as the name of a document that the client chose')
    .option('--redact <rule...>', 'more that is secret: keys (pin), or places in events (login:args[0].pin, table:users:row.phone)')
    .addOption(outOption())
    .option('--force', 'replace a recording of the same name')
    .option('--replay', 'afterwards replay it, alone and in two copies, and learn what of it is noise, without asking')
    .option('--no-replay', 'do not offer to replay it')
    .addHelpText(
      'after',
      `
The recording ends with Enter (without a terminal: a line \`stop\`), with Ctrl-C, after --duration, when the application ends, or
at 50,000 events. Values that look secret are replaced before anything is written.

Examples:
    npx socket-replay record -- npm start
    npx socket-replay record --name checkout --target http://localhost:3000
    npx socket-replay record --pick alice bob --duration 5m
    npx socket-replay record --user 7=alice --exclude 'cursor*' 'table:log' -- node server.js`,
    )
    .action((command: string[], options: RecordOptions) => run((terminal) => record(terminal, options, command)));

interface RecordOptions {
  name?: string;
  target?: string;
  proxy?: boolean;
  port?: string;
  parser?: string;
  watch?: string;
  pick?: string[];
  where?: string[];
  all?: boolean;
  new?: boolean;
  user?: string[];
  flightRecorder?: boolean;
  notify?: boolean;
  duration?: string;
  exclude?: string[];
  unique?: string[];
  redact?: string[];
  out: string;
  force?: boolean;
  /** true: without asking; false: never */
  replay?: boolean;
}

const TTY_MS = 500;
const PLAIN_MS = 5_000;

async function record(terminal: Console, options: RecordOptions, command: readonly string[]): Promise<number> {
  const name = options.name ?? stamp(new Date());
  if (!recordingName.safeParse(name).success)
    throw new ReplayError(
      'REPLAY_USAGE',
      `--name ${name} is no name of a recording`,
      undefined,
      'Use up to 100 letters, digits, dots, dashes and underscores.',
    );
  if (options.all && options.pick?.length) throw new ReplayError('REPLAY_USAGE', '--all and --pick exclude each other', undefined, 'Leave one of them out.');
  const aliases = parseAliases(options.user ?? []);
  const rules = parseRules(options.where ?? []);
  const limits: Partial<Limits> = options.duration === undefined ? {} : { duration: parseDuration(options.duration) };
  const redactor = createRedactor({ rules: options.redact });
  refuseExisting(options.out, name, options.force === true);
  const captures = captureFolder();
  for (const line of leftLogLines(leftLogs(captures))) terminal.warn(line);

  const leave = onSignals(() => process.exit(exitCodes.aborted));
  const connected = await connect(terminal, options, command);
  try {
    const selection = await choose(terminal, connected, options, rules);
    const capture = startCapture({
      name,
      source: connected.source,
      select: (socket, later) => selects(selection, socket, later),
      aliases,
      redactor,
      exclude: options.exclude,
      folder: captures,
      limits,
      newest: options.flightRecorder,
      notify: options.notify,
      replaceLog: options.force,
      onUncaptured: ({ sid, user, namespace }) => terminal.warn(`Not captured: ${user ?? 'somebody'} connected (${sid}, ${namespace}).`),
      onWarning: (message) => terminal.warn(`Warning: ${message}`),
    });
    leave();
    const control = await openControl(capture, { name, app: connected.source.app, folder: captures });
    const { result, aborted } = await untilOver(terminal, capture).finally(() => control.close());
    if (aborted) {
      terminal.warn(`Aborted. What was captured can still be saved: npx socket-replay export ${name}`);
      return exitCodes.aborted;
    }
    const saved = saveCapture(result.captured, { out: options.out, captures, force: options.force, uniques: options.unique });
    for (const line of summary(saved, result)) terminal.print(line);
    return await offerReplay(terminal, { name, out: options.out, file: saved.file, status: saved.recording.status }, options.replay, connected.application);
  } finally {
    connected.source.stop();
    await connected.watch?.close();
    await connected.application?.stop();
    leave();
  }
}

/** Numbers of the list are for the terminal only; a user may well be called 1. Where nobody is connected yet, later ones are what is recorded. */
async function choose(terminal: Console, { source }: Connected, options: RecordOptions, rules: readonly Rule[]): Promise<Selection> {
  const sessions = source.sessions();
  const later = options.all === true || options.new === true || sessions.length === 0;
  if (options.pick?.length) return { present: new Set(pickSessions(sessions, options.pick)), rules, later: options.new === true };
  for (const line of sessions.length > 0 ? sessionTable(sessions, Date.now()) : ['Nobody is connected yet.']) terminal.print(line);
  if (later || rules.length > 0 || !terminal.interactive) return { present: 'all', rules, later };
  for (;;) {
    const answer = (await terminal.ask('Which ones? Numbers, Enter for all of these, or `new` for these and those that connect later: ')).trim();
    if (answer === '' || answer === 'all' || answer === 'new') return { present: 'all', rules, later: answer === 'new' };
    try {
      return { present: new Set(numbered(sessions, answer.split(/[\s,]+/))), rules, later: false };
    } catch (error) {
      terminal.warn((error as Error).message);
    }
  }
}

function numbered(sessions: readonly SourceSocket[], words: readonly string[]): string[] {
  return pickSessions(
    sessions,
    words.map((word) => (/^\d+$/.test(word) ? (sessions[Number(word) - 1]?.sid ?? word) : word)),
  );
}

/** Until Enter, `stop`, a signal, a limit or the end of the application. The second signal aborts. */
async function untilOver(terminal: Console, capture: Capture): Promise<{ result: CaptureResult; aborted: boolean }> {
  const begin = Date.now();
  let signals = 0;
  const onSignal = (): void => {
    signals++;
    if (signals > 1) capture.abort();
    else {
      terminal.print('Stopping; once more to abort.');
      capture.stop();
    }
  };
  const stopLines = terminal.onLine((line) => {
    if (terminal.interactive || line.trim() === 'stop') capture.stop();
  });
  const leave = onSignals(onSignal);
  terminal.print(terminal.interactive ? 'Recording. Enter or Ctrl-C stops and writes it.' : 'Recording. A line `stop`, SIGINT or SIGTERM stops and writes it.');
  const timer = setInterval(() => terminal.status(progressLine(capture.counts, Date.now() - begin)), terminal.interactive ? TTY_MS : PLAIN_MS);
  try {
    const result = await capture.done;
    return { result, aborted: result.captured.end.reason === 'aborted' };
  } finally {
    clearInterval(timer);
    stopLines();
    leave();
  }
}

/** Leaving by `process.exit` runs what frees locks and ends the application; dying of the signal would not. */
function onSignals(listener: () => void): () => void {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, listener);
  return () => {
    for (const signal of signals) process.removeListener(signal, listener);
  };
}
