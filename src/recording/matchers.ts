/** The tags of expectations that say how a value may vary. Names, and tags that hold values, are compared in compare.ts. */
import { isA, isUuid, timeOf } from './kinds.js';
import type { TagBody, Value } from './values.js';

/** What is wrong with a value that a matcher should accept; `type`: it is not even of the kind. `before` is what `!delta` is measured from. */
export function mismatch(body: TagBody, actual: Value, now: number, before: Value | undefined): { note: string; type: boolean } | undefined {
  const text = typeof actual === 'string';
  const scalar = text || typeof actual === 'number';
  switch (body.tag) {
    case 'secret':
      return scalar ? undefined : { note: 'a secret is a text or a number', type: true };
    case 'uuid':
      return isUuid(actual) ? undefined : { note: 'not a uuid', type: !text };
    case 'now':
      return timeOf(actual) === undefined ? { note: 'not a time', type: !scalar } : undefined;
    case 'any':
      return isA(actual, body.type) ? undefined : { note: `not of the type ${body.type}`, type: true };
    case 'timestamp': {
      const time = timeOf(actual);
      return time !== undefined && Math.abs(time - now) <= body.within ? undefined : { note: `not within ${body.within} ms of the observation`, type: !scalar };
    }
    case 'regex':
      return text && new RegExp(body.source).test(actual) ? undefined : { note: 'does not match', type: !text };
    case 'delta': {
      if (typeof actual !== 'number' || typeof before !== 'number') return { note: 'not a number before and after', type: true };
      const delta = Math.round((actual - before) * 1e9) / 1e9;
      return delta === body.n ? undefined : { note: `changed by ${delta} (from ${before} to ${actual}), recorded ${body.n}`, type: false };
    }
    default:
      return undefined;
  }
}
