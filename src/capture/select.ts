/** Which connections are captured: by choice, by rule, and whether later ones are. Pure. */
import { ReplayError } from '../errors.js';
import { globPattern } from '../recording/glob.js';
import { field, isObject, type Value } from '../recording/values.js';
import type { SourceSocket } from './source.js';

/** What a connection must have: `user`, `namespace`, `transport`, or a value of its handshake, as a glob. */
export interface Rule {
  field: string;
  pattern: RegExp;
}

export interface Selection {
  /** of the connections that are there: these socket ids, or all */
  present: 'all' | ReadonlySet<string>;
  rules: readonly Rule[];
  /** whether connections that are made later are captured too */
  later: boolean;
}

export function parseRules(texts: readonly string[]): Rule[] {
  return texts.map((text) => {
    const split = text.indexOf('=');
    const name = text.slice(0, split);
    if (split < 1 || !/^(user|namespace|transport|address|(auth|query)(\.[^.]+)+)$/.test(name))
      throw new ReplayError(
        'REPLAY_USAGE',
        `--where ${text} is no rule`,
        undefined,
        'Write user=GLOB, namespace=GLOB, transport=GLOB, address=GLOB, auth.KEY=GLOB or query.KEY=GLOB.',
      );
    return { field: name, pattern: globPattern(text.slice(split + 1)) };
  });
}

/** All rules hold, and the connection was chosen or is a later one that is wanted. */
export function selects({ present, rules, later }: Selection, socket: SourceSocket, isLater: boolean): boolean {
  if (isLater ? !later : present !== 'all' && !present.has(socket.sid)) return false;
  return rules.every((rule) => matches(rule, socket));
}

function matches({ field: name, pattern }: Rule, socket: SourceSocket): boolean {
  const [root, ...path] = name.split('.');
  if (path.length === 0) return pattern.test(String(socket[name as 'user' | 'namespace' | 'transport' | 'address'] ?? ''));
  const found = path.reduce<Value | undefined>((value, key) => (isObject(value) ? field(value, key) : undefined), socket.handshake[root as 'auth' | 'query']);
  return (typeof found === 'string' || typeof found === 'number' || typeof found === 'boolean') && pattern.test(String(found));
}
