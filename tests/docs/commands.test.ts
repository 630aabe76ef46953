/**
 * Every command of the documentation (a line of a ```sh block) is run: here, as it stands there, in a project of its own; or,
 * where that takes long or changes this checkout, by the test or step named in `elsewhere`.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { readResults, root } from '../e2e/support.js';
import { full } from '../slow.js';
import { blocksOf, placeOf } from './markdown.js';
import { createScratch, type Scratch } from './scratch.js';

const documented = new Map<string, string>();
for (const block of blocksOf('sh'))
  for (const line of block.text.split('\n').map((text) => text.trim())) if (line !== '' && !line.startsWith('#')) documented.set(line, placeOf(block));

/** What runs a command that is not run here, and the words by which it does. */
const elsewhere: Record<string, { file: string; contains: string[] }> = {
  'npm ci && npx playwright test': { file: '.ci/run', contains: ['step npm ci', 'step npx playwright test'] },
  'npm ci && npm test': { file: '.ci/run', contains: ['step npm ci', 'step npm test'] },
  'ANNOTATOR_BUG=private-comment-leak npx playwright test': { file: 'tests/e2e/matrix.test.ts', contains: ['ANNOTATOR_BUG: bug', 'Object.entries(bugs)'] },
  'npm i -D socket-replay @playwright/test socket.io-client': {
    file: 'tests/e2e/package.test.ts',
    contains: ["'install'", 'tarball', "'@playwright/test'", "'socket.io-client'"],
  },
  'npx playwright test --project=ceiling': { file: 'tests/e2e/modes.test.ts', contains: ["'--project=ceiling'"] },
  'npx playwright test --project=soak': { file: 'tests/e2e/modes.test.ts', contains: ["'--project=soak'"] },
  'npx playwright test --project=behavioural': { file: 'tests/e2e/modes.test.ts', contains: ["'--project=behavioural'"] },
  'REPLAY_ITERATIONS=10 npx playwright test': { file: 'tests/e2e/green.test.ts', contains: ['REPLAY_ITERATIONS:'] },
  'npx socket-replay export checkout': { file: 'tests/cli/record.test.ts', contains: ["world.cli('export', 'killed')"] },
  'npx socket-replay give checkout document1 7 --key documentId --key document.id': { file: 'tests/cli/edit.test.ts', contains: ["runs('give', 'one',"] },
  'npx playwright test --update-snapshots': { file: 'tests/e2e/update.test.ts', contains: ["'--update-snapshots'"] },
  'npx socket-replay learn checkout --dry-run': { file: 'tests/e2e/learn.test.ts', contains: ["'learn', 'shelf', '--dry-run'"] },
  'npx socket-replay rerun checkout/alice/2': { file: 'tests/e2e/rerun.test.ts', contains: ["rerun(['annotate-together/alice/8']"] },
  'npx socket-replay rerun checkout/alice/2@3.1': { file: 'tests/e2e/rerun.test.ts', contains: ["rerun(['annotate-together/alice/4@2.1']"] },
  'npx socket-replay rerun checkout --between cart paid': { file: 'tests/e2e/rerun.test.ts', contains: ["rerun(['annotate-together', '--between'"] },
  'npx socket-replay captures': { file: 'tests/cli/control.test.ts', contains: ["world.cli('captures')"] },
  'npx socket-replay checkpoint paid': { file: 'tests/cli/control.test.ts', contains: ["world.cli('checkpoint', 'paid')"] },
  'npx socket-replay stop': { file: 'tests/cli/control.test.ts', contains: ["world.cli('stop')"] },
  'npx socket-replay export checkout --between cart paid --as pay': {
    file: 'tests/cli/control.test.ts',
    contains: ["world.cli('export', 'checkout', '--between', 'cart', 'paid', '--as', 'pay')"],
  },
  'npx socket-replay import care 230-add-comment.json --user 3=guest': { file: 'tests/cli/import.test.ts', contains: ["'import', 'care'", "'3=guest'"] },
  'npx socket-replay import har checkout.har --user 1=alice': { file: 'tests/cli/import.test.ts', contains: ["'import', 'har'", "'1=alice'"] },
  'npx socket-replay undo --database app.db': { file: 'tests/e2e/undo.test.ts', contains: ["'undo', '--database'"] },
  'npx socket-replay undo --database app.db --apply': { file: 'tests/e2e/undo.test.ts', contains: ["'undo', '--database'", "'--apply'"] },
  'npx socket-replay doctor --database postgres://localhost/app': { file: 'tests/cli/doctor.test.ts', contains: ["'doctor', '--database'"] },
  'npx socket-replay doctor --database postgres://localhost/app --remove': { file: 'tests/cli/doctor.test.ts', contains: ["doctor('--remove')"] },
  'REPLAY_YES=1 npx playwright test': { file: 'tests/e2e/admission.test.ts', contains: ["REPLAY_YES: '1'"] },
  'REPLAY_BASE_URL=https://staging.example.com npx playwright test': { file: 'tests/e2e/admission.test.ts', contains: ['REPLAY_BASE_URL: `https://'] },
  'NODE_EXTRA_CA_CERTS=ca.pem REPLAY_BASE_URL=https://staging.example.com npx playwright test': {
    file: 'tests/e2e/admission.test.ts',
    contains: ['NODE_EXTRA_CA_CERTS: authority'],
  },
  'npx socket-replay --version': { file: 'tests/cli/main.test.ts', contains: ["ran('--version')"] },
  'npx socket-replay record --name checkout --target http://localhost:3000 --watch data/app.db': {
    file: 'tests/e2e/watch.test.ts',
    contains: ["'record', '--name'", "'--watch', database"],
  },
  'npm run build': { file: 'package.json', contains: ['"test": "npm run build && npm run check && vitest run"'] },
  'npm run check': { file: 'package.json', contains: ['"test": "npm run build && npm run check && vitest run"'] },
  'npm run format': { file: 'package.json', contains: ['"format": "biome check --write', '"check": "', 'biome check --error-on-warnings .'] },
};

