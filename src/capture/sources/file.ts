/** A file as a source: everything in it is told at once, and then it has ended. */
import type { CaptureEnd, SourceEvent, SourceKind, TraceSource } from '../source.js';

/** No lock is needed: a file is no application. */
export function fileSource(kind: SourceKind, events: readonly SourceEvent[], end: CaptureEnd = { status: 'finished' }): TraceSource {
  let close: (end: CaptureEnd) => void = () => undefined;
  const closed = new Promise<CaptureEnd>((resolve) => {
    close = resolve;
  });
  return {
    kind,
    app: '',
    targets: [],
    changes: 'none',
    sessions: () => [],
    start(listener) {
      for (const event of events) listener(event);
      close(end);
    },
    drain: async () => ({ open: 0 }),
    closed,
    stop: () => undefined,
  };
}
