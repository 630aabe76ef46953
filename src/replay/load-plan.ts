/** What a run is going to do to its target, before anything is sent: clients, emits, pushes, requests, logins, time. Pure. */
import type { LoadedRecording } from '../recording/load.js';
import { leftOut, type Recording, receivers } from '../recording/schema.js';
import { milliseconds, plural } from '../results/text.js';
import { estimatedTime } from './estimate.js';
import type { OrderMode } from './order.js';
import { startOf } from './pace.js';
import { poolOf } from './plan.js';

/** More than this somebody has to want: see `bigness`. */
const LIMITS = { clients: 200, emits: 100_000, ms: 5 * 60_000 };

/** Logging in, fencing and leaving, ms. */
const SHORTEST_ROUND = 100;
/** More rows than this nobody reads. */
const SHOWN = 10;

interface Load {
  clients: number;
  emits: number;
  /** at most: see `pushesOf` */
  pushes: number;
  requests: number;
  logins: number;
  /** milliseconds, as recorded */
  took: number;
}

/** What a mode replays. */
export interface ModeLoad {
  /** copies of each level, if none breaks before */
  levels?: readonly number[];
  /** rounds until this time is over, ms */
  duration?: number;
  /** its own speed */
  speed?: number;
}

export interface PlanInput {
  target: string;
  recordings: readonly LoadedRecording[];
  /** iteration 0: `regression` */
  projects: readonly { project: string; iteration: number; mode?: ModeLoad }[];
  schedule: 'ramp' | 'parallel';
  order: OrderMode;
  /** 0: no gaps */
  speed: number;
  maxGapMs?: number;
  spreadMs?: number;
  /** how many logins a replay of these recordings makes */
  logins(recordings: readonly Recording[], copies: number): number;
}

export interface Plan {
  target: string;
  /** all that are selected; those with `copies: 1` are not in the pool */
  recordings: number;
  /** N, the sessions of the pool */
  pool: number;
  /** clients at the same time */
  peak: number;
  total: Load;
  projects: (Load & { project: string; iteration: number })[];
  /** enabled recordings without times: what they take is not known */
  untimed: number;
}

const nothing: Load = { clients: 0, emits: 0, pushes: 0, requests: 0, logins: 0, took: 0 };

export function planOf(input: PlanInput): Plan {
  const all = input.recordings.map(({ recording }) => recording);
  const entries = poolOf(input.recordings);
  const pool = [...new Set(entries.map(({ recording }) => recording.recording))];
  const projects = input.projects.map(({ project, iteration, mode }) => ({
    project,
    iteration,
    // Alone one after the other; in an iteration side by side.
    ...(iteration === 0
      ? sum(all.map((recording) => replayLoad([recording], 1, input)))
      : mode
        ? modeLoad(pool, iteration, mode, input)
        : replayLoad(pool, iteration, input)),
  }));
  const isMode = (index: number): boolean => input.projects[index]?.mode !== undefined;
  const alone = projects.filter(({ iteration }) => iteration === 0);
  const levels = projects.filter(({ iteration }, index) => iteration > 0 && !isMode(index));
  // Nothing runs beside a mode.
  const modes = projects.filter((_, index) => isMode(index));
  const inModes = input.projects.flatMap(({ iteration, mode }) => (mode ? [entries.length * Math.max(iteration, ...(mode.levels ?? []))] : []));
  const beside = input.schedule === 'parallel';
  const most = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b), 0);
  const level = levels.map(({ clients }) => clients);
  // What gets in before the run: each user once.
  const early = projects.length > 0 ? input.logins(all, 1) : 0;
  const total = sum(projects);
  return {
    target: input.target,
    recordings: all.length,
    pool: entries.length,
    peak: Math.max(
      alone.length > 0 ? most(all.map(({ sessions }) => sessions.length)) : 0,
      beside ? level.reduce((a, b) => a + b, 0) : most(level),
      ...inModes,
    ),
    total: {
      ...total,
      logins: total.logins + early,
      took: sum(alone).took + sum(modes).took + (beside ? most(levels.map(({ took }) => took)) : sum(levels).took),
    },
    projects,
    untimed: all.filter(({ sessions }) => sessions.some(({ times }) => times === undefined)).length,
  };
}

function replayLoad(recordings: readonly Recording[], copies: number, { order, speed, maxGapMs, spreadMs, logins }: PlanInput): Load {
  if (recordings.length === 0) return nothing;
  const traces = recordings.flatMap(({ sessions }) => sessions.flatMap(({ traces }) => traces.filter(({ disabled }) => !disabled)));
  return {
    clients: copies * recordings.reduce((clients, { sessions }) => clients + sessions.length, 0),
    emits: copies * traces.filter(({ emit }) => emit !== undefined).length,
    pushes: recordings.reduce((pushes, recording) => pushes + pushesOf(recording, copies), 0),
    requests: copies * traces.filter(({ http }) => http !== undefined).length,
    logins: logins(recordings, copies),
    took: startOf(copies - 1, copies, spreadMs) + Math.max(...recordings.map((recording) => estimatedTime(recording, order, speed, maxGapMs))),
  };
}

