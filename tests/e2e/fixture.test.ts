/** The fixture `record` in an end-to-end test of a user's own: `npx playwright test` writes the recording. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRecording } from '../../src/recording/read.js';
import { slow } from '../slow.js';
import { chromiumArgs, chromiumPath, hasChromium } from './people.js';
import { type Finished, playwrightCli, root, run, startAnnotator, type Target, temporary } from './support.js';

const spec = `import { expect, test } from 'socket-replay';
import type { Page } from '@playwright/test';

async function enter(page: Page, name: string): Promise<void> {
  await page.goto('/');
  await page.getByLabel('User name').fill(name);
  await page.getByLabel('Password').fill(name + '-pw');
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('status', { name: 'Connection' }).getByText('connected').waitFor();
}

test('tagging', async ({ browser, record }) => {
  const [alice, bob] = [await browser.newPage(), await browser.newPage()];
  record('tagging', { alice, bob: bob.context() });
  await enter(alice, 'alice');
  await enter(bob, 'bob');
  await alice.getByRole('button', { name: 'On reading together' }).click();
  await alice.getByLabel('Tag name').fill('solitude' + Date.now());
  await alice.getByRole('button', { name: 'Create tag' }).click();
  await expect(bob.getByRole('list', { name: 'Activity feed' }).getByText('alice created')).toHaveCount(0);
});

test('tagging: there already', async ({ page, record }) => {
  record('kept', { alice: page });
  await enter(page, 'alice');
});

test('stopped', async ({ page, record }) => {
  const recording = record('stopped', { alice: page }, { exclude: ['statistic'] });
  await enter(page, 'alice');
  await page.getByRole('button', { name: 'On reading together' }).click();
  await page.getByRole('heading', { name: 'On reading together' }).waitFor();
  await recording.checkpoint('opened');
  console.log('wrote', await recording.stop());
  await page.getByRole('button', { name: 'Field notes, spring' }).click();
  await page.getByText('Two herons at the weir').waitFor();
});

test('failing', async ({ page, record }) => {
  record('failing', { alice: page });
  await enter(page, 'alice');
  expect(1).toBe(2);
});

test('empty', async ({ page, record }) => {
  record('empty', page);
  await page.goto('about:blank');
});
`;

describe.skipIf(!hasChromium)('the fixture `record` (needs Chromium)', () => {
  let target: Target;
  let folder: string;
  beforeAll(async () => {
    target = await startAnnotator({ probe: false });
    // below the checkout, so that `socket-replay` is found
    folder = join(root, '.socket-replay', 'e2e', `fixture-${target.port}`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'pages.spec.ts'), spec);
    mkdirSync(join(folder, 'recordings'));
    writeFileSync(join(folder, 'recordings/kept.yaml'), 'version: 1\nname: kept\n');
    writeFileSync(
      join(folder, 'playwright.config.ts'),
      `import { defineConfig } from '@playwright/test';
export default defineConfig({ use: { baseURL: '${target.url}', launchOptions: { executablePath: '${chromiumPath}', args: ${JSON.stringify(chromiumArgs)} } } });
`,
    );
  });
  afterAll(() => target?.stop());

  const test = (...args: string[]): Promise<Finished> =>
    run(process.execPath, [playwrightCli, 'test', '--reporter=list', `--output=${temporary('output')}`, ...args], { cwd: folder }).ended;
  const text = (name: string) => readFileSync(join(folder, 'recordings', `${name}.yaml`), 'utf8');
  const read = (name: string) => {
    const { recording, errors } = readRecording(text(name), { file: name, readBinary: () => undefined });
    expect(errors).toBeUndefined();
    if (!recording) throw new Error(`no recording ${name}`);
    return recording;
  };

  it('records the pages and contexts of each person until the test has passed, and keeps what is there', async () => {
    const { code, output } = await test('-g', 'tagging');
    expect(code, output).toBe(0);
    expect(output).toMatch(/kept\.yaml is there already and is kept/);
    expect(text('kept')).toBe('version: 1\nname: kept\n');
    const { recorded, status, sessions } = read('tagging');
    expect(recorded?.source).toBe('page');
    expect(status).toBe('finished');
    expect(sessions.map(({ id, user, traces }) => [id, user, traces.map(({ emit }) => emit)])).toEqual([
      ['alice', 'alice', [undefined, 'documentList', 'subscribe', 'subscribe', 'documentOpen', 'statistic', 'tagCreate', 'statistic']],
      ['bob', 'bob', [undefined, 'documentList', 'subscribe', 'subscribe']],
    ]);
    expect(sessions[0]?.traces[6]).toMatchObject({ ack: [{ success: true }] });
    expect(sessions[1]?.received?.at(-1)).toMatchObject({ after: 3, event: 'tagRefresh' });
    expect(output).toContain('recordings/tagging.yaml: finished');
  });

  it('writes over what is there where snapshots are to be updated', async () => {
    const { code, output } = await test('-g', 'there already', '--update-snapshots');
    expect(code, output).toBe(0);
    expect(read('kept').sessions.map(({ id }) => id)).toEqual(['alice']);
  });

  slow('writes when it is stopped', {}, async () => {
    const { code, output } = await test('-g', 'stopped');
    expect(code, output).toBe(0);
    expect(output).toContain('wrote recordings/stopped.yaml');
    const { sessions, checkpoints } = read('stopped');
    expect(sessions[0]?.traces.map(({ emit }) => emit)).toEqual([undefined, 'documentList', 'subscribe', 'subscribe', 'documentOpen']);
    expect(checkpoints?.map(({ name }) => name)).toEqual(['opened']);
  });

  slow('writes nothing of a test that fails, and fails a test of which nothing was captured', {}, async () => {
    const { code, output } = await test('-g', 'failing|empty');
    expect(code).toBe(1);
    expect(output).toMatch(/2 failed/);
    expect(output).toContain('failing: not written, because the test did not pass');
    expect(output).toContain('REPLAY_CAPTURE_EMPTY');
    for (const name of ['failing', 'empty']) expect(existsSync(join(folder, 'recordings', `${name}.yaml`))).toBe(false);
  });
});
