/** From the options of a command to a live source. */
import { type Application, startApplication, waitForProbe } from '../capture/application.js';
import { applicationOf, applicationsAt, type ProbedApplication } from '../capture/choose.js';
import { clientRequests } from '../capture/requests.js';
import type { TraceSource } from '../capture/source.js';
import { mergeSources } from '../capture/sources/merged.js';
import { probeSource } from '../capture/sources/probe.js';
import { proxySource } from '../capture/sources/proxy.js';
import { watchedSource } from '../capture/sources/watched.js';
import { ReplayError } from '../errors.js';
import { openWatch } from '../watch/open.js';
import type { Watch } from '../watch/watch.js';
import { connectProbe, findProbes } from '../wire/client.js';
import type { ProbeFile } from '../wire/messages.js';
import { loadParser } from '../wire/parser.js';
import { preloadFile } from '../wire/preload.js';
import type { Console } from './console.js';
import { targetName } from './text.js';

const PROBE_MS = 120_000;
/** how often new workers of a cluster are looked for */
const WORKERS_MS = 100;

export interface Connected {
  source: TraceSource;
  /** present when it was started here */
  application?: Application;
  /** its database, where that is watched from outside */
  watch?: Watch;
}

export interface Wanted {
  target?: string;
  /** true: also where a probe runs */
  proxy?: boolean;
  port?: string;
  /** what the proxy reads with: the name of a module of the project */
  parser?: string;
  /** a database */
  watch?: string;
}

/**
 * An application that runs under the probe at --target is attached to; else the command is started; without one, a proxy is put in
 * front of the target; without a target, whatever runs under the probe. A command alone is always started: another application
 * that happens to run under a probe is not what was asked for.
 */
export async function connect(terminal: Console, wanted: Wanted, command: readonly string[]): Promise<Connected> {
  const database = wanted.watch ?? process.env.REPLAY_WATCH;
  if (!database) return connectSource(terminal, wanted, command);
  // First: a database that cannot be watched is said before anything is started.
  const watch = await openWatch(database);
  try {
    const connected = await connectSource(terminal, wanted, command);
    if (connected.source.changes === 'measured') {
      terminal.warn('The probe tells the rows, and what caused them: the database is not watched from outside.');
      await watch.close();
      return connected;
    }
    terminal.print(`Rows are watched in ${watch.database}, and put under traces by time. How: ${watch.how}.`);
    for (const { why } of watch.notWatched()) terminal.warn(`Not watched: ${why}.`);
    return { ...connected, source: watchedSource(connected.source, watch), watch };
  } catch (error) {
    await watch.close();
    throw error;
  }
}

async function connectSource(terminal: Console, wanted: Wanted, command: readonly string[]): Promise<Connected> {
  const { target } = wanted;
  const running = findProbes();
  const attachable = applicationsAt(running, target);
  const proxied = wanted.proxy === true || wanted.port !== undefined || wanted.parser !== undefined;
  if (proxied && (command.length > 0 || target === undefined))
    throw new ReplayError(
      'REPLAY_USAGE',
      '--proxy, --port and --parser need --target, and no command',
      undefined,
      'Start the application yourself, and name its address.',
    );
  if (command.length > 0 && (target === undefined || attachable.length === 0)) return startAndConnect(terminal, target, command);
  if (target !== undefined && (proxied || attachable.length === 0)) return putInFront(terminal, target, wanted);
  const chosen = await choose(terminal, attachable, running, target);
  terminal.print(`Attached to ${targetName(chosen)}.`);
  return { source: await open(terminal, chosen) };
}

async function startAndConnect(terminal: Console, target: string | undefined, command: readonly string[]): Promise<Connected> {
  const preload = preloadFile();
  terminal.print(`Starting \`${command.join(' ')}\` under the probe.`);
  const application = startApplication(command, preload);
  try {
    const found = await waitForProbe(application, findProbes, PROBE_MS, target);
    const chosen = await choose(terminal, applicationsAt(found, target), found, target);
    const source = await open(terminal, chosen);
    terminal.print(`Connected to ${targetName(chosen)}.`);
    return { source, application };
  } catch (error) {
    await application.stop();
    throw error;
  }
}