function modeLoad(pool: readonly Recording[], copies: number, { levels, duration, speed }: ModeLoad, input: PlanInput): Load {
  if (levels) return sum(levels.map((level) => replayLoad(pool, level, input)));
  const once = replayLoad(pool, copies, { ...input, ...(speed === undefined ? {} : { speed }) });
  if (duration === undefined) return once;
  // A round does not take nothing, whatever was recorded.
  const rounds = Math.max(1, Math.ceil(duration / Math.max(SHORTEST_ROUND, once.took)));
  const { clients, emits, pushes, requests, logins } = once;
  return {
    clients: rounds * clients,
    emits: rounds * emits,
    pushes: rounds * pushes,
    requests: rounds * requests,
    logins: rounds * logins,
    took: Math.max(duration, once.took),
  };
}

/**
 * At most: as if the copies of a recording shared all of its rooms, and no two recordings did. What went to others than its sender then
 * reaches its receivers in every copy, for each copy that sends it. What only came back to its sender stays its own.
 */
function pushesOf({ sessions }: Recording, copies: number): number {
  let pushes = 0;
  for (const { id, traces, received } of sessions) {
    for (const trace of traces)
      for (const push of trace.disabled ? [] : (trace.pushes ?? [])) {
        const [to, out] = [receivers(push), leftOut(push)];
        const own = to.length === 1 && to[0] === id && out.length === 0;
        pushes += copies * (own ? 1 : (to.length + out.length) * copies - out.length);
      }
    pushes += (received?.length ?? 0) * copies * (sessions.length > 1 ? copies : 1);
  }
  return pushes;
}

const sum = (loads: readonly Load[]): Load =>
  loads.reduce<Load>(
    (a, b) => ({
      clients: a.clients + b.clients,
      emits: a.emits + b.emits,
      pushes: a.pushes + b.pushes,
      requests: a.requests + b.requests,
      logins: a.logins + b.logins,
      took: a.took + b.took,
    }),
    nothing,
  );

/** Why somebody has to want this; empty: it is small enough. */
export function bigness({ peak, total }: Pick<Plan, 'peak' | 'total'>): string[] {
  return [
    ...(peak > LIMITS.clients ? [`${plural(peak, 'client')} at the same time, more than ${LIMITS.clients}`] : []),
    ...(total.emits > LIMITS.emits ? [`${plural(total.emits, 'emit')}, more than ${LIMITS.emits.toLocaleString('en')}`] : []),
    ...(total.took > LIMITS.ms ? [`about ${milliseconds(total.took)}, more than ${milliseconds(LIMITS.ms)}`] : []),
  ];
}

/** For people. */
export function planLines(plan: Plan): string[] {
  const { total } = plan;
  const number = (count: number): string => count.toLocaleString('en');
  const time = (ms: number): string => (ms === 0 ? '–' : milliseconds(ms));
  const row = (load: Plan['projects'][number]): string[] => [
    load.project,
    ...[load.clients, load.emits, load.pushes, load.requests, load.logins].map(number),
    time(load.took),
  ];
  const hidden = plan.projects.length > SHOWN ? plan.projects.length - SHOWN : 0;
  const rows = [
    ['project', 'clients', 'emits', 'pushes', 'requests', 'logins', 'time'],
    ...plan.projects.slice(0, hidden > 0 ? SHOWN / 2 : SHOWN).map(row),
    ...(hidden > 0 ? [[`… ${hidden} more`, '', '', '', '', '', ''], ...plan.projects.slice(-SHOWN / 2).map(row)] : []),
  ];
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const untimed =
    plan.untimed > 0 ? `; ${plural(plan.untimed, 'recording has', 'recordings have')} no times and ${plan.untimed === 1 ? 'counts' : 'count'} as nothing` : '';
  return [
    `Plan of a run against ${plan.target}`,
    '',
    `  pool         ${plural(plan.pool, 'session')}, of ${plural(plan.recordings, 'recording')}`,
    `  peak         ${plural(plan.peak, 'client')} at the same time`,
    `  client runs  ${number(total.clients)}`,
    `  emits        ${number(total.emits)}`,
    `  pushes       up to ${number(total.pushes)}, if the copies of a recording share its rooms`,
    `  requests     ${number(total.requests)}`,
    `  logins       ${number(total.logins)}, with one of each user before the run`,
    `  time         about ${milliseconds(total.took)} if the answers take as long as recorded; logins and resets come on top${untimed}`,
    '',
    ...rows.map((row) => `  ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  ')}`),
  ];
}
