/** Which acknowledgements say no, by what the recording knows or the configuration says. */
import { describe, expect, test } from 'vitest';
import type { Recording } from '../../src/recording/schema.js';
import { type Convention, successOf } from '../../src/recording/success.js';
import { any, type Value } from '../../src/recording/values.js';

const recorded = (...acks: Value[][]): Recording => ({
  version: 1,
  name: 'r',
  status: 'finished',
  sessions: [{ id: 'alice', traces: acks.map((ack) => ({ emit: 'go', ack })) }],
});
const nothing = recorded();

describe('learnt', () => {
  test.each<[string, Recording, Value[], string | undefined]>([
    ['success: false', nothing, [{ success: false, message: 'taken' }], 'ack[0].success: taken'],
    ['ok: false', nothing, [{ ok: false }], 'ack[0].ok: refused without a message'],
    ['yes', nothing, [{ success: true }], undefined],
    ['data', nothing, [{ success: 0 }], undefined],
    ['nothing', nothing, [], undefined],
    ['a status, where one is recorded', recorded([{ status: 200 }]), [{ status: 409, error: 'taken' }], 'ack[0].status: taken'],
    ['a code, where one is recorded', recorded([{ code: 201 }]), [{ code: 500 }], 'ack[0].code: 500'],
    ['a status that is fine', recorded([{ status: 200 }]), [{ status: 204 }], undefined],
    ['a number that may mean anything', nothing, [{ status: 409 }], undefined],
    ['an error first, where none was', recorded([null, { id: 1 }]), [{ message: 'taken' }], 'ack[0]: taken'],
    ['an error as a text', recorded([null, 1]), ['taken'], 'ack[0]: taken'],
    ['a result alone', recorded([{ id: 1 }]), ['taken'], undefined],
  ])('%s', (_, recording, ack, expected) => {
    const found = successOf(recording)(ack);
    expect(found && `${found.path}: ${found.message}`).toBe(expected);
  });
});

describe('chosen', () => {
  test.each<[Convention, Value[], boolean]>([
    ['success', [{ ok: false }], false],
    ['ok', [{ ok: false }], true],
    ['error-first', [{ message: 'no' }], true],
    ['error-first', [null, 1], false],
    ['status', [{ statusCode: 403 }], true],
    ['status', [{ success: false }], false],
  ])('%s of %j', (convention, ack, refused) => expect(successOf(nothing, convention)(ack) !== undefined).toBe(refused));

  test('a function, which sees null for what varies', () => {
    const seen: unknown[] = [];
    const success = successOf(nothing, (...ack) => {
      seen.push(ack);
      return ack[0] === 'DONE' || `said ${String(ack[0])}`;
    });
    expect(success(['DONE', any('string')])).toBeUndefined();
    expect(success(['BUSY'])).toMatchObject({ path: 'ack', message: 'said BUSY' });
    expect(seen).toEqual([['DONE', null], ['BUSY']]);
    expect(successOf(nothing, () => undefined)([1])).toBeUndefined();
    expect(successOf(nothing, () => false)([1])).toMatchObject({ message: 'refused without a message' });
  });
});
