/** What the clients saw beside what the probe told: each emit, acknowledgement, push and answer exactly once, equal, with its cause. */
import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import type { Heard } from '../helper.js';
import type { Observer } from './observer.js';

export interface Counts {
  emits: number;
  acks: number;
  pushes: number;
  answers: number;
}

/** Hashes are told to who replays, arguments to who records: by the number of the push. */
export const hashesOf = (replaying: Heard): Map<number, string> => new Map(replaying.of('push').map(({ push, hash }) => [push, hash]));

/** Returns how much both saw. */
export function compare(heard: Heard, replaying: Heard, observers: readonly Observer[]): Counts {
  const counts: Counts = { emits: 0, acks: 0, pushes: 0, answers: 0 };
  const hashes = hashesOf(replaying);
  const causes = new Map(observers.flatMap(({ sid, sent }) => sent.map(({ args }, index) => [args[0], `${sid}:${index + 1}`] as const)));
  const [emits, acks, pushes, answers] = [heard.of('emit'), heard.of('ack'), heard.of('push'), heard.of('answer')];
  for (const { sid, sent, acked, received } of observers) {
    const reported = emits.filter((emit) => emit.sid === sid).map(({ n, event, args, asks }) => ({ n, event, args, asks }));
    expect(short(reported)).toEqual(short(sent.map((emit, index) => ({ n: index + 1, ...emit }))));
    const byNumber = (a: { n: number }, b: { n: number }): number => a.n - b.n;
    const answered = acks.filter((ack) => ack.sid === sid).map(({ n, args }) => ({ n, args }));
    expect(short(answered.sort(byNumber))).toEqual(short([...acked].sort(byNumber)));
    const told = pushes.flatMap(({ to, push, event, args, asks, cause }) =>
      to
        .filter((receiver) => receiver === sid)
        .map(() => {
          const answer = answers.filter((one) => one.push === push && one.sid === sid);
          expect(answer.length, `answers to ${event}`).toBeLessThan(2);
          return { event, args, asks, hash: hashes.get(push), cause, ...(answer[0] && { answer: answer[0].args }) };
        }),
    );
    const saw = received.map((push) => ({ ...push, cause: causeOf(push.event, String(push.args[0]), sid, causes) }));
    expect(short(told.map(withoutRequest))).toEqual(short(saw));
    counts.emits += sent.length;
    counts.acks += acked.length;
    counts.pushes += received.length;
    counts.answers += received.filter(({ answer }) => answer !== undefined).length;
  }
  // And nothing of anybody else: who was refused is not told of.
  expect(new Set(heard.of('connect').map(({ socket }) => socket.sid))).toEqual(new Set(observers.map(({ sid }) => sid)));
  expect(heard.of('connect')).toHaveLength(observers.length);
  expect(emits).toHaveLength(counts.emits);
  expect(acks).toHaveLength(counts.acks);
  expect(pushes.flatMap(({ to }) => to)).toHaveLength(counts.pushes);
  expect(answers).toHaveLength(counts.answers);
  return counts;
}

/** Megabytes make no readable difference. */
const short = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value), (_key, item) => (typeof item === 'string' && item.length > 1000 ? createHash('sha1').update(item).digest('hex') : item));

/** Whoever numbers requests: that it was one is what matters. */
const withoutRequest = <T extends { cause: string | null }>(push: T): T => ({ ...push, cause: push.cause?.replace(/^http:\d+$/, 'http') ?? null });

/** As behaviour.cjs tags its pushes. */
function causeOf(event: string, tag: string, sid: string, causes: ReadonlyMap<unknown, string>): string | null {
  const mark = event.endsWith('~') ? '~' : '';
  if (tag === '@none') return null;
  if (tag === '@http') return 'http';
  if (tag === '@connect') return `${sid}:0`;
  if (tag.startsWith('@gone:')) return `${tag.slice('@gone:'.length)}:x`;
  return `${causes.get(tag)}${mark}`;
}
