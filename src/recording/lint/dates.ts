/** Dates that a client sends as they were recorded: those of the future will be past one day, those of the recent past may have been future then. */
import { timeOf } from '../kinds.js';
import type { Value } from '../values.js';
import type { Finding, Subject } from './rules.js';

const DAY = 86_400_000;
const YEAR = 365.25 * DAY;
/** A date so far away stands for "never". */
const FAR = 20 * YEAR;
/** Numbers are times only under keys that say so. */
const timeKey =
  /(?:^|[^\p{L}])(?:at|on|time|date|day|timestamp|ts|when|until|till|since|from|to|start|end|due|deadline|expires|expiry|expiration|begin|created|updated)$/iu;

export function dates({ places, now }: Subject): Finding[] {
  // A time that the server has told is one of the seed, and is compared as it stands.
  const told = new Set<Value>(places.filter(({ sent, value }) => !sent && timeOf(value) !== undefined).map(({ value }) => value));
  return places.flatMap(({ sent, value, path, key }): Finding[] => {
    const time = sent ? timeOf(value) : undefined;
    if (time === undefined || told.has(value)) return [];
    const isNumber = typeof value === 'number';
    if (isNumber && !timeKey.test(key.replace(/(\p{Ll})(\p{Lu})/gu, '$1 $2'))) return [];
    const shown = isNumber ? `${value} (${new Date(time).toISOString()})` : String(value);
    if (time > now && time - now < FAR) return [{ rule: 'expiring-date', path, what: `the client sends ${shown}, which will be past in ${days(time - now)}` }];
    // A bare date that is long past is a value like any other, such as a birthday.
    const exact = isNumber || String(value).length >= 16;
    if (time <= now && now - time < (exact ? 10 * YEAR : YEAR))
      return [{ rule: 'past-date', path, what: `the client sends ${shown}, which was ${days(now - time)} ago` }];
    return [];
  });
}

const days = (span: number): string => {
  const count = Math.floor(span / DAY);
  return count === 0 ? 'less than a day' : count === 1 ? '1 day' : count < 730 ? `${count} days` : `${Math.floor(span / YEAR)} years`;
};