type Run = (scratch: Scratch, command: string) => Promise<void>;

const says =
  (pattern: RegExp, npx?: 'real'): Run =>
  async (scratch, command) => {
    const { code, output } = await scratch.shell(command, npx).ended;
    expect(output).toMatch(pattern);
    expect(code, output).toBe(0);
  };

/** With an application that runs under the probe beside it. */
const besideApplication =
  (then: Run): Run =>
  async (scratch, command) => {
    const application = scratch.shell('exec node --import socket-replay/probe server.mjs');
    await application.prints('notes is up');
    await application.prints('probe ready');
    try {
      await then(scratch, command);
    } finally {
      application.child.kill('SIGTERM');
      await application.ended;
    }
  };

const records =
  (pattern: RegExp): Run =>
  async (scratch, command) => {
    const recorder = scratch.shell(`${command.replace('npx socket-replay record', 'npx socket-replay record --force')}`);
    await recorder.prints('Recording.');
    await scratch.use();
    recorder.child.stdin?.write('stop\n');
    const { code, output } = await recorder.ended;
    expect(output).toMatch(pattern);
    expect(code, output).toBe(0);
  };

const replays: Run = async (scratch, command) => {
  const { code, output } = await scratch.shell(command).ended;
  expect(code, output).toBe(0);
  expect(readResults(join(scratch.folder, 'replay-report')).verdict).toBe('passed');
};

