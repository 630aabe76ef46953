/**
 * When the traces of a recording are due: the recorded starts, its long pauses cut, divided by the speed. Pure, and absolute: a trace
 * that comes late moves none of those behind it.
 */

export interface Pace {
  /** 0: no gaps at all; 1: as recorded; 2: twice as fast */
  speed: number;
  /** a longer recorded pause is cut to this, before the speed; undefined: none is */
  maxGapMs?: number | undefined;
}

/** Milliseconds after the common start at which a copy begins. Evenly, so that the load of a spread start is the same from its middle on. */
export const startOf = (copy: number, copies: number, spreadMs = 0): number => (copy * spreadMs) / copies;

/**
 * By recorded start, milliseconds after the common start of all clients. Later starts are never due earlier. A pause is the time
 * from one start to the next of whatever session: while another session works there is none, so the offsets between sessions stay.
 */
export function dueTimes(starts: readonly number[], { speed, maxGapMs = Number.POSITIVE_INFINITY }: Pace): ReadonlyMap<number, number> {
  const due = new Map<number, number>();
  let before = 0;
  let cut = 0;
  for (const start of starts.toSorted((a, b) => a - b)) {
    cut += Math.max(0, start - before - maxGapMs);
    before = start;
    // What is cut is summed up, not the rest: so nothing is rounded again and again.
    due.set(start, speed === 0 ? 0 : Math.max(0, start - cut) / speed);
  }
  return due;
}
