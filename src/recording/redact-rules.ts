/** What the user says is secret: names of keys (`pin`), and places in events (`login:args[0].pin`, `table:users:row.phone`). */
import { ReplayError } from '../errors.js';
import { globPattern } from './glob.js';
import { ruleWord } from './secret-shapes.js';

/** A place that is secret; `matches` is of the event's name, `table:NAME` for rows, `METHOD PATH` for HTTP. */
interface Rule {
  matches(event: string): boolean;
  /** from the part of the event on; `*`: any */
  path: readonly string[];
  word: string;
}

export interface Rules {
  keys: readonly string[];
  places: readonly Rule[];
}

const place = /^(.+):((?:args|ack|answer|auth|query|headers|body|row)(?:\.[^.[\]]+|\[(?:\d+|\*)\])*)$/s;

/** The stores of express-session (Sequelize, PostgreSQL, SQLite) keep the id that a cookie proves in a column `sid`, as plain text. */
const SESSION_STORES = 'table:*ession*:row.sid';

export function parseRules(texts: readonly string[]): Rules {
  const keys: string[] = [];
  const places: Rule[] = [];
  for (const text of [SESSION_STORES, ...texts]) {
    const match = place.exec(text);
    if (match) places.push(ruleOf(match[1] ?? '', match[2] ?? ''));
    else if (/[:[\]*]/.test(text))
      throw new ReplayError(
        'REPLAY_USAGE',
        `--redact ${text} is neither a key nor a place`,
        undefined,
        "Write a key (pin), or EVENT:PATH with a path that begins with args, ack, answer, auth, query, headers, body or row: 'login:args[0].pin'.",
      );
    else keys.push(text);
  }
  return { keys, places };
}

function ruleOf(event: string, path: string): Rule {
  const pattern = globPattern(event);
  const segments = path.split(/[.[\]]+/).filter((part) => part !== '');
  const last = segments.findLast((part) => !/^(?:\d+|\*)$/.test(part)) ?? '';
  return { matches: (name) => pattern.test(name), path: segments, word: segments.length === 1 || last === segments[0] ? 'secret' : ruleWord(last) };
}

/** The rules that hold for the parts of one event, one step further at each key or position. */
export type Cursor = readonly { rule: Rule; at: number }[];

export const cursorAt = ({ places }: Rules, event: string | undefined, part: string): Cursor =>
  event === undefined || places.length === 0
    ? []
    : step(
        places.filter((rule) => rule.matches(event)).map((rule) => ({ rule, at: 0 })),
        part,
      );

export const step = (cursor: Cursor, key: string | number): Cursor =>
  cursor.length === 0
    ? cursor
    : cursor
        .filter(({ rule, at }) => at < rule.path.length && (rule.path[at] === '*' || rule.path[at] === String(key)))
        .map(({ rule, at }) => ({ rule, at: at + 1 }));

/** The word of a rule that ends here: this, and all that is in it, is secret. */
export const ruleAt = (cursor: Cursor): string | undefined => cursor.find(({ rule, at }) => at === rule.path.length)?.rule.word;