async function putInFront(terminal: Console, target: string, { port, parser, watch = process.env.REPLAY_WATCH }: Wanted): Promise<Connected> {
  const url = parseTarget(target);
  const loaded = parser === undefined ? undefined : await loadParser(parser, process.cwd());
  const { source, port: listening } = await proxySource(url, parsePort(port), loaded);
  const path = url.pathname === '/' ? '' : url.pathname;
  terminal.print(`A proxy stands in front of ${url.origin}: what clients send through it is recorded, without causes${watch ? '' : ' and rows'}.`);
  terminal.print(`Open http://localhost:${listening}${path} in place of ${url.origin}${path}.`);
  terminal.print(`Whoever logs in opens an address with the name of the user: http://alice.localhost:${listening}${path}`);
  return { source };
}

function parseTarget(target: string): URL {
  const text = /^\w+:\/\//.test(target) ? target : `http://${target}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && ['http:', 'https:'].includes(url.protocol)) return url;
  throw new ReplayError('REPLAY_USAGE', `--target ${target} is no address of an application`, undefined, 'For example: --target http://localhost:3000');
}

function parsePort(text: string | undefined): number {
  const port = Number(text ?? 0);
  if (text !== undefined && !(/^\d+$/.test(text) && port > 0 && port < 65_536))
    throw new ReplayError('REPLAY_USAGE', `--port ${text} is no port`, undefined, 'Write a number up to 65535.');
  return port;
}

async function choose(
  terminal: Console,
  applications: readonly ProbedApplication[],
  all: readonly ProbeFile[],
  target: string | undefined,
): Promise<ProbedApplication> {
  if (applications.length === 0) {
    const what = target === undefined ? 'no application runs under the probe' : `no application under the probe listens at ${target}`;
    const others = applicationsAt(all, undefined).map(targetName);
    throw new ReplayError('REPLAY_NO_PROBE', others.length > 0 ? `${what}; there is ${others.join(', ')}` : what);
  }
  const only = applications[0];
  if (only && applications.length === 1) return only;
  const list = applications.map((application, i) => `  ${i + 1}  ${targetName(application)}`).join('\n');
  if (!terminal.interactive)
    throw new ReplayError('REPLAY_USAGE', `several applications run under the probe:\n${list}`, undefined, 'Choose one with --target URL.');
  terminal.print(list);
  for (;;) {
    const answer = applications[Number(await terminal.ask(`Which one? [1-${applications.length}] `)) - 1];
    if (answer) return answer;
  }
}

async function open(terminal: Console, application: ProbedApplication): Promise<TraceSource> {
  const [first, ...others] = application;
  // One of the processes may answer a request of a connection that another one has.
  const clients = clientRequests();
  const openOne = async ({ port, token }: ProbeFile): Promise<TraceSource> => probeSource(await connectProbe({ port, token, mode: 'record' }), clients);
  const source = await openOne(first);
  if (first.cluster === undefined) return source;
  const merged = mergeSources(source, ...(await Promise.all(others.map(openOne))));
  const known = new Set(application.map(({ pid }) => pid));
  const timer = setInterval(() => {
    for (const probe of findProbes()) {
      if (known.has(probe.pid) || applicationOf(probe) !== applicationOf(first)) continue;
      known.add(probe.pid);
      openOne(probe).then(
        (one) => {
          merged.join(one);
          terminal.print(`Also process ${probe.pid}.`);
        },
        () => known.delete(probe.pid),
      );
    }
  }, WORKERS_MS);
  timer.unref();
  merged.closed.then(() => clearInterval(timer));
  return merged;
}
