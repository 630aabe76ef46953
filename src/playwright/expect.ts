/** `expect` of a scenario: Playwright's, with assertions about the result of a replay. */
import { expect as base } from '@playwright/test';
import leven from 'leven';
import { ReplayError } from '../errors.js';
import type { Json } from '../recording/json.js';
import { type Observations, observationsOf, type SeenTrace } from '../results/observations.js';
import type { Outcome } from '../results/schema.js';
import { mismatches, wantedText } from '../results/subset.js';
import { formatValue, isJsonObject, milliseconds, plural, shorten, visible } from '../results/text.js';
import type { ReplayResult } from './replay-test.js';

type Values = { readonly [key: string]: unknown };

/** Which trace: everything that is said must fit. Values fit where they have what is said: of objects the keys named. */
export interface TraceWanted {
  recording?: string;
  session?: string;
  /** from 0 */
  trace?: number;
  copy?: number;
  outcome?: Outcome;
  connect?: { namespace: string };
  emit?: string;
  http?: Values;
  disconnect?: string;
  args?: readonly unknown[];
  ack?: readonly unknown[];
}

/** Which change: its columns fit where they have what is said. */
export type ChangeWanted =
  | { insert: string; row?: Values; update?: never; delete?: never; key?: never; set?: never; was?: never }
  | { update: string; key?: Values; set?: Values; was?: Values; insert?: never; delete?: never; row?: never }
  | { delete: string; key?: Values; was?: Values; insert?: never; update?: never; row?: never; set?: never };

export type AckWanted = Pick<TraceWanted, 'recording' | 'session' | 'copy' | 'emit'>;

/** So many that fit, or nearly fit, are listed. */
const LISTED = 5;
const LONGEST = 160;

interface Verdict {
  pass: boolean;
  message: () => string;
}

