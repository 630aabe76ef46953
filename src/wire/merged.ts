/**
 * The probes of one application's processes, the workers of a cluster, as one connection for a replay. Socket ids, and so causes,
 * are unique among them; the numbers of pushes are not, and a replay does not read them; those of requests are made so.
 */
import type { ProbeConnection } from './client.js';
import type { FromProbe } from './messages.js';

/** A drain asks twice: what one process sent to the clients of another as its last act is that other one's work. */
const ROUNDS = 2;

export function mergeProbes(first: ProbeConnection, others: readonly ProbeConnection[]): ProbeConnection {
  const members = [first, ...others];
  if (others.length === 0) return first;
  return {
    hello: {
      ...first.hello,
      listening: [...new Set(members.flatMap(({ hello }) => hello.listening))],
      sockets: members.flatMap(({ hello }) => hello.sockets),
      changes: members.some(({ hello }) => hello.changes === 'measured') ? 'measured' : 'none',
    },
    get tables() {
      const known = members.flatMap(({ tables }) => tables);
      return known.filter(({ name }, i) => known.findIndex((other) => other.name === name) === i);
    },
    onMessage(listener) {
      const stops = members.map((member, i) => member.onMessage((message) => listener(ofMember(message, i))));
      return () => {
        for (const stop of stops) stop();
      };
    },
    async drain(timeoutMs) {
      let [open, waited] = [0, 0];
      let memory: (number | undefined)[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        const drained = await Promise.all(members.map((member) => member.drain(Math.max(0, timeoutMs - waited))));
        open = drained.reduce((sum, one) => sum + one.open, 0);
        waited += Math.max(...drained.map((one) => one.waited));
        memory = drained.map(({ rss }) => rss);
      }
      const rss = memory.every((bytes) => bytes !== undefined) ? memory.reduce((sum, bytes) => sum + bytes, 0) : undefined;
      return { open, waited, ...(rss !== undefined && { rss }) };
    },
    async state() {
      const states = (await Promise.all(members.map((member) => member.state()))).flat();
      return states.filter(({ table }, i) => states.findIndex((other) => other.table === table) === i);
    },
    notify(sids, recording) {
      for (const member of members) member.notify(sids, recording);
    },
    closed: Promise.race(members.map(({ closed }) => closed)),
    get error() {
      return members.find(({ error }) => error !== undefined)?.error;
    },
    close() {
      for (const member of members) member.close();
    },
  };
}

/** Requests are numbered by each process for itself: `http:2` of member 1 is `http:1.2`. */
export const requestOf = (id: string, member: number): string => `http:${member}.${id.slice('http:'.length)}`;

function ofMember(message: FromProbe, member: number): FromProbe {
  if (message.type === 'request') return { ...message, id: requestOf(message.id, member) };
  return 'cause' in message && message.cause?.startsWith('http:') ? { ...message, cause: requestOf(message.cause, member) } : message;
}
