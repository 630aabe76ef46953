/**
 * Whether an acknowledgement says yes or no. `{success}` and `{ok}` are known always; status codes and `(err, result)` where the
 * recording has them, because elsewhere they may mean anything. Pure.
 */
import type { Recording } from './schema.js';
import { isObject, mapValue, Tagged, type Value, type ValueObject } from './values.js';

export const conventions = ['success', 'ok', 'error-first', 'status'] as const;
export type Convention = (typeof conventions)[number];

/** A function of the user's: true or nothing is yes; false is no, and so is a text, which says why. */
export type OwnConvention = (...ack: unknown[]) => boolean | string | undefined | null;

/** An acknowledgement that says no: where it does, and why. */
interface Refusal {
  path: string;
  value: Value;
  message: string;
}

/** undefined: it does not say no. */
export type Success = (ack: readonly Value[]) => Refusal | undefined;

/** `chosen` undefined: learnt from the recording. */
export function successOf(recording: Recording, chosen?: Convention | OwnConvention): Success {
  if (typeof chosen === 'function') return ownSuccess(chosen);
  const asked = chosen === undefined ? learntFrom(recording) : [chosen];
  return (ack) => {
    for (const convention of asked) {
      const refusal = refusals[convention](ack);
      if (refusal) return refusal;
    }
    return undefined;
  };
}

function learntFrom({ sessions }: Recording): Convention[] {
  const acks = sessions.flatMap(({ traces }) => traces.flatMap(({ ack }) => (Array.isArray(ack) ? [ack] : [])));
  const statuses = acks.some((ack) => statusIn(ack[0]) !== undefined);
  const errors = acks.some((ack) => ack[0] === null && ack.length > 1);
  return ['success', 'ok', ...(statuses ? ['status' as const] : []), ...(errors ? ['error-first' as const] : [])];
}

const refusals: Record<Convention, Success> = {
  success: ([first]) => flag(first, 'success'),
  ok: ([first]) => flag(first, 'ok'),
  status([first]) {
    const found = statusIn(first);
    return found && found.value >= 400 ? { path: `ack[0].${found.key}`, value: found.value, message: messageIn(first) ?? String(found.value) } : undefined;
  },
  'error-first'([first]) {
    if (first === null || first === undefined || first === false || first === '') return undefined;
    return { path: 'ack[0]', value: first, message: typeof first === 'string' ? first : (messageIn(first) ?? 'refused without a message') };
  },
};

function flag(first: Value | undefined, key: 'success' | 'ok'): Refusal | undefined {
  if (!isObject(first) || first[key] !== false) return undefined;
  return { path: `ack[0].${key}`, value: false, message: messageIn(first) ?? 'refused without a message' };
}

/** A status code of HTTP. */
function statusIn(first: Value | undefined): { key: string; value: number } | undefined {
  if (!isObject(first)) return undefined;
  const key = ['status', 'statusCode', 'code'].find((name) => isStatus(first[name]));
  return key === undefined ? undefined : { key, value: first[key] as number };
}

const isStatus = (value: Value | undefined): boolean => typeof value === 'number' && Number.isInteger(value) && value >= 100 && value < 600;

function messageIn(first: Value | undefined): string | undefined {
  if (!isObject(first)) return undefined;
  const { message, msg, error } = first;
  return [message, msg, error].find((text) => typeof text === 'string') as string | undefined;
}

function ownSuccess(ask: OwnConvention): Success {
  return (ack) => {
    // What stands for a value that varies, the function need not know.
    const plain = mapValue([...ack], (node) => (node instanceof Tagged ? null : undefined)) as Value[];
    const answer = ask(...plain);
    if (answer !== false && typeof answer !== 'string') return undefined;
    return { path: 'ack', value: [...ack], message: typeof answer === 'string' ? answer : (messageIn(ack[0] as ValueObject) ?? 'refused without a message') };
  };
}
