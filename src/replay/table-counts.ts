/**
 * Row changes that were seen from outside, where several copies or recordings run at once: nobody can say whose they are, so what is
 * compared is how many of each table there were.
 */
import type { LoadedRecording } from '../recording/load.js';
import { type Change, changeOf } from '../recording/schema.js';
import type { WatchedChange } from '../watch/watch.js';
import { effectsKnown } from './state.js';

type Counts = Record<Change['op'], number>;

export interface TableCounts {
  changed(changes: readonly WatchedChange[]): void;
  /** Resolves when what was recorded has come, at most after `timeout` ms. */
  complete(timeout: number): Promise<void>;
  /** a sentence for each table that is not as recorded */
  differences(): string[];
  /** of each table, for the report */
  counts(): Record<string, Counts & { recorded: Counts }>;
}

/** `all`: each recording as often as it is replayed. `net`: how often a row was written is not seen, only whether it is there afterwards. */
export function countTables(all: readonly LoadedRecording[], net: boolean): TableCounts {
  const { recorded, noise } = expected(all);
  const seen = new Map<string, Counts>();
  let wake = (): void => {};

  const differences = (): string[] =>
    [...new Set([...recorded.keys(), ...seen.keys()])]
      .filter((table) => !noise.has(table))
      .sort()
      .flatMap((table) => differenceOf(table, recorded.get(table) ?? none(), seen.get(table) ?? none(), net));
  return {
    changed(changes) {
      for (const { op, table } of changes) count(seen, table, op);
      wake();
    },
    complete: (timeout) =>
      new Promise((resolve) => {
        const done = (): void => {
          clearTimeout(timer);
          wake = () => {};
          resolve();
        };
        const timer = setTimeout(done, timeout);
        wake = () => differences().length === 0 && done();
        wake();
      }),
    differences,
    counts: () =>
      Object.fromEntries(
        [...new Set([...recorded.keys(), ...seen.keys()])].map((table) => [table, { ...(seen.get(table) ?? none()), recorded: recorded.get(table) ?? none() }]),
      ),
  };
}

/** Tables that the recordings saw change without any trace are not judged: nobody knows how often they should. */
function expected(all: readonly LoadedRecording[]): { recorded: Map<string, Counts>; noise: Set<string> } {
  const recorded = new Map<string, Counts>();
  const noise = new Set<string>();
  for (const { recording } of all) {
    for (const entry of recording.unattributed ?? []) noise.add(changeOf(entry).table);
    for (const { traces } of recording.sessions)
      for (const trace of traces)
        if (!trace.disabled && effectsKnown(trace)) for (const { table, op } of (trace.changes ?? []).map(changeOf)) count(recorded, table, op);
  }
  return { recorded, noise };
}

function differenceOf(table: string, want: Counts, got: Counts, net: boolean): string[] {
  const parts = net
    ? [part('more rows than before', want.insert - want.delete, got.insert - got.delete)]
    : [part('inserted', want.insert, got.insert), part('updated', want.update, got.update), part('deleted', want.delete, got.delete)];
  const differing = parts.filter((text) => text !== undefined);
  return differing.length > 0 ? [`${table}: ${differing.join(', ')}`] : [];
}

const part = (what: string, want: number, got: number): string | undefined => (want === got ? undefined : `${got} ${what}, recorded ${want}`);
const none = (): Counts => ({ insert: 0, update: 0, delete: 0 });

function count(counts: Map<string, Counts>, table: string, op: Change['op']): void {
  const known = counts.get(table) ?? none();
  known[op]++;
  counts.set(table, known);
}
