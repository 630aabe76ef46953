/** The fixture `record` in an end-to-end test of a user's own: `npx playwright test` writes the recording. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRecording } from '../../src/recording/read.js';
import { chromiumArgs, chromiumPath, hasChromium } from './people.js';
import { type Finished, playwrightCli, playwrightTest, root, run, startAnnotator, type Target, temporary } from './support.js';

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

test('stopped', async ({ page, record }) => {
  const recording = record('stopped', { alice: page }, { exclude: ['statistic'] });
  await enter(page, 'alice');
  await page.getByRole('button', { name: 'On reading together' }).click();
  await page.getByRole('heading', { name: 'On reading together' }).waitFor();
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

  it('records the pages and contexts of each person until the test has passed', async () => {
    const { code, output } = await test('-g', 'tagging');
    expect(code, output).toBe(0);
    const { recorded, sessions } = read('tagging');
    console.log(output, text('tagging'));
  });

  it('writes when it is stopped', async () => {
    const { code, output } = await test('-g', 'stopped');
    expect(code, output).toBe(0);
    console.log(output, text('stopped'));
  });

  it('writes nothing of a test that fails, and fails a test of which nothing was captured', async () => {
    const { code, output } = await test('-g', 'failing|empty');
    console.log(output);
  });
});