export const expect = base.extend({
  /** Some trace is like this. */
  toHaveTrace(result: ReplayResult, wanted: TraceWanted): Verdict {
    return told(this.isNot, () => {
      const seen = observed(result, this.isNot);
      const words = `toHaveTrace(${wantedText(wanted)})`;
      if (Object.keys(wanted).length === 0)
        throw new ReplayError('REPLAY_USAGE', `${words} says nothing of the trace`, undefined, 'For example: { session: "alice", emit: "save" }');
      checkSession(seen, wanted.session);
      // Of an event that is not meant nobody wants to read what else is different.
      const kind = { ...wanted, args: undefined, ack: undefined, http: undefined };
      const needsValues = (['args', 'ack', 'http'] as const).some((key) => wanted[key] !== undefined);
      const found = search(seen.traces(), ({ id, what, complete }) => {
        const other = wanted.emit !== undefined && what.emit !== wanted.emit;
        const { args: _, ack: __, http: ___, ...bare } = what;
        if (needsValues && !complete && mismatches(kind, bare).length === 0) throw notKept(seen);
        return {
          words: () => `${id} ${labelOf(what)}`,
          differs: other ? mismatches(kind, bare) : mismatches(wanted, what),
          far: other ? 1 + unlike(what.emit, wanted.emit) : 0,
        };
      });
      return found.verdict(this.isNot, words, 'traces');
    });
  },

  /** Some trace made this change. */
  toHaveChange(result: ReplayResult, wanted: ChangeWanted): Verdict {
    return told(this.isNot, () => {
      const seen = observed(result, this.isNot);
      const words = `toHaveChange(${wantedText(wanted)})`;
      const { rows } = seen.begin;
      if (rows !== 'probe' && rows !== 'time')
        throw cannot(
          rows === 'iteration' ? 'seen from outside, the rows of several copies are only counted' : 'row changes are not measured',
          'Start the application under the probe.',
        );
      const found = search(changesOf(seen), ({ id, change }) => ({
        words: () => `${id}: ${text(withoutWas(change))}`,
        differs: mismatches(wanted, change),
        far: distance(wanted, change),
      }));
      const others = seen.end?.unattributed.changes ?? 0;
      const maybe = others > seen.uncaused.length || seen.uncaused.some((change) => distance(wanted, change) === 0);
      if (this.isNot && found.count === 0 && maybe)
        throw cannot(
          `${plural(others, 'change')} came without a proven cause, and only table and key of some of them are known`,
          'See the notes of this test in the report.',
        );
      return found.verdict(this.isNot, words, 'changes', others === 0 ? '' : `\n${plural(others, 'change')} without a proven cause are not looked at.`);
    });
  },

  /** A session received this event, whoever caused it. */
  toHaveReceived(result: ReplayResult, session: string, event: string, args?: readonly unknown[]): Verdict {
    return told(this.isNot, () => {
      const seen = observed(result, this.isNot);
      const words = `toHaveReceived(${[session, event, ...(args === undefined ? [] : [args])].map(wantedText).join(', ')})`;
      checkSession(seen, session);
      if (!seen.begin.measures.includes('pushes')) throw cannot('pushes are not measured: nothing waits for them', "Add 'pushes' to `use.measure`.");
      if (seen.begin.copies > 1 && !seen.begin.observe) throw notKept(seen);
      const found = search(seen.pushes(), (push) => ({
        words: () => `${push.to} received ${push.event} ${text(push.args)} (${push.where})`,
        differs: [
          ...(push.to === session ? [] : [() => `${push.to} received it`]),
          ...(push.event === event ? [] : [() => 'another event']),
          ...(args === undefined || push.event !== event ? [] : mismatches(args, push.args, 'args')),
        ],
        far: push.event !== event ? 1 + unlike(push.event, event) : push.to !== session ? 1 : 0,
      }));
      if (found.count === 0 && seen.untold > 0)
        throw cannot(`${plural(seen.untold, 'push', 'pushes')} came without a proven cause, and their values are not kept`);
      return found.verdict(this.isNot, words, 'pushes');
    });
  },

  /** Every acknowledgement came within so many milliseconds: of all events, or of those that are meant. */
  toAckWithin(result: ReplayResult, ms: number, of: AckWanted = {}): Verdict {
    return told(this.isNot, () => {
      const seen = observed(result, this.isNot);
      const words = `toAckWithin(${[ms, ...(Object.keys(of).length > 0 ? [of] : [])].map(wantedText).join(', ')})`;
      checkSession(seen, of.session);
      const slow = nearest<SeenTrace>(({ latency }) => -(latency ?? 0));
      let acknowledged = 0;
      let late = 0;
      for (const trace of seen.traces()) {
        if (trace.what.emit === undefined || trace.latency === null || mismatches(of, trace.what).length > 0) continue;
        acknowledged++;
        if (trace.latency > ms) late++;
        slow.add(trace);
      }
      if (acknowledged === 0) throw cannot(`nothing like ${wantedText(of)} was acknowledged`, 'Name an event whose acknowledgement is recorded.');
      const list = slow.items.map(({ id, what, latency }) => `  ${visible(`${id} ${labelOf(what)}`)}: ${milliseconds(latency ?? 0)}`).join('\n');
      const message =
        late > 0 ? `${late} of ${plural(acknowledged, 'acknowledgement')} took longer` : `All of ${plural(acknowledged, 'acknowledgement')} came in time`;
      return { pass: late === 0, message: () => `${head(this.isNot, words)}\n\n${message}. The slowest:\n${list}` };
    });
  },
});

/** What cannot be told fails, also with `not`. Returned, not thrown: so Playwright shows the line of the assertion. */
function told(isNot: boolean, assertion: () => Verdict): Verdict {
  try {
    return assertion();
  } catch (error) {
    if (!(error instanceof ReplayError)) throw error;
    return { pass: isNot, message: () => visibleLines(error.message) };
  }
}

const visibleLines = (lines: string): string => lines.split('\n').map(visible).join('\n');

const head = (isNot: boolean, words: string): string => visible(`expect(result).${isNot ? 'not.' : ''}${shorten(words, 400)}`);
const text = (json: Json): string => shorten(formatValue(json), LONGEST);

const labelOf = ({ emit, connect, http, disconnect }: SeenTrace['what']): string => {
  const [first] = [emit, connect && 'connect', http && 'http', disconnect && 'disconnect'].filter((label) => label !== undefined);
  return String(first ?? '');
};

/** Read once a result; what it has seen stays on the disk. */
const known = new WeakMap<ReplayResult, Observations>();

