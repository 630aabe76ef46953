import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Server } from 'socket.io';
import { ActivityLog } from './activity.js';
import { chooseBug } from './bugs.js';
import type { AppServer, Context } from './context.js';
import { openDatabase } from './db/open.js';
import { resetRows } from './db/seed.js';
import { Epoch } from './epoch.js';
import { buildHttp } from './http.js';
import { Push } from './push.js';
import { acceptSockets, requireLogin } from './realtime.js';
import { sessionMiddleware } from './session.js';
import { StatisticBuffer } from './statistics.js';
import { WordClient } from './wordclient.js';
import { startWordService } from './wordservice.js';

export interface AnnotatorOptions {
  /** 0 takes any free port. */
  port?: number;
  /** File of the database. */
  db?: string;
  /** One of the names in bugs.ts; an unknown one throws. */
  bug?: string | undefined;
  /** URL of a running word service; without it one is started in this process. */
  wordService?: string | undefined;
}

export interface Annotator {
  url: string;
  close(): Promise<void>;
}

const DEFAULT_DB = join(import.meta.dirname, 'data', 'annotator.db');
const MAX_MESSAGE_BYTES = 5 * 1024 * 1024;

export async function startAnnotator(options: AnnotatorOptions = {}): Promise<Annotator> {
  const bugs = chooseBug(options.bug);
  const ownService = options.wordService ? undefined : await startWordService();
  const db = openDatabase(options.db ?? DEFAULT_DB);
  const sessions = sessionMiddleware();
  // Express first: Socket.IO takes its own path away from the listeners that are there when it attaches, not from later ones.
  const httpServer = createServer(buildHttp(db, sessions, () => reset(context)));
  const io: AppServer = new Server(httpServer, { maxHttpBufferSize: MAX_MESSAGE_BYTES });
  const push = new Push(io);
  const context: Context = {
    io,
    db,
    bugs,
    push,
    words: new WordClient(options.wordService ?? ownService?.url ?? ''),
    activity: new ActivityLog(db, push, bugs),
    statistics: new StatisticBuffer(db),
    epoch: new Epoch(),
  };

  io.engine.use(sessions);
  requireLogin(io);
  acceptSockets(context);

  const closeRest = async (): Promise<void> => {
    context.activity.flush();
    // A handler still waiting for something must not touch the closed database.
    context.epoch.next();
    await ownService?.close();
    db.close();
  };

  try {
    await new Promise<void>((resolve, reject) => {
      httpServer.once('error', reject);
      httpServer.listen(options.port ?? 3300, '127.0.0.1', resolve);
    });
  } catch (error) {
    await closeRest();
    throw error;
  }

  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    // Disconnects everybody first, so that their statistics are written while the database is open.
    const closed = io.close();
    httpServer.closeAllConnections();
    await closed;
    await closeRest();
  };
  return {
    url: `http://127.0.0.1:${(httpServer.address() as AddressInfo).port}`,
    close: () => (closing ??= close()),
  };
}

/** Rows and everything remembered about them, in one go; connections and logins stay. */
function reset({ db, push, activity, statistics, epoch }: Context): void {
  epoch.next();
  activity.cancel();
  statistics.clear();
  push.forgetSubscriptions();
  resetRows(db);
}
