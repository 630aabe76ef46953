import type { Db } from './db/open.js';

interface Counted {
  userId: number;
  clicks: number;
  keys: number;
}

/** Adds up what a socket reports and writes one row when it goes. */
export class StatisticBuffer {
  private readonly bySocket = new Map<string, Counted>();

  constructor(private readonly db: Db) {}

  add(socketId: string, userId: number, clicks: number, keys: number): void {
    const counted = this.bySocket.get(socketId) ?? { userId, clicks: 0, keys: 0 };
    counted.clicks += clicks;
    counted.keys += keys;
    this.bySocket.set(socketId, counted);
  }

  save(socketId: string): void {
    const counted = this.bySocket.get(socketId);
    if (!counted) return;
    this.bySocket.delete(socketId);
    this.db
      .prepare('INSERT INTO statistic (userId, clicks, keys, savedAt) VALUES (?, ?, ?, ?)')
      .run(counted.userId, counted.clicks, counted.keys, new Date().toISOString());
  }

  clear(): void {
    this.bySocket.clear();
  }
}
