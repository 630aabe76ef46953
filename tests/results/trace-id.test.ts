import { describe, expect, it } from 'vitest';
import { formatTraceId, parseTraceId } from '../../src/results/trace-id.js';
import fc from '../fast-check.js';

const word = fc.stringMatching(/^[A-Za-z0-9][\w.-]{0,12}$/);
const id = fc
  .record({ recording: word, session: word, trace: fc.nat(20_000), iteration: fc.nat(1000), copy: fc.nat(999) })
  .map((made) => (made.iteration === 0 ? { ...made, copy: 0 } : made));

describe('the id of a trace', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(id, (one) => {
        expect(parseTraceId(formatTraceId(one))).toEqual(one);
      }),
    );
  });

  it('is different for different traces', () => {
    fc.assert(
      fc.property(id, id, (a, b) => {
        expect(formatTraceId(a) === formatTraceId(b)).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
    );
  });

  it('looks like this', () => {
    expect(formatTraceId({ recording: 'annotate-together', session: 'alice', trace: 2, iteration: 0, copy: 0 })).toBe('annotate-together/alice/2');
    expect(formatTraceId({ recording: 'annotate-together', session: 'alice', trace: 2, iteration: 3, copy: 1 })).toBe('annotate-together/alice/2@3.1');
  });

  it.each(['', 'alice/2', 'a/b/', 'a/b/-1', 'a/b/02', 'a/b/1.5', 'a/b/2@3', 'a/b/2@0.0', 'a/b/2@3.x', 'a/b/2@3.1 ', '../b/2', 'a/b/c/2', 'a/b/2\n'])(
    '%j is none',
    (text) => {
      expect(parseTraceId(text)).toBeUndefined();
    },
  );
});
