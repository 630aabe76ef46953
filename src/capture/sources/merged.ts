/**
 * Several processes of one application as one source: the workers of a cluster. Socket ids are unique among them. The numbers of
 * pushes and requests are not, and are made so. What one worker sends through an adapter to the clients of another is told by
 * that other one, without a cause.
 */
import { requestOf } from '../../wire/merged.js';
import type { CaptureEnd, SourceEvent, SourceSocket, TraceSource } from '../source.js';

/** More processes than one application has; push numbers stay exact integers. */
const MAX_MEMBERS = 4096;

export interface MergedSource extends TraceSource {
  /** A process that came later. Who is connected to it already is told as having been there before. */
  join(source: TraceSource): void;
}

export function mergeSources(first: TraceSource, ...others: TraceSource[]): MergedSource {
  const members = new Set<TraceSource>();
  const warned = new Set<string>();
  const tables = new Map<TraceSource, Extract<SourceEvent, { type: 'tables' }>['tables']>();
  let joined = 0;
  let stopped = false;
  let listener: ((event: SourceEvent) => void) | undefined;
  let end: (how: CaptureEnd) => void = () => undefined;
  const closed = new Promise<CaptureEnd>((resolve) => {
    end = resolve;
  });

  const add = (source: TraceSource): ((event: SourceEvent) => void) => {
    const member = joined++;
    members.add(source);
    source.closed.then((how) => {
      members.delete(source);
      // Its connections end with it, and nobody else can say so.
      for (const { sid } of source.sessions()) listener?.({ type: 'disconnect', sid, reason: 'server shutting down', at: Date.now() });
      if (members.size === 0) end(how);
    });
    return (event) => {
      if (event.type === 'tables') {
        tables.set(source, event.tables);
        listener?.({ type: 'tables', tables: distinct([...tables.values()].flat(), ({ name }) => name) });
      } else if (event.type !== 'warning' || !warned.has(event.message)) {
        if (event.type === 'warning') warned.add(event.message);
        listener?.(ofMember(event, member));
      }
    };
  };

  const initial = [first, ...others].map((source) => ({ source, tell: add(source) }));
  return {
    kind: first.kind,
    app: first.app,
    targets: [...new Set(initial.flatMap(({ source }) => source.targets))],
    changes: initial.some(({ source }) => source.changes === 'measured') ? 'measured' : 'none',
    sessions: () => [...members].flatMap((source) => source.sessions()),
    start(next) {
      listener = next;
      for (const { source, tell } of initial) source.start(tell);
    },
    join(source) {
      if (stopped) return source.stop();
      const before: SourceSocket[] = source.sessions();
      const tell = add(source);
      for (const socket of before) tell({ type: 'connect', socket, before: true });
      source.start(tell);
    },
    async drain(timeoutMs) {
      const results = await Promise.all([...members].map((source) => source.drain(timeoutMs).catch(() => ({ open: 0 }))));
      return { open: results.reduce((sum, { open }) => sum + open, 0) };
    },
    ...(initial.some(({ source }) => source.state) && {
      state: async () => distinct((await Promise.all([...members].map((source) => source.state?.() ?? []))).flat(), ({ table }) => table),
    }),
    notify(sids, recording) {
      for (const source of members) {
        const own = new Set(source.sessions().map(({ sid }) => sid));
        const its = sids.filter((sid) => own.has(sid));
        if (its.length > 0) source.notify?.(its, recording);
      }
    },
    closed,
    stop() {
      stopped = true;
      listener = undefined;
      for (const source of members) source.stop();
    },
  };
}

function ofMember(event: SourceEvent, member: number): SourceEvent {
  switch (event.type) {
    case 'push':
      return { ...event, push: event.push * MAX_MEMBERS + member, cause: causeOf(event.cause, member) };
    case 'answer':
      return { ...event, push: event.push * MAX_MEMBERS + member };
    case 'http':
      return { ...event, id: requestOf(event.id, member) };
    case 'change':
      return { ...event, cause: causeOf(event.cause, member) };
    default:
      return event;
  }
}

const causeOf = (cause: string | null, member: number): string | null => (cause?.startsWith('http:') ? requestOf(cause, member) : cause);

/** The first of each name: the processes share their tables. */
const distinct = <T>(tables: readonly T[], nameOf: (table: T) => string): T[] =>
  tables.filter((table, i) => tables.findIndex((other) => nameOf(other) === nameOf(table)) === i);
