/** People use the page in real Chromium, recorded twice at the same time: from outside, as a page sees it, and by the probe. */
import { join } from 'node:path';
import type { Browser, BrowserContext } from '@playwright/test';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildRecording } from '../../src/capture/build.js';
import { type CaptureResult, startCapture } from '../../src/capture/capture.js';
import type { TraceSource } from '../../src/capture/source.js';
import { pageSource } from '../../src/capture/sources/page.js';
import { probeSource } from '../../src/capture/sources/probe.js';
import { toJson } from '../../src/recording/json.js';
import type { Recording, Session } from '../../src/recording/schema.js';
import { connectProbe, findProbes } from '../../src/wire/client.js';
import { flows, hasChromium, openBrowser } from './people.js';
import { startAnnotator, type Target, temporary } from './support.js';

const capture = (name: string, source: TraceSource) =>
  startCapture({ name, source, select: () => true, redact: { redact: (value) => value }, folder: temporary('captures') });

async function probeOf(target: Target): Promise<TraceSource> {
  const file = findProbes().find(({ listening }) => listening.some((address) => address.endsWith(`:${target.port}`)));
  if (!file) throw new Error('the annotator runs without the probe');
  return probeSource(await connectProbe({ port: file.port, token: file.token, mode: 'record' }));
}

/** A browser that tells of every context before it is used. */
const telling = (browser: Browser, onContext: (context: BrowserContext) => unknown): Browser =>
  new Proxy(browser, {
    get(target, key) {
      if (key !== 'newContext') return Reflect.get(target, key, target);
      return async (...args: Parameters<Browser['newContext']>) => {
        const context = await target.newContext(...args);
        await onContext(context);
        return context;
      };
    },
  });

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
    ['annotate-together', 'websocket', ['alice', 'bob']],
    ['annotate-together', 'polling', ['alice', 'bob']],
    ['upload-and-rejection', 'websocket', ['alice', 'bob']],
    ['upload-and-rejection', 'polling', ['alice', 'bob']],
  ])('%s by %s is what the probe sees: emits, acknowledgements, pushes', { timeout: 90_000 }, async (name, transport, people) => {
    const target = await startAnnotator();
    const seen = pageSource();
    const byProbe = capture('probe', await probeOf(target));
    const byPage = capture('page', seen);
    const names = [...people];
    const telltale = telling(browser, async (context) => {
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
    for (const id of people) {
      const [a, b] = [pages, truth].map(({ sessions }) => sessions.find((session) => session.id === id));
      expect(sentBy(a)).toEqual(sentBy(b));
      expect(receivedBy(a)).toEqual(pushedTo(truth, id));
      expect(a?.traces.at(-1)).toEqual(b?.traces.at(-1)?.disconnect ? { disconnect: expect.any(String) } : expect.anything());
      console.log(
        name,
        transport,
        id,
        sentBy(a)?.length,
        receivedBy(a)?.length,
        a?.traces.at(-1)?.disconnect,
        b?.traces.at(-1)?.disconnect,
        a?.traces.filter((t) => t.http).map((t) => `${t.http?.method} ${t.http?.url}`),
        page.dropped,
      );
    }
  });
});
void join;
