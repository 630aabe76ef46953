/** From the options of a command to a live source. */
import { type Application, startApplication, waitForProbe } from '../capture/application.js';
import { probesAt } from '../capture/choose.js';
import type { TraceSource } from '../capture/source.js';
import { probeSource } from '../capture/sources/probe.js';
import { ReplayError } from '../errors.js';
import { connectProbe, findProbes } from '../wire/client.js';
import type { ProbeFile } from '../wire/messages.js';
import { preloadFile } from '../wire/preload.js';
import type { Console } from './console.js';
import { targetName } from './text.js';

const PROBE_MS = 30_000;

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
  const attachable = probesAt(running, target);
  if (command.length > 0 && (target === undefined || attachable.length === 0)) return startAndConnect(terminal, target, command, running);
  const chosen = await choose(terminal, attachable, running, target);
  terminal.print(`Attached to ${nameOf(chosen)}.`);
  return { source: await open(chosen) };
}

async function startAndConnect(terminal: Console, target: string | undefined, command: readonly string[], running: readonly ProbeFile[]): Promise<Connected> {
  const preload = preloadFile();
  terminal.print(`Starting \`${command.join(' ')}\` under the probe.`);
  const application = startApplication(command, preload);
  try {
    const found = await waitForProbe(application, findProbes, new Set(running.map(({ pid }) => pid)), PROBE_MS, target);
    const chosen = await choose(terminal, probesAt(found, target), found, target);
    const source = await open(chosen);
    terminal.print(`Connected to ${nameOf(chosen)}.`);
    return { source, application };
  } catch (error) {
    await application.stop();
    throw error;
  }
}

async function choose(terminal: Console, probes: readonly ProbeFile[], all: readonly ProbeFile[], target: string | undefined): Promise<ProbeFile> {
  if (probes.length === 0) {
    const what = target === undefined ? 'no application runs under the probe' : `no application under the probe listens at ${target}`;
    throw new ReplayError('REPLAY_NO_PROBE', all.length > 0 ? `${what}; there is ${all.map(nameOf).join(', ')}` : what);
  }
  const only = probes[0];
  if (only && probes.length === 1) return only;
  const list = probes.map((probe, i) => `  ${i + 1}  ${nameOf(probe)}`).join('\n');
  if (!terminal.interactive)
    throw new ReplayError('REPLAY_USAGE', `several applications run under the probe:\n${list}`, undefined, 'Choose one with --target URL.');
  terminal.print(list);
  for (;;) {
    const answer = probes[Number(await terminal.ask(`Which one? [1-${probes.length}] `)) - 1];
    if (answer) return answer;
  }
}

const open = async ({ port, token }: ProbeFile): Promise<TraceSource> => probeSource(await connectProbe({ port, token, mode: 'record' }));

const nameOf = ({ app, listening, pid }: ProbeFile): string => targetName(app, listening, pid);
