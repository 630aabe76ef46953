/** What the clients of bench/probe.ts do: a flow through the annotator as a person does it, and two events that cost next to nothing. */
import { io, type Socket } from 'socket.io-client';

/** One lane of load: runs its flow until `left()` says that enough acknowledged emits were sent. */
export interface Load {
  /** acknowledged emits a round */
  emits: number;
  /** A fresh state, the same in each round. Not measured. */
  prepare(url: string, clients: readonly Socket[]): Promise<void>;
  connect(url: string): Promise<Socket[]>;
  run(clients: readonly Socket[], emits: number): Promise<void>;
}

const connected = (socket: Socket, event: string): Promise<Socket> => new Promise((resolve) => socket.once(event, () => resolve(socket)));
const open = (url: string, cookie?: string): Socket => io(url, { transports: ['websocket'], forceNew: true, ...(cookie && { extraHeaders: { cookie } }) });

/** One event again and again: twenty clients with five of them under way each. */
export const trivial = (event: 'ask' | 'write'): Load => ({
  emits: 6_000,
  prepare: async () => undefined,
  connect: (url) => Promise.all(Array.from({ length: 20 }, () => connected(open(url), 'connect'))),
  async run(clients, emits) {
    let left = emits;
    const lane = async (client: Socket): Promise<void> => {
      while (left > 0) {
        left -= 1;
        await client.emitWithAck(event, { text: 'a sentence of some length', list: [1, 2, 3], at: left });
      }
    };
    await Promise.all(clients.flatMap((client) => Array.from({ length: 5 }, () => lane(client))));
  },
});

const USERS = ['alice', 'bob', 'admin'];
const TABS = 4;
const LANES = 2;
const DOCUMENTS = 3;

/** Twelve sockets of three users, four to a document; each acknowledged event of the example, mostly those that write and push. */
export const annotator: Load = {
  emits: 1_200,
  async connect(url) {
    const cookies = await Promise.all(USERS.map((user) => logIn(url, user)));
    return Promise.all(Array.from({ length: USERS.length * TABS }, (_, i) => connected(open(url, cookies[i % USERS.length]), 'ready')));
  },
  async prepare(url, clients) {
    await fetch(new URL('/reset', url), { method: 'POST' });
    for (const [i, client] of clients.entries()) {
      await ask(client, 'subscribe', { table: 'document' });
      await ask(client, 'subscribe', { table: 'tag' });
      await ask(client, 'documentOpen', { documentId: documentOf(i) });
    }
  },
  async run(clients, emits) {
    let left = emits;
    const take = (): boolean => --left >= 0;
    await Promise.all(
      clients.flatMap((client, i) =>
        Array.from({ length: LANES }, async (_, lane) => {
          for (let loop = 0; left > 0; loop += 1) await flow(client, documentOf(i), `${i}-${lane}-${loop}`, loop, take);
        }),
      ),
    );
    // What the audit writes and pushes a moment after the acknowledgement belongs to the round.
    await new Promise((resolve) => setTimeout(resolve, 150));
  },
};

const documentOf = (client: number): number => (Math.floor(client / TABS) % DOCUMENTS) + 1;

/** An annotation from its making to its end. Every tenth time round also what is rare. */
async function flow(client: Socket, documentId: number, name: string, loop: number, take: () => boolean): Promise<void> {
  const step = async (event: string, data: object): Promise<unknown> => (take() ? ask(client, event, data) : undefined);
  const rare = loop % 10 === 0;
  if (rare) {
    await step('documentList', {});
    await step('documentOpen', { documentId });
    await step('tagCreate', { name: `tag ${name}`, colour: '#1f6feb' });
    await step('appDataUpdate', { table: 'document', operation: 'rename', data: { id: documentId, title: `Title by ${name}` } });
    await step('documentUpload', { documentId, name: `${name}.bin`, file: Buffer.alloc(2_000, name) });
  }
  const text = `Is it really lonely, as ${name} believes?`;
  if (!take()) return;
  const made = pushed(client, 'annotationRefresh', (row) => row.text === text);
  await ask(client, 'annotationUpdate', { documentId, text, start: 10, end: 42 });
  const annotationId = await made;
  client.emit('statistic', { clicks: 2, keys: text.length });
  if (!take()) return;
  const said = pushed(client, 'commentRefresh', (row) => row.text === `About ${name}`);
  await ask(client, 'commentUpdate', { annotationId, text: `About ${name}`, private: rare });
  const commentId = await said;
  await step('appDataUpdate', { table: 'annotation', operation: 'assignTag', data: { id: annotationId, tagId: 1 } });
  await step('commentUpdate', { commentId, text: `About ${name}, once more` });
  client.emit('statistic', { clicks: 3, keys: 24 });
  await step('annotationUpdate', { annotationId, text: `${text} Not at all.` });
  await step('documentOpen', { documentId });
  await step('annotationDelete', { annotationId });
}

/** Acknowledgements of the annotator do not carry the id: it comes with the push. */
function pushed(client: Socket, event: string, isIt: (row: { id: number; text?: string }) => boolean): Promise<number> {
  return new Promise((resolve) => {
    const listener = (rows: { id: number; text?: string }[]): void => {
      const row = rows.find(isIt);
      if (row === undefined) return;
      client.off(event, listener);
      resolve(row.id);
    };
    client.on(event, listener);
  });
}

async function ask(client: Socket, event: string, data: object): Promise<unknown> {
  const answer = (await client.emitWithAck(event, data)) as { success: boolean; message?: string };
  if (!answer.success) throw new Error(`${event}: ${answer.message}`);
  return answer;
}

async function logIn(url: string, user: string): Promise<string> {
  const response = await fetch(new URL('/login', url), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: user, password: `${user}-pw` }),
  });
  const cookie = response.headers.get('set-cookie')?.split(';')[0];
  if (!response.ok || cookie === undefined) throw new Error(`${user} could not log in: ${response.status}`);
  return cookie;
}
