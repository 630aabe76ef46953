/** The events that a capture holds: all of them up to its limits, or, as a flight recorder, the newest. */
import { headAt } from './head.js';
import type { SourceEvent } from './source.js';

export interface Kept {
  /** what stands in front: connections that a flight recorder no longer has the beginning of */
  readonly head: readonly SourceEvent[];
  readonly events: readonly SourceEvent[];
  /** how many events are not kept: the number of event i of `head` and `events` together is `missing + i` */
  readonly missing: number;
  readonly bytes: number;
  add(event: SourceEvent, size: number): void;
  /** Throws away what is above the limits; whether there was anything. */
  cut(limits: { events: number; bytes: number }): boolean;
}

export function createKept(): Kept {
  let head: SourceEvent[] = [];
  let events: SourceEvent[] = [];
  let sizes: number[] = [];
  let first = 0;
  let bytes = 0;
  return {
    get head() {
      return head;
    },
    get events() {
      return events;
    },
    get missing() {
      return first - head.length;
    },
    get bytes() {
      return bytes;
    },
    add(event, size) {
      events.push(event);
      sizes.push(size);
      bytes += size;
    },
    cut(limits) {
      let from = Math.max(0, events.length - limits.events);
      let left = bytes - sum(sizes.slice(0, from));
      while (left > limits.bytes && from < events.length) left -= sizes[from++] ?? 0;
      if (from === 0) return false;
      head = headAt([...head, ...events], head.length + from);
      events = events.slice(from);
      sizes = sizes.slice(from);
      bytes = left;
      first += from;
      return true;
    },
  };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);