function observed(result: ReplayResult, isNot: boolean): Observations {
  if (typeof result !== 'object' || result === null || typeof result.journal !== 'string')
    throw new ReplayError(
      'REPLAY_USAGE',
      `expect(…)${isNot ? '.not' : ''}: this is no result of a replay`,
      undefined,
      'For example: expect(await replay("checkout")).toHaveTrace(…)',
    );
  const seen = known.get(result) ?? observationsOf(result.journal);
  known.set(result, seen);
  return seen;
}

/** A name that nobody has would make every `not` true. */
function checkSession({ begin }: Observations, session: string | undefined): void {
  const all = [...new Set(begin.recordings.flatMap(({ sessions }) => sessions.map(({ id }) => id)))];
  if (typeof session === 'string' && !all.includes(session))
    throw new ReplayError('REPLAY_SESSION_NOT_FOUND', `no recording of this replay has a session ${session}`, undefined, `Sessions: ${all.join(', ')}`);
}

const cannot = (why: string, advice?: string): ReplayError => new ReplayError('REPLAY_NOT_OBSERVED', why, undefined, advice);
const notKept = ({ begin: { copies } }: Observations): ReplayError => cannot(`of ${copies} copies the values of traces that passed are not kept`);

function* changesOf(seen: Observations): Generator<{ id: string; change: Json }> {
  for (const { id, changes, complete } of seen.traces()) {
    if (!complete) throw notKept(seen);
    for (const change of changes) yield { id, change };
  }
}

/** In how many letters the name of an event is another one. */
const unlike = (event: Json | undefined, wanted: string | undefined): number =>
  typeof event === 'string' && typeof wanted === 'string' ? leven(event, wanted) : 100;

/** 0: the same operation on the same table. */
function distance(wanted: ChangeWanted, change: Json): number {
  const { insert, update, delete: gone } = wanted;
  if (mismatches({ insert, update, delete: gone }, change).length === 0) return 0;
  const table = insert ?? update ?? gone;
  return (['insert', 'update', 'delete'] as const).some((op) => mismatches({ [op]: table }, change).length === 0) ? 1 : 2;
}

/** The whole row before would push what was changed out of the line. */
function withoutWas(change: Json): Json {
  if (!isJsonObject(change)) return change;
  const { was: _, ...rest } = change;
  return rest;
}

interface Candidate {
  /** what it is, for people */
  words: () => string;
  /** what of it is not wanted; nothing: it fits */
  differs: (() => string)[];
  /** it has less and less to do with what is wanted */
  far?: number;
}

interface Found {
  count: number;
  verdict(isNot: boolean, words: string, what: string, more?: string): Verdict;
}

function search<T>(all: Iterable<T>, look: (one: T) => Candidate): Found {
  const fitting: string[] = [];
  const near = nearest<Candidate>(({ far = 0, differs }) => far * 1000 + differs.length);
  let count = 0;
  let total = 0;
  for (const one of all) {
    total++;
    const candidate = look(one);
    if (candidate.differs.length > 0) near.add(candidate);
    else if (count++ < LISTED) fitting.push(candidate.words());
  }
  return {
    count,
    verdict: (isNot, words, what, more = '') => ({
      pass: count > 0,
      message() {
        const list =
          count > 0
            ? fitting
            : close(near.items).map((candidate) => [candidate.words(), ...candidate.differs.slice(0, LISTED).map((say) => `    ${say()}`)].join('\n  '));
        const said = count > 0 ? `${count} of ${total} ${what} fit:` : total === 0 ? `There are no ${what}.` : `None of ${total} ${what} fits. The nearest:`;
        return `${head(isNot, words)}\n\n${said}${list.map((line) => `\n  ${visibleLines(line)}`).join('')}${more}`;
      },
    }),
  };
}

/** What has much less to do with it than the nearest only distracts. */
const close = (items: Candidate[]): Candidate[] => items.filter(({ far = 0 }) => far <= (items[0]?.far ?? 0) + 1);

/** The few smallest. */
function nearest<T>(size: (item: T) => number): { items: T[]; add(item: T): void } {
  const sized: { item: T; size: number }[] = [];
  return {
    get items() {
      return sized.map(({ item }) => item);
    },
    add(item) {
      const own = size(item);
      const at = sized.findIndex((other) => own < other.size);
      if (at < 0 && sized.length >= LISTED) return;
      sized.splice(at < 0 ? sized.length : at, 0, { item, size: own });
      sized.length = Math.min(sized.length, LISTED);
    },
  };
}
