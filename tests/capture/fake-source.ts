import type { CaptureEnd, SourceEvent, SourceSocket, TraceSource } from '../../src/capture/source.js';

export interface FakeSource extends TraceSource {
  tell(...events: SourceEvent[]): void;
  end(): void;
  readonly stopped: boolean;
}

/** A source that tells what the test says. */
export function fakeSource(target: string, sessions: SourceSocket[] = [], drain: () => Promise<{ open: number }> = async () => ({ open: 0 })): FakeSource {
  let listener: ((event: SourceEvent) => void) | undefined;
  let stopped = false;
  let end = (): void => undefined;
  const closed = new Promise<CaptureEnd>((resolve) => {
    end = () => resolve({ status: 'interrupted', reason: 'application_ended' });
  });
  return {
    kind: 'probe',
    app: 'fake',
    targets: [target],
    changes: 'measured',
    sessions: () => sessions,
    start(next) {
      listener = next;
    },
    drain,
    closed,
    stop() {
      stopped = true;
    },
    get stopped() {
      return stopped;
    },
    tell(...events) {
      for (const event of events) listener?.(event);
    },
    end: () => end(),
  };
}
