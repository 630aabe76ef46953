/** One reader's end of the channel: lines are collected for a moment and written together, a system call being the dearest part. */
import type { Socket } from 'node:net';
import { type Emission, lineOf, lineOfEmission, patience } from './hub.js';
import { realSetImmediate, realSetTimeout } from './timers.js';

export type Mode = 'record' | 'replay' | 'list';

const MAX_BUFFERED = 64 * 1024 * 1024;
const PIECE = 64 * 1024;
/** what a line costs besides the arguments; only the order of magnitude matters */
const LINE = 300;

export class Reader {
  private queue: (string | Emission)[] = [];
  private queued = 0;
  private lost = 0;
  private scheduled: 'no' | 'soon' | 'now' = 'no';

  constructor(
    private readonly socket: Socket,
    readonly mode: Mode,
    private readonly limit: number = MAX_BUFFERED,
  ) {
    socket.on('drain', () => this.tellLost());
  }

  push(item: string | Emission): void {
    if (this.isFull()) {
      this.lost += 1;
      return;
    }
    this.tellLost();
    this.add(item);
  }

  /** What the reader asked for and waits for: told however slow it is. */
  answer(line: string): void {
    this.tellLost(true);
    this.add(line);
    this.hurry();
  }

  private add(item: string | Emission): void {
    this.queue.push(item);
    this.queued += typeof item === 'string' ? item.length : LINE + (item.args?.length ?? 0);
    if (this.queued > PIECE) this.hurry();
    else if (this.scheduled === 'no') {
      this.scheduled = 'soon';
      realSetTimeout(() => this.flush(), patience());
    }
  }

  private hurry(): void {
    if (this.scheduled === 'now') return;
    this.scheduled = 'now';
    realSetImmediate(() => this.flush());
  }

  flush(): void {
    this.scheduled = 'no';
    if (this.queue.length === 0) return;
    const items = this.queue;
    this.queue = [];
    this.queued = 0;
    if (this.socket.destroyed) return;
    let piece = '';
    for (const item of items) {
      piece += typeof item === 'string' ? item : lineOfEmission(item, this.mode === 'record');
      if (piece.length < PIECE) continue;
      this.socket.write(piece);
      piece = '';
    }
    if (piece !== '') this.socket.write(piece);
  }

  private tellLost(evenIfFull = false): void {
    if (this.lost === 0 || (!evenIfFull && this.isFull())) return;
    const count = this.lost;
    this.lost = 0;
    this.add(lineOf({ type: 'lost', count }));
  }

  private isFull(): boolean {
    return this.queued + this.socket.writableLength > this.limit;
  }
}
