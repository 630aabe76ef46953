/** From the options of a command to a live source. */
import { type Application, startApplication, waitForProbe } from '../capture/application.js';
import { applicationOf, applicationsAt, type ProbedApplication } from '../capture/choose.js';
import type { TraceSource } from '../capture/source.js';
import { mergeSources } from '../capture/sources/merged.js';
import { probeSource } from '../capture/sources/probe.js';
import { ReplayError } from '../errors.js';
import { connectProbe, findProbes } from '../wire/client.js';
import type { ProbeFile } from '../wire/messages.js';
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
}

/**
 * An application that runs at --target is attached to; else the command is started; without one, whatever runs under the probe.
 * A command alone is always started: another application that happens to run under a probe is not what was asked for.
 */
export async function connect(terminal: Console, target: string | undefined, command: readonly string[]): Promise<Connected> {
  const running = findProbes();
  const attachable = applicationsAt(running, target);
  if (command.length > 0 && (target === undefined || attachable.length === 0)) return startAndConnect(terminal, target, command);
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

const openOne = async ({ port, token }: ProbeFile): Promise<TraceSource> => probeSource(await connectProbe({ port, token, mode: 'record' }));
