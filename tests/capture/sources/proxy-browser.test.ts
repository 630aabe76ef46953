/** People in a real browser, who open the proxy's address: the example application, as it is. */
import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from '@playwright/test';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SourceEvent } from '../../../src/capture/source.js';
import { type ProxySource, proxySource } from '../../../src/capture/sources/proxy.js';
import { type Lab, openLab } from '../../examples/annotator/support.js';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'];

describe.skipIf(!existsSync(executablePath))('in Chromium', () => {
  let lab: Lab;
  let browser: Browser;
  let proxy: ProxySource;
  beforeAll(async () => {
    lab = await openLab();
    proxy = await proxySource(new URL(lab.url), 0);
    browser = await chromium.launch({ executablePath, args });
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    proxy.source.stop();
    await lab.close();
  });

  const enter = async (page: Page, name: string): Promise<void> => {
    page.setDefaultTimeout(10_000);
    await page.goto(`http://${name}.localhost:${proxy.port}`);
    await page.getByLabel('User name').fill(name);
    await page.getByLabel('Password').fill(`${name}-pw`);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('button', { name: 'On reading together' }).click();
    await page.getByRole('heading', { name: 'On reading together' }).waitFor();
  };

  test('two tabs of one browser are two people; what they do is told of each, their logout too', async () => {
    const told: SourceEvent[] = [];
    proxy.source.start((event) => told.push(event));
    const context = await browser.newContext({ viewport: { width: 1360, height: 900 } });
    const [alice, bob] = [await context.newPage(), await context.newPage()];
    await enter(alice, 'alice');
    await enter(bob, 'bob');
    await alice
      .getByLabel('Document text')
      .getByText('Reading is often')
      .dblclick({ position: { x: 20, y: 10 } });
    await alice.getByText('About “Reading').waitFor();
    await alice.getByLabel('Annotation text').fill('Is it?');
    await alice.getByRole('button', { name: 'Add annotation' }).click();
    await bob.getByRole('article', { name: 'Annotation by alice: Is it?' }).waitFor();
    const sockets = proxy.source.sessions();
    expect(sockets.map(({ user }) => user)).toEqual(['alice', 'bob']);
    const [aliceSid, bobSid] = sockets.map(({ sid }) => sid);
    await bob.evaluate(() => fetch('/logout', { method: 'POST' }));
    await alice.close();
    await expect.poll(() => told.some((event) => event.type === 'disconnect' && event.sid === aliceSid)).toBe(true);

    const events = (sid: string | undefined) => told.flatMap((event) => (event.type === 'emit' && event.sid === sid ? [event.event] : []));
    expect(events(aliceSid)).toEqual(['documentList', 'subscribe', 'subscribe', 'documentOpen', 'statistic', 'annotationUpdate', 'statistic']);
    expect(events(bobSid)).toEqual(['documentList', 'subscribe', 'subscribe', 'documentOpen', 'statistic']);
    const asked = told.flatMap((event) => (event.type === 'emit' && event.asks ? [`${event.sid}:${event.n}`] : []));
    expect(told.flatMap((event) => (event.type === 'ack' ? [`${event.sid}:${event.n}`] : [])).sort()).toEqual(asked.sort());
    const refreshed = told.flatMap((event) => (event.type === 'push' && event.event === 'annotationRefresh' ? event.to : []));
    expect(refreshed.sort()).toEqual([aliceSid, bobSid].sort());
    const requests = told.flatMap((event) => (event.type === 'http' ? [[event.method, event.url, event.sid, event.status]] : []));
    expect(requests.filter(([, , sid]) => sid !== null)).toEqual([['POST', '/logout', bobSid, 303]]);
    expect(told.filter((event) => event.type === 'disconnect')).toMatchObject([{ sid: aliceSid, reason: 'transport close' }]);
    expect(told.filter((event) => event.type === 'warning')).toEqual([]);
    await context.close();
  });
});
