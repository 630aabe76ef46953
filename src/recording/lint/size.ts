/** Values and files that nobody can review. */
import { inMegabytes, SIZE_REFUSED, SIZE_WARNED } from '../limits.js';
import { Tagged } from '../values.js';
import type { Finding, Subject } from './rules.js';

const LARGE_VALUE = 64 * 1024;

export function sizes({ places, bytes }: Subject): Finding[] {
  const file: Finding[] =
    bytes > SIZE_REFUSED
      ? [{ rule: 'too-large', path: [], what: `${inMegabytes(bytes)}, more than ${inMegabytes(SIZE_REFUSED)}` }]
      : bytes > SIZE_WARNED
        ? [{ rule: 'large-file', path: [], what: `${inMegabytes(bytes)}, more than ${inMegabytes(SIZE_WARNED)}` }]
        : [];
  return [
    ...file,
    ...places.flatMap(({ value, path }): Finding[] => {
      const body = value instanceof Tagged && value.body.tag === 'text' ? value.body.template : value;
      const size = typeof body === 'string' ? Buffer.byteLength(body) : 0;
      return size > LARGE_VALUE ? [{ rule: 'large-value', path, what: `a text of ${Math.round(size / 1024)} KB` }] : [];
    }),
  ];
}
