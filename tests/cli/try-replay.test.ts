/** The replay offered after a recording, with a stand-in for `npx playwright`: what it is asked, and what is made of its results. */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { io } from 'socket.io-client';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { grepFor } from '../../src/cli/playwright.js';
import type { Results } from '../../src/results/schema.js';
import { createWorld, notes, type World } from './run.js';

let world: World;
beforeEach(() => {
  world = createWorld();
});
afterEach(() => world.clean());

/** `npx` that notes its arguments and whether the application answers, and leaves these results. */
function fakePlaywright(said: Pick<Results, 'verdict' | 'headline'> | undefined, code: number): void {
  const results: Results | undefined = said && {
    version: 1,
    run: 'r',
    startedAt: '',
    took: 1,
    target: null,
    tests: [],
    notRun: [],
    failures: [],
    recordings: [],
    traces: [],
    errors: [],
    ...said,
  };
  const bin = join(world.folder, 'bin');
  mkdirSync(bin);
  const lines = [
    '#!/usr/bin/env node',
    "const fs = require('node:fs');",
    "const url = fs.readFileSync('url', 'utf8');",
    'fetch(url).then(() => true, () => false).then((answers) => {',
    "  fs.writeFileSync('asked.json', JSON.stringify({ args: process.argv.slice(2), answers }));",
    ...(results
      ? [
          "  fs.mkdirSync('replay-report', { recursive: true });",
          `  fs.writeFileSync('replay-report/results.json', ${JSON.stringify(JSON.stringify(results))});`,
        ]
      : ["  console.log('it broke');"]),
    `  process.exit(${code});`,
    '});',
  ];
  writeFileSync(join(bin, 'npx'), lines.join('\n'));
  chmodSync(join(bin, 'npx'), 0o755);
}

async function recordAndReplay(config: string | undefined): Promise<{ code: number | null; text: string }> {
  if (config !== undefined) writeFileSync(join(world.folder, 'playwright.config.ts'), config);
  const path = `${join(world.folder, 'bin')}:${process.env.PATH}`;
  const cli = world.cliWith({ PATH: path }, 'record', '--name', 'flow.1', '--replay', '--', process.execPath, notes);
  const url = (await cli.prints(/notes at (http:\S+)/))[1] ?? '';
  writeFileSync(join(world.folder, 'url'), url);
  await cli.prints(/Recording\./);
  const socket = io(url, { auth: { user: 'alice' }, transports: ['websocket'] });
  await socket.emitWithAck('noteAdd', { text: 'x' });
  socket.disconnect();
  cli.enter('stop');
  return { code: await cli.ends(), text: cli.text() };
}
const asked = () => JSON.parse(readFileSync(join(world.folder, 'asked.json'), 'utf8')) as { args: string[]; answers: boolean };

test('reproducible; a configuration with a webServer starts the application itself', async () => {
  fakePlaywright({ verdict: 'passed', headline: 'all passed' }, 0);
  const { code, text } = await recordAndReplay('export default { webServer: {} }');
  expect(text).toContain('flow.1 is reproducible.');
  expect(code).toBe(0);
  expect(asked()).toEqual({ args: ['playwright', 'test', '--project=regression', '-g', grepFor('flow.1')], answers: false });
});

test('not reproducible, with the headline; without a webServer the application still runs', async () => {
  fakePlaywright({ verdict: 'failed', headline: 'noteAdd: ack[0].id is 2, was 1' }, 1);
  const { code, text } = await recordAndReplay('export default {}');
  expect(text).toContain('flow.1 is not reproducible: noteAdd: ack[0].id is 2, was 1');
  expect(text).toContain('npx socket-replay learn flow.1');
  expect(code).toBe(1);
  expect(asked().answers).toBe(true);
});

test('results of an earlier run are not taken for this one', async () => {
  mkdirSync(join(world.folder, 'replay-report'));
  writeFileSync(join(world.folder, 'replay-report', 'results.json'), JSON.stringify({ verdict: 'passed', headline: 'old' }));
  fakePlaywright(undefined, 1);
  const { code, text } = await recordAndReplay('export default {}');
  expect(text).toContain('it broke');
  expect(text).not.toContain('reproducible.');
  expect(code).toBe(3);
});

test('without a configuration the way to one is said', async () => {
  const { code, text } = await recordAndReplay(undefined);
  expect(text).toContain('npx socket-replay init');
  expect(code).toBe(2);
});

test.each([
  ['regression recordings.spec.ts flow.1', true],
  ['regression recordings.spec.ts flow.1 @tag', true],
  ['regression recordings.spec.ts flow.12', false],
  ['regression recordings.spec.ts flow11', false],
  ['regression recordings.spec.ts my-flow.1', false],
])('%s is meant: %s', (title, meant) => expect(new RegExp(grepFor('flow.1')).test(title)).toBe(meant));
