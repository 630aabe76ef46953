/** From the options of a command to a live source. */
import { type Application, preloadUrl, startApplication, waitForProbe } from '../capture/application.js';
import { probesAt } from '../capture/choose.js';
import type { TraceSource } from '../capture/source.js';
import { probeSource } from '../capture/sources/probe.js';
import { proxySource } from '../capture/sources/proxy.js';
import { ReplayError } from '../errors.js';
import { connectProbe, findProbes } from '../wire/client.js';
import type { ProbeFile } from '../wire/messages.js';
import type { Console } from './console.js';
import { targetName } from './text.js';

const PROBE_MS = 30_000;

export interface Connected {
  source: TraceSource;
  /** present when it was started here */
  application?: Application;
}

export interface Wanted {
  target?: string;
  /** true: also where a probe runs */
  proxy?: boolean;
  port?: string;
}

/**
 * An application that runs under the probe at --target is attached to; else the command is started; without one, a proxy is put in
 * front of the target; without a target, whatever runs under the probe. A command alone is always started: another application
 * that happens to run under a probe is not what was asked for.
 */
export async function connect(terminal: Console, wanted: Wanted, command: readonly string[]): Promise<Connected> {
  const { target } = wanted;
  const running = findProbes();
  const attachable = probesAt(running, target);
  const proxied = wanted.proxy === true || wanted.port !== undefined;
  if (proxied && (command.length > 0 || target === undefined))
    throw new ReplayError(
      'REPLAY_USAGE',
      '--proxy and --port need --target, and no command',
      undefined,
      'Start the application yourself, and name its address.',
    );
  if (command.length > 0 && (target === undefined || attachable.length === 0)) return startAndConnect(terminal, target, command, running);
  if (target !== undefined && (proxied || attachable.length === 0)) return putInFront(terminal, target, wanted.port);
  const chosen = await choose(terminal, attachable, running, target);
  terminal.print(`Attached to ${nameOf(chosen)}.`);
  return { source: await open(chosen) };
}

async function startAndConnect(terminal: Console, target: string | undefined, command: readonly string[], running: readonly ProbeFile[]): Promise<Connected> {
  const preload = preloadUrl();
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

async function putInFront(terminal: Console, target: string, port: string | undefined): Promise<Connected> {
  const url = parseTarget(target);
  const { source, port: listening } = await proxySource(url, parsePort(port));
  const path = url.pathname === '/' ? '' : url.pathname;
  terminal.print(`A proxy stands in front of ${url.origin}: what clients send through it is recorded, without causes and rows.`);
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
