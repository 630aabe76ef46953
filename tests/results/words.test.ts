import { describe, expect, it } from 'vitest';
import { idOf, playwrightCommand, rerunCommand } from '../../src/results/command.js';
import { differenceWords, failureWords } from '../../src/results/headline.js';
import { percentile, summarize } from '../../src/results/latency.js';
import type { Difference, Failure } from '../../src/results/schema.js';
import { formatValue, milliseconds, quote, visible } from '../../src/results/text.js';
import { codePoint } from '../code-point.js';
import fc from '../fast-check.js';

const words = (path: string, kind: Difference['class'], expected?: Difference['expected'], actual?: Difference['actual']): string =>
  differenceWords({ path, class: kind, part: 'change', ...(expected !== undefined && { expected }), ...(actual !== undefined && { actual }) });

describe('differences in words', () => {
  it.each([
    ['pushes.alice.commentRefresh', 'removed', [[]], undefined, 'the push commentRefresh to alice is missing'],
    ['pushes.carol.refresh', 'added', undefined, [[]], 'carol received the push refresh, which was not recorded'],
    ['changes.annotation.insert.end', 'type', 17, null, 'column annotation.end is null, recorded 17'],
    ['pushes.tab.2["list:changed"]#2', 'removed', [[]], undefined, 'the push list:changed to tab.2 is missing'],
    ['pushes.bob.refresh#2[0].text', 'value', 'a', 'b', 'push refresh to bob: [0].text is "b", recorded "a"'],
    ['changes.document.update#3.rev', 'value', 1, 2, 'column document.rev is 2, recorded 1'],
    ['changes["my table"].delete#2', 'removed', {}, undefined, 'the delete from my table is missing'],
    ['changes.annotation.insert', 'removed', {}, undefined, 'the insert into annotation is missing'],
    ['changes.comment.delete', 'added', undefined, {}, 'a delete from comment was not recorded'],
    ['changes.document.update', 'added', undefined, {}, 'an update of document was not recorded'],
    ['ack', 'removed', [], undefined, 'the acknowledgement is missing'],
    ['ack[0].id', 'value', { '!id': { name: 'a1' } }, 5, 'ack[0].id is 5, recorded !id a1'],
    ['ack[0].id', 'type', 1, '1', 'ack[0].id is "1" (string), recorded 1 (number)'],
    ['ack[0].id', 'removed', 1, undefined, 'ack[0].id is missing, recorded 1'],
    ['ack[0].x', 'added', undefined, false, 'ack[0].x is new: false'],
    ['pushes.bob.refresh[0][0].text', 'value', 'a', 'b', 'push refresh to bob: [0][0].text is "b", recorded "a"'],
  ] as const)('%s %s', (path, kind, expected, actual, text) => {
    expect(words(path, kind, expected as Difference['expected'], actual as Difference['actual'])).toBe(text);
  });

  it('says what an outcome without differences means', () => {
    expect(failureWords({ outcome: 'timeout' }, 2000)).toBe('was not acknowledged within 2000 ms');
    expect(failureWords({ outcome: 'timeout', difference: { path: 'ack', class: 'removed', part: 'ack' } }, 2000)).toBe('was not acknowledged within 2000 ms');
    expect(failureWords({ outcome: 'connect-failed', reason: 'no\u001b[31m' })).toBe('could not connect: no\\u001b[31m');
  });
});

describe('values', () => {
  it('stand as in YAML', () => {
    expect(formatValue({ id: { '!id': { name: 'a1' } }, 'a b': [1, null, { '!any': { type: 'uuid' } }] })).toBe('{ id: !id a1, "a b": [1, null, !any uuid] }');
    expect(formatValue({ '!': { '!id': 'not a tag' } })).toBe('{ "!id": "not a tag" }');
    expect(formatValue({ '!some': { items: [1] } })).toBe('!some [1]');
    expect(formatValue({ '!text': { template: '/l/${a}' } })).toBe('!text "/l/${a}"');
    expect(formatValue({ '!timestamp': { within: 5000 } })).toBe('!timestamp ±5 s');
    expect(formatValue({ '!binary': 'AAEC' })).toBe('!!binary (3 bytes)');
    expect(formatValue({ '!ignore': {} })).toBe('!ignore');
  });

  it('never carry a character that cannot be seen', () => {
    expect(quote('a\u202eb\u0000\u200b\n')).toBe('"a\\u202eb\\u0000\\u200b\\n"');
    expect(visible('שלום ok é 😀')).toBe('שלום ok é 😀');
    fc.assert(
      fc.property(
        fc.string({ unit: codePoint }),
        (text) => !/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]|\p{Surrogate}/u.test(visible(text)),
      ),
    );
  });

  it('says durations as people do', () => {
    expect([0.44, 12.3, 1530, 12_340, 125_000, 3_720_000].map(milliseconds)).toEqual(['0.4 ms', '12 ms', '1.53 s', '12.3 s', '2 min 05 s', '1 h 02 min']);
  });
});

describe('percentiles', () => {
  it('are values that were measured: sorted[min(n - 1, floor(fraction x n))]', () => {
    expect(percentile([], 0.5)).toBeNull();
    expect(percentile([7], 0.95)).toBe(7);
    expect(percentile([1, 2, 3, 4], 0.5)).toBe(3);
    expect(percentile([10, 20, 30, 40, 50], 0.95)).toBe(50);
    expect(
      percentile(
        Array.from({ length: 100 }, (_, i) => i + 1),
        0.95,
      ),
    ).toBe(96);
    expect(percentile([1, 2], 1)).toBe(2);
    expect(summarize([3, 1, 2])).toEqual({ count: 3, p50: 2, p95: 3, max: 3 });
    expect(summarize([])).toEqual({ count: 0, p50: null, p95: null, max: null });
  });

  it('lie between the smallest and the largest, and grow with the fraction', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (list, a, b) => {
          const sorted = list.toSorted((x, y) => x - y);
          const [low, high] = [percentile(sorted, Math.min(a, b)) ?? -1, percentile(sorted, Math.max(a, b)) ?? -1];
          return low <= high && low >= (sorted[0] ?? 0) - 0.01 && high <= (sorted.at(-1) ?? 0) + 0.01;
        },
      ),
    );
  });
});

describe('commands', () => {
  const test = (title: string, kind: 'regression' | 'iteration') => ({
    kind,
    test: { title, project: kind === 'iteration' ? 'iteration-3' : 'regression', file: 'a.ts', line: 1 },
  });
  it('name one trace, in an iteration with its copy', () => {
    const failure = { recording: 'annotate-together', session: 'alice', trace: 2 } as Failure;
    const of = (iteration: number, copy: number): string => rerunCommand(idOf({ ...failure, first: { project: 'any', iteration, copy } }));
    expect([of(0, 0), of(3, 1)]).toEqual(['npx socket-replay rerun annotate-together/alice/2', 'npx socket-replay rerun annotate-together/alice/2@3.1']);
  });

  it('name one regression test, and an iteration by its project', () => {
    expect(playwrightCommand(test('annotate-together', 'regression'), 'annotate-together')).toBe(
      'npx playwright test --project=regression -g "annotate-together"',
    );
    expect(playwrightCommand(test('iteration 3', 'iteration'), 'annotate-together')).toBe('npx playwright test --project=iteration-3');
    expect(playwrightCommand(test("a (b) $(rm) 'x'", 'regression'))).toBe("npx playwright test --project=regression -g 'a \\(b\\) \\$\\(rm\\) '\\''x'\\'''");
  });
});
