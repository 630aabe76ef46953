/** People use the page in real Chromium, recorded twice at the same time: from outside, as a page sees it, and by the probe. */
import { join } from 'node:path';
import type { Browser, BrowserContext, BrowserContextOptions } from '@playwright/test';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildRecording } from '../../src/capture/build.js';
import { type CaptureResult, startCapture } from '../../src/capture/capture.js';
import type { TraceSource } from '../../src/capture/source.js';
import { readHar } from '../../src/capture/sources/har.js';
import { pageSource } from '../../src/capture/sources/page.js';
import { probeSource } from '../../src/capture/sources/probe.js';
import { toJson } from '../../src/recording/json.js';
import type { Recording, Session } from '../../src/recording/schema.js';
import { connectProbe, findProbes } from '../../src/wire/client.js';
import { unredacted } from '../capture/unredacted.js';
import { full } from '../slow.js';
import { flows, hasChromium, openBrowser } from './people.js';
import { startAnnotator, type Target, temporary } from './support.js';

const capture = (name: string, source: TraceSource) => startCapture({ name, source, select: () => true, redactor: unredacted, folder: temporary('captures') });

async function probeOf(target: Target): Promise<TraceSource> {
  const file = findProbes().find(({ listening }) => listening.some((address) => address.endsWith(`:${target.port}`)));
  if (!file) throw new Error('the annotator runs without the probe');
  return probeSource(await connectProbe({ port: file.port, token: file.token, mode: 'record' }));
}

/** A browser that tells of every context before it is used, and has each write a HAR file. */
const telling = (browser: Browser, har: (n: number) => BrowserContextOptions['recordHar'], onContext: (context: BrowserContext) => unknown): Browser => {
  let n = 0;
  return new Proxy(browser, {
    get(target, key) {
      if (key !== 'newContext') return Reflect.get(target, key, target);
      return async (options: BrowserContextOptions) => {
        const context = await target.newContext({ ...options, recordHar: har(n++) });
        await onContext(context);
        return context;
      };
    },
  });
};

const hars = {
  embedded: (folder: string, n: number) => ({ path: join(folder, `${n}.har`), content: 'embed' as const }),
  attached: (folder: string, n: number) => ({ path: join(folder, String(n), `${n}.har`), content: 'attach' as const }),
  zipped: (folder: string, n: number) => ({ path: join(folder, `${n}.har.zip`) }),
  minimal: (folder: string, n: number) => ({ path: join(folder, `${n}.har`), mode: 'minimal' as const }),
};

const recordingOf = ({ captured }: CaptureResult): Recording => buildRecording(captured).recording;
/** What the clients sent and what they were answered, and what came, in no order across events. */
const sentBy = (session: Session | undefined) => session?.traces.filter(({ emit }) => emit !== undefined).map(({ emit, args, ack }) => ({ emit, args, ack }));
const came = (event: string, args: unknown[] | undefined): string => JSON.stringify([event, toJson((args ?? []) as never)]);
const receivedBy = (session: Session | undefined) => session?.received?.map(({ event, args }) => came(event, args)).sort();
const pushedTo = (recording: Recording, id: string) =>
  recording.sessions
    .flatMap((session) => [
      ...(session.id === id ? (session.received ?? []).map(({ event, args }) => came(event, args)) : []),
      ...session.traces.flatMap((trace) => (trace.pushes ?? []).filter(({ to }) => [to].flat().includes(id)).map(({ event, args }) => came(event, args))),
    ])
    .sort();

describe.skipIf(!hasChromium)('a page in real Chromium (needs Chromium)', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openBrowser();
  });
  afterAll(() => browser?.close());

  it.each([
    ['annotate-together', 'websocket', 'embedded', ''],
    ['upload-and-rejection', 'polling', 'minimal', ''],
    ...(full
      ? ([
          ['annotate-together', 'polling', 'attached', ' (slow)'],
          ['upload-and-rejection', 'websocket', 'zipped', ' (slow)'],
        ] as const)
      : []),
  ] as const)(
    '%s by %s, and its HAR file (%s)%s, is what the probe sees: emits, acknowledgements, pushes',
    { timeout: 90_000 },
    async (name, transport, form) => {
      const target = await startAnnotator();
      const seen = pageSource();
      const byProbe = capture('probe', await probeOf(target));
      const byPage = capture('page', seen);
      const people = ['alice', 'bob'];
      const names = [...people];
      const files: string[] = [];
      const folder = temporary('har');
      const har = (n: number) => {
        const options = hars[form](folder, n);
        files.push(options.path);
        return options;
      };
      const telltale = telling(browser, har, async (context) => {
        const user = names.shift() ?? null;
        context.on('page', (page) => seen.watch(page, user));
        if (transport === 'polling') await context.addInitScript('delete window.WebSocket');
      });
      await flows[name]?.(telltale, target.url);
      byPage.stop();
      byProbe.stop();
      const [page, probe] = [await byPage.done, await byProbe.done];
      await target.stop();

      expect(page.open).toBe(0);
      const [pages, truth] = [recordingOf(page), recordingOf(probe)];
      expect(pages.status).toBe('finished');
      expect(pages.sessions.map(({ id }) => id)).toEqual(people);
      for (const [i, id] of people.entries()) {
        const [ofPage, ofProbe] = [pages, truth].map(({ sessions }) => sessions.find((session) => session.id === id));
        expect(sentBy(ofProbe)?.length).toBeGreaterThan(6);
        expect(sentBy(ofPage)).toEqual(sentBy(ofProbe));
        expect(receivedBy(ofPage)).toEqual(pushedTo(truth, id));
        expect(ofPage?.traces.at(-1)).toMatchObject({ disconnect: 'transport close' });

        const { source, notes } = readHar(files[i] as string, { 1: id });
        expect(notes).toEqual([expect.stringContaining('stay open to the end')]);
        const ofHar = recordingOf(await capture('har', source).done);
        expect(ofHar.sessions.map((session) => session.id)).toEqual([id]);
        expect(sentBy(ofHar.sessions[0])).toEqual(sentBy(ofProbe));
        expect(receivedBy(ofHar.sessions[0])).toEqual(pushedTo(truth, id));
      }
    },
  );
});
