import { existsSync, readFileSync } from 'node:fs';
import { type Browser, type BrowserContext, chromium, type Page } from '@playwright/test';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Lab, openLab } from './support.js';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'];

describe.skipIf(!existsSync(executablePath))('annotator page (needs Chromium)', () => {
  let lab: Lab;
  let browser: Browser;
  beforeAll(async () => {
    lab = await openLab();
    browser = await chromium.launch({ executablePath, args });
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await lab.close();
  });

  const enter = async (context: BrowserContext, name: string, password = `${name}-pw`): Promise<Page> => {
    const page = await context.newPage();
    page.setDefaultTimeout(5000);
    await page.goto(lab.url);
    await page.getByLabel('User name').fill(name);
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Log in' }).click();
    return page;
  };
  const open = async (page: Page): Promise<void> => {
    await page.getByRole('button', { name: 'On reading together' }).click();
    await page.getByRole('heading', { name: 'On reading together' }).waitFor();
  };

  it('lets two users work on one document', async () => {
    const context = { viewport: { width: 1360, height: 900 } };
    const wrong = await enter(await browser.newContext(context), 'alice', 'no');
    await wrong.getByText('Wrong name or password.').waitFor();

    const alice = await enter(await browser.newContext(context), 'alice');
    const bob = await enter(await browser.newContext(context), 'bob');
    const errors: string[] = [];
    for (const page of [alice, bob]) page.on('pageerror', (error) => errors.push(error.message));
    await open(alice);
    await open(bob);

    await alice
      .getByLabel('Document text')
      .getByText('Reading is often')
      .dblclick({ position: { x: 20, y: 10 } });
    await alice.getByText('About “Reading').waitFor();
    await alice.getByLabel('Annotation text').fill('Is it <b>really</b> lonely?');
    await alice.getByRole('button', { name: 'Add annotation' }).click();
    const atBob = bob.getByRole('article', { name: 'Annotation by alice: Is it <b>really</b> lonely?' });
    await atBob.waitFor();
    const atAlice = alice.getByRole('article', { name: 'Annotation by alice' });

    await atAlice.getByLabel('Comment text').fill('a secret');
    await atAlice.getByLabel('Private').check();
    await atAlice.getByRole('button', { name: 'Add comment' }).click();
    await atAlice.getByText('alice: a secret (private)').waitFor();
    await atBob.getByLabel('Comment text').fill('I think so');
    await atBob.getByRole('button', { name: 'Add comment' }).click();
    await atAlice.getByText('bob: I think so').waitFor();
    await alice.getByText('bob commented on your annotation: I think so').waitFor();
    expect(await bob.getByText('a secret').count()).toBe(0);

    await bob.getByLabel('Tag name').fill('quote');
    await bob.getByRole('button', { name: 'Create tag' }).click();
    await atAlice.getByLabel('Tag').selectOption('quote');
    await atBob.getByLabel('Tag').and(bob.locator(':has(option:checked:text("quote"))')).waitFor();
    await bob.getByLabel('Tag name').fill('quote');
    await bob.getByRole('button', { name: 'Create tag' }).click();
    await bob.getByRole('alert', { name: 'Messages' }).getByText('A tag named quote exists').waitFor();

    await alice.getByLabel('File').setInputFiles({ name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('twelve bytes') });
    await alice.getByRole('button', { name: 'Upload' }).click();
    await bob.getByText('notes.txt (12 bytes)').waitFor();
    await bob.getByRole('list', { name: 'Activity feed' }).getByText('alice uploaded').waitFor();

    const download = bob.waitForEvent('download');
    await bob.getByRole('button', { name: 'Download notes.txt' }).click();
    expect(readFileSync(await (await download).path(), 'utf8')).toBe('twelve bytes');

    await atBob.getByRole('button', { name: 'Delete' }).click();
    await bob.getByRole('alert', { name: 'Messages' }).getByText('belongs to another user').waitFor();
    const screenshot = process.env.ANNOTATOR_SCREENSHOT;
    if (screenshot) {
      await alice.screenshot({ path: `${screenshot}-alice.png` });
      await bob.emulateMedia({ colorScheme: 'dark' });
      await bob.screenshot({ path: `${screenshot}-bob.png` });
      await wrong.screenshot({ path: `${screenshot}-login.png` });
    }
    await atAlice.getByRole('button', { name: 'Edit' }).click();
    await atAlice.getByLabel('New text').fill('Never lonely');
    await atAlice.getByRole('button', { name: 'Save' }).click();
    await bob.getByRole('article', { name: 'Annotation by alice: Never lonely' }).waitFor();
    await atAlice.getByRole('button', { name: 'Delete' }).click();
    await bob.getByRole('article', { name: 'Annotation by alice' }).waitFor({ state: 'detached' });

    await bob.getByRole('button', { name: 'Field notes, spring' }).click();
    await bob.getByText('Two herons at the weir').waitFor();
    await alice.getByLabel('New title').fill('On reading');
    await alice.getByRole('button', { name: 'Rename' }).click();
    await bob.getByRole('button', { name: 'On reading', exact: true }).waitFor();
    expect(errors).toEqual([]);
  }, 40_000);
});
