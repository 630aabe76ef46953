import type { DefaultEventsMap, Server, Socket } from 'socket.io';
import type { ActivityLog } from './activity.js';
import type { Bugs } from './bugs.js';
import type { Db } from './db/open.js';
import type { Epoch } from './epoch.js';
import type { Push } from './push.js';
import type { StatisticBuffer } from './statistics.js';
import type { WordClient } from './wordclient.js';

export interface User {
  id: number;
  name: string;
}

/** Read from the session once, at the handshake: a later logout does not change it. */
interface SocketData {
  user: User;
  admin: boolean;
}

export type AppServer = Server<DefaultEventsMap, DefaultEventsMap, DefaultEventsMap, SocketData>;
export type AppSocket = Socket<DefaultEventsMap, DefaultEventsMap, DefaultEventsMap, SocketData>;

/** What every handler may use. */
export interface Context {
  io: AppServer;
  db: Db;
  bugs: Bugs;
  words: WordClient;
  push: Push;
  activity: ActivityLog;
  statistics: StatisticBuffer;
  epoch: Epoch;
}
