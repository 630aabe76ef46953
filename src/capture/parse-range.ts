/** From what a person wrote to a range of a capture. Pure. */
import { ReplayError } from '../errors.js';
import { parseDuration } from './choose.js';
import type { Range } from './ranges.js';

interface RangeWords {
  since?: string;
  from?: string;
  to?: string;
  between?: readonly string[];
}

export function parseRange({ since, from, to, between }: RangeWords): Range | undefined {
  const given = [since, from ?? to, between].filter((word) => word !== undefined);
  if (given.length > 1) throw usage('--since, --from with --to, and --between exclude each other', 'Leave the others out.');
  if (since !== undefined) {
    if (!/^\d+$/.test(since)) throw usage(`--since ${since} is no number of an event`, 'Write a whole number.');
    return { since: Number(since) };
  }
  if (between !== undefined) {
    const [a, b, ...more] = between;
    if (a === undefined || b === undefined || more.length > 0) throw usage('--between takes two checkpoints', 'For example: --between cart paid');
    return { between: [a, b] };
  }
  if (from === undefined && to === undefined) return undefined;
  return { from: from === undefined ? 0 : parseDuration(from, '--from'), to: to === undefined ? Number.POSITIVE_INFINITY : parseDuration(to, '--to') };
}

const usage = (what: string, advice: string): ReplayError => new ReplayError('REPLAY_USAGE', what, undefined, advice);
