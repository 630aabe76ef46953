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
  const driver = join(directory, 'node_modules/mysql2/index.js');
  mkdirSync(dirname(driver), { recursive: true });
  writeFileSync(driver, 'module.exports = {};');
  const preload = bundlePreload(directory);
  const app = await App.start('app.cjs', preload, { execArgv: ['--require', driver, '--import', pathToFileURL(preload).href] });
  const source = probeSource(await connectProbe({ port: app.probePort, token: TOKEN, mode: 'record' }));
  try {
    await source.drain(1000);
    const heard: SourceEvent[] = [];
    source.start((event) => heard.push(event));
    expect(heard.filter(({ type }) => type === 'warning')).toEqual([
      { type: 'warning', code: 'changes-unmeasured', message: 'Rows that the application writes through mysql2 are not measured.' },
    ]);
  } finally {
    source.stop();
    await app.stop();
  }
});
