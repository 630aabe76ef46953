/** What a capture knows beside the values: how the database declares its tables, and when the recording began. */
export interface TableInfo {
  name: string;
  key: string[];
  columns: { name: string; type: string }[];
  foreignKeys: { column: string; table: string; references: string }[];
  /** columns that are unique alone, the key aside */
  unique: string[];
}

export interface Evidence {
  tables: TableInfo[];
  /** milliseconds since the epoch at which the recording's time 0 lies */
  startedAt: number;
  /** the socket id of each session */
  sockets: Record<string, string>;
  /** texts that the person who recorded says each copy must have for itself */
  uniques?: readonly string[];
}
