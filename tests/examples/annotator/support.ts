import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { io, type Socket } from 'socket.io-client';
import { type Annotator, startAnnotator } from '../../../examples/annotator/app.js';
import Database from '../../../examples/annotator/db/better-sqlite3.cjs';

export type Row = Record<string, unknown>;
export interface Ack {
  success: boolean;
  data?: Row;
  message?: string;
}

/** A server of its own with a database of its own, and a look at the rows from outside. */
export interface Lab {
  url: string;
  rows(sql: string): Row[];
  cookie(name: string): Promise<string>;
  client(name: string): Promise<Client>;
  close(): Promise<void>;
}

export async function openLab(bug?: string): Promise<Lab> {
  const folder = mkdtempSync(join(tmpdir(), 'annotator-'));
  const db = join(folder, 'test.db');
  const annotator: Annotator = await startAnnotator({ port: 0, db, bug });
  const reader = new Database(db, { readonly: true });
  const clients: Client[] = [];
  const cookie = async (name: string): Promise<string> => {
    const response = await fetch(`${annotator.url}/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username: name, password: `${name}-pw` }),
    });
    return (response.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  };
  return {
    url: annotator.url,
    rows: (sql) => reader.prepare<[], Row>(sql).all(),
    cookie,
    async client(name) {
      const client = await Client.connect(annotator.url, await cookie(name));
      clients.push(client);
      return client;
    },
    async close() {
      for (const client of clients) client.socket.disconnect();
      reader.close();
      await annotator.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** One socket; remembers every push, so that a test can wait for one that came already. */
export class Client {
  readonly pushes: Array<{ event: string; payload: unknown }> = [];
  private wake: () => void = () => undefined;

  private constructor(readonly socket: Socket) {
    socket.onAny((event: string, payload: unknown) => {
      this.pushes.push({ event, payload });
      this.wake();
    });
  }

  static async connect(url: string, cookie: string): Promise<Client> {
    const socket = io(url, { extraHeaders: { cookie }, transports: ['websocket'], reconnection: false, forceNew: true });
    const client = new Client(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect_error', reject);
      socket.once('ready', () => resolve());
    });
    return client;
  }

  send(event: string, payload: unknown, timeout = 2000): Promise<Ack> {
    return this.socket.timeout(timeout).emitWithAck(event, payload) as Promise<Ack>;
  }

  /** Rows of all pushes of this event so far. */
  got(event: string): Row[] {
    return this.pushes.filter((push) => push.event === event).flatMap((push) => push.payload as Row[]);
  }

  /** The first row of this event that fits. */
  async row(event: string, fits: (row: Row) => boolean = () => true): Promise<Row> {
    for (;;) {
      const found = this.got(event).find(fits);
      if (found) return found;
      await new Promise<void>((resolve, reject) => {
        const late = setTimeout(() => reject(new Error(`no ${event} came`)), 2000);
        this.wake = () => {
          clearTimeout(late);
          resolve();
        };
      });
    }
  }

  /** Opens document 1, annotates it, and gives the pushed row. */
  async annotate(text = 'a first remark'): Promise<Row> {
    await this.send('documentOpen', { documentId: 1 });
    await this.send('annotationUpdate', { documentId: 1, text, start: 0, end: 7 });
    return this.row('annotationRefresh', (row) => row.text === text);
  }
}

/** Until it holds; for what happens after the ack. */
export async function until(holds: () => boolean): Promise<void> {
  const end = Date.now() + 2000;
  while (!holds()) {
    if (Date.now() > end) throw new Error('it never became true');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
