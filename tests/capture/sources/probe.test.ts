import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import type { SourceEvent } from '../../../src/capture/source.js';
import { probeSource } from '../../../src/capture/sources/probe.js';
import { connectProbe } from '../../../src/wire/client.js';
import { App, bundlePreload, TOKEN, temporary } from '../../probe/helper.js';

const directory = temporary();
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test('what the probe warned of before anybody listened is told at the start', async () => {
  const pg = join(directory, 'node_modules/pg/lib/index.js');
  mkdirSync(dirname(pg), { recursive: true });
  writeFileSync(pg, 'module.exports = {};');
  const preload = bundlePreload(directory);
  const app = await App.start('app.cjs', preload, { execArgv: ['--require', pg, '--import', pathToFileURL(preload).href] });
  const source = probeSource(await connectProbe({ port: app.probePort, token: TOKEN, mode: 'record' }));
  try {
    await source.drain(1000);
    const heard: SourceEvent[] = [];
    source.start((event) => heard.push(event));
    expect(heard.filter(({ type }) => type === 'warning')).toEqual([
      { type: 'warning', code: 'changes-unmeasured', message: 'Rows that the application writes through pg are not measured.' },
    ]);
  } finally {
    source.stop();
    await app.stop();
  }
});
