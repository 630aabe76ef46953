/** The fixture `record`: an end-to-end test in a browser becomes a recording. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContext, Page, TestInfo } from '@playwright/test';
import { type Capture, startCapture } from '../capture/capture.js';
import { recordingFile, saveCapture } from '../capture/finish.js';
import { type PageSource, pageSource } from '../capture/sources/page.js';
import { ReplayError } from '../errors.js';
import { createRedactor } from '../recording/redact.js';
import { recordingName } from '../recording/schema.js';
import { currentScale } from './run.js';

/** Whose sockets are recorded: one page, all pages of a context, or those of several people by their alias. */
type Recorded = Page | BrowserContext | { [alias: string]: Page | BrowserContext };

interface RecordOptions {
  /** globs of events and requests that are left out */
  exclude?: string[];
  /** more keys whose values are secret */
  redact?: string[];
}

export interface PageRecording {
  /** Names this moment. */
  checkpoint(name: string): Promise<void>;
  /** Ends the recording and writes it. Gives the file; undefined where there was one already, which is kept. */
  stop(): Promise<string | undefined>;
}

/** Call it before the page is opened. Written when it is stopped, or at the end of a test that passed. */
export type RecordPages = (name: string, who: Recorded, options?: RecordOptions) => PageRecording;

interface Running {
  recording: PageRecording;
  abort(): Promise<void>;
}

/** All recordings of one test; `end` ends what still runs. */
export function recorderOf(testInfo: TestInfo): { record: RecordPages; end(): Promise<void> } {
  const running = new Set<Running>();
  return {
    record(name, who, options = {}) {
      const out = currentScale().recordings;
      checkName(name);
      // As with snapshots: what is there stays, unless the run is told to write anew.
      const replace = ['all', 'changed'].includes(testInfo.config.updateSnapshots);
      if (existsSync(recordingFile(out, name)) && !replace) {
        tell(testInfo, `${recordingFile(out, name)} is there already and is kept; --update-snapshots records it anew`);
        return { checkpoint: async () => undefined, stop: async () => undefined };
      }
      const begun = begin(name, who, options, { out, force: replace }, testInfo);
      running.add(begun);
      return {
        checkpoint: (at) => begun.recording.checkpoint(at),
        stop() {
          running.delete(begun);
          return begun.recording.stop();
        },
      };
    },
    async end() {
      const passed = testInfo.status === testInfo.expectedStatus;
      for (const { recording, abort } of running) await (passed ? recording.stop() : abort());
    },
  };
}

function begin(name: string, who: Recorded, { exclude, redact }: RecordOptions, save: { out: string; force: boolean }, testInfo: TestInfo): Running {
  // A test can be run again: what is left of one that was killed is worth nothing.
  const captures = mkdtempSync(join(tmpdir(), 'socket-replay-page-'));
  const source = pageSource();
  const note = (text: string): void => tell(testInfo, `${name}: ${text}`);
  const capture = startCapture({
    name,
    source,
    select: () => true,
    redactor: createRedactor({ rules: redact }),
    exclude,
    folder: captures,
    onWarning: note,
  });
  const leave = peopleOf(who).map(([user, where]) => watch(source, where, user));
  const end = async (how: (capture: Capture) => void) => {
    how(capture);
    const { captured } = await capture.done;
    for (const stop of leave) stop();
    return captured;
  };
  let stopped: Promise<string> | undefined;
  const stop = async (): Promise<string> => {
    try {
      const saved = saveCapture(await end((running) => running.stop()), { ...save, captures });
      tell(testInfo, `${saved.file}: ${saved.recording.status}`);
      return saved.file;
    } finally {
      rmSync(captures, { recursive: true, force: true });
    }
  };
  return {
    recording: {
      checkpoint: (at) => capture.checkpoint(at),
      stop() {
        stopped ??= stop();
        return stopped;
      },
    },
    async abort() {
      await end((running) => running.abort());
      rmSync(captures, { recursive: true, force: true });
      note('not written, because the test did not pass');
    },
  };
}

/** In the output and in reports. */
function tell(testInfo: TestInfo, description: string): void {
  testInfo.annotations.push({ type: 'recording', description });
  console.log(description);
}

/** A user only where the test says who it is. */
function peopleOf(who: Recorded): [string | null, Page | BrowserContext][] {
  return isOne(who) ? [[null, who]] : Object.entries(who);
}

const isOne = (who: Recorded): who is Page | BrowserContext => typeof (who as Page).on === 'function';

function watch(source: PageSource, where: Page | BrowserContext, user: string | null): () => void {
  if ('mainFrame' in where) {
    source.watch(where, user);
    return () => undefined;
  }
  const onPage = (page: Page): void => source.watch(page, user);
  for (const page of where.pages()) onPage(page);
  where.on('page', onPage);
  return () => void where.off('page', onPage);
}

function checkName(name: string): void {
  if (recordingName.safeParse(name).success) return;
  throw new ReplayError('REPLAY_USAGE', `${name} is no name of a recording`, undefined, 'Use up to 100 letters, digits, dots, dashes and underscores.');
}
