/** One database driver under bench/attribution.ts: one file a driver, with this as its default export. */
export interface Subject {
  /** Databases that each know one open transaction at a time; the transactions of different ones overlap. */
  open(directory: string): Promise<Connection[]>;
}

export interface Connection {
  run(sql: string, ...params: unknown[]): Promise<unknown>;
}
