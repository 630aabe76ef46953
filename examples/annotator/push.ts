import type { AppServer, AppSocket } from './context.js';

export const documentRoom = (documentId: number): string => `document:${documentId}`;
export const tableRoom = (table: string): string => `table:${table}`;
export const userRoom = (userId: number): string => `user:${userId}`;

/** Who gets which push. Rows always travel as one list, even a single one: `annotationRefresh [[row]]`. */
export class Push {
  constructor(private readonly io: AppServer) {}

  /** Everybody who has the document open, the sender too. */
  toDocument(documentId: number, event: string, rows: unknown[]): void {
    this.io.to(documentRoom(documentId)).emit(event, rows);
  }

  /** Of those who have the document open only these users, on all of their sockets. */
  toUsersInDocument(documentId: number, userIds: number[], event: string, rows: unknown[]): void {
    for (const id of this.io.sockets.adapter.rooms.get(documentRoom(documentId)) ?? []) {
      const socket: AppSocket | undefined = this.io.sockets.sockets.get(id);
      if (socket && userIds.includes(socket.data.user.id)) socket.emit(event, rows);
    }
  }

  /** Everybody who subscribed to the table. */
  toTable(table: string, event: string, rows: unknown[]): void {
    this.io.to(tableRoom(table)).emit(event, rows);
  }

  /** All sockets of one user, wherever they are. */
  toUser(userId: number, event: string, payload: unknown): void {
    this.io.to(userRoom(userId)).emit(event, payload);
  }

  /** After a reset nobody has anything open any more; only the user's own room stays. */
  forgetSubscriptions(): void {
    for (const socket of this.io.sockets.sockets.values()) {
      for (const room of [...socket.rooms]) if (/^(document|table):/.test(room)) socket.leave(room);
    }
  }
}
