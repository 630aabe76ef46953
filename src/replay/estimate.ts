/** How long one copy of a recording takes, if the application answers as fast as when it was recorded. Pure. */
import type { Recording } from '../recording/schema.js';
import { type OrderMode, orderOf } from './order.js';
import { dueTimes } from './pace.js';

/** Milliseconds along the critical order: each trace starts when law 4 lets it, and lasts as long as it did. `speed` 0: no gaps. */
export function estimatedTime(recording: Recording, mode: OrderMode, speed: number, maxGapMs?: number): number {
  const { places, groups } = orderOf(recording, mode);
  const starts = places.flatMap((own) => own.flatMap((place) => (place ? [place.start] : [])));
  const due = dueTimes(starts, { speed, maxGapMs });
  // `until[n]`: when the first n ends of the group have come.
  const states = groups.map((size) => ({ ends: new Array<number | undefined>(size), until: [0] }));
  const sessions = recording.sessions.map(() => ({ next: 0, now: 0, answered: [] as number[] }));
  let last = 0;
  const advance = (s: number): boolean => {
    const session = recording.sessions[s];
    const state = sessions[s];
    const trace = state?.next ?? 0;
    if (!session || !state || trace >= session.traces.length) return false;
    const place = places[s]?.[trace];
    const group = place && states[place.group];
    if (!place || !group) {
      state.next++;
      return true;
    }
    const ready = group.until[place.after];
    if (ready === undefined) return false;
    const [, took = 0, answered = took] = session.times?.[trace] ?? [];
    const answers = place.answers.map((before) => state.answered[before] ?? 0);
    const start = Math.max(state.now, ready, ...answers, due.get(place.start) ?? 0);
    state.next++;
    state.now = start;
    state.answered[trace] = start + answered;
    group.ends[place.end] = start + took;
    for (let end = group.ends[group.until.length - 1]; end !== undefined; end = group.ends[group.until.length - 1])
      group.until.push(Math.max(end, group.until.at(-1) ?? 0));
    last = Math.max(last, start + took);
    return true;
  };
  for (let moved = true; moved; ) {
    moved = false;
    for (let s = 0; s < sessions.length; s++) while (advance(s)) moved = true;
  }
  return last;
}