/** In this order: what is initialised is recorded, and what is recorded is replayed. */
const here: [command: string, run: Run, slow?: 'slow'][] = [
  ['npx socket-replay --help', says(/record[\s\S]*init[\s\S]*sessions[\s\S]*export/, 'real')],
  ['npx socket-replay init', says(/wrote +playwright\.config\.ts/)],
  ['npx socket-replay init --force', says(/as it is playwright\.config\.ts/)],
  ['npx socket-replay sessions', besideApplication(says(/notes \(.*process \d+\)/))],
  ['npx socket-replay sessions --target http://localhost:3000', besideApplication(says(/notes \(.*process \d+\)/))],
  [
    'node --import socket-replay/probe server.mjs',
    async (scratch, command) => {
      const application = scratch.shell(`exec ${command}`);
      await application.prints('probe ready');
      application.child.kill('SIGTERM');
      await application.ended;
    },
  ],
  ['npx socket-replay record -- npm start', records(/recordings\/[\dT-]+\.yaml: finished/)],
  ['npx socket-replay record --name checkout -- npm start', records(/recordings\/checkout\.yaml: finished/)],
  ['npx socket-replay record --name checkout --target http://localhost:3000', besideApplication(records(/recordings\/checkout\.yaml: finished/))],
  ['npx socket-replay record --name checkout --replay -- npm start', records(/checkout is green, alone and in two copies/), 'slow'],
  ['npx socket-replay lint', says(/\d recordings?: 0 errors/)],
  ['npx socket-replay lint checkout', says(/1 recording: 0 errors/)],
  ['npx socket-replay inspect checkout', says(/checkout {2}\(recordings\/checkout\.yaml[\s\S]*Events/)],
  ['npx socket-replay inspect checkout --names', says(/!id \w+: [\s\S]*made in line \d+/)],
  ['npx socket-replay plan', says(/pool +\d sessions?, of \d recordings?\n[\s\S]*iteration-1 /)],
  ['npx socket-replay plan --json -- --project=iteration-1', says(/"peak": \d/)],
  ['npx socket-replay prune checkout --event "note:*" --dry-run', says(/\+ +disabled: true[\s\S]*1 trace disabled \(note:add 1\)\nNothing was written/)],
  ['npx socket-replay prune checkout --event "note:*"', says(/checkout\.yaml: 1 trace disabled \(note:add 1\)\n$/)],
  ['npx socket-replay prune checkout --event "note:*" --enable', says(/checkout\.yaml: 1 trace enabled \(note:add 1\)\n$/)],
  ['npx socket-replay rename event note:add note:create --dry-run', says(/\+ +- emit: "?note:create[\s\S]*checkout\.yaml: \d places?\n/)],
  ['npx socket-replay rename field "note:*" "args[0].text" body --dry-run', says(/\+ +args: \[\{ body: Buy ink \}\]/)],
  ['npx socket-replay migrate', says(/all \d recordings are of version 1/)],
  ['npx playwright test', replays],
  ['npx playwright test --project=regression -g "checkout"', replays, 'slow'],
  ['REPLAY_ITERATIONS=1 npx playwright test', replays, 'slow'],
  ['REPLAY_SPEED=realtime npx playwright test --project=regression', replays, 'slow'],
  ['REPLAY_RECORDINGS=checkout npx playwright test', replays, 'slow'],
  ['npx socket-replay learn checkout', says(/There is nothing to learn: checkout is green, alone and in two copies\./), 'slow'],
];

describe('the commands of the documentation', () => {
  it('are all run by a test', () => {
    const run = new Set([...Object.keys(elsewhere), ...here.map(([command]) => command)]);
    expect([...documented].filter(([command]) => !run.has(command)).map(([command, place]) => `${place}: ${command}`)).toEqual([]);
  });

  it('are all in the documentation', () => {
    expect([...Object.keys(elsewhere), ...here.map(([command]) => command)].filter((command) => !documented.has(command))).toEqual([]);
  });

  it.each(Object.entries(elsewhere))('%s is run elsewhere', (_, { file, contains }) => {
    expect(existsSync(join(root, file)), `there is no ${file}`).toBe(true);
    const text = readFileSync(join(root, file), 'utf8');
    for (const words of contains) expect(text).toContain(words);
  });
});

describe(`run here${full ? ' (slow)' : ''}`, () => {
  let scratch: Scratch;
  beforeAll(async () => {
    scratch = await createScratch();
  });

  it.each(here.filter(([, , slow]) => full || !slow))('%s', { timeout: 180_000 }, async (command, run) => {
    await run(scratch, command);
    // What the guide says to do next: the address of the application.
    if (command === 'npx socket-replay init --force') edit(scratch);
  });
});

function edit({ folder, port }: Scratch): void {
  const file = join(folder, 'playwright.config.ts');
  writeFileSync(file, readFileSync(file, 'utf8').replaceAll(/http:\/\/127\.0\.0\.1:\d+/g, `http://127.0.0.1:${port}`));
}
