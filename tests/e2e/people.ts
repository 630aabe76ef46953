/**
 * People at work on the annotator's page, in real Chromium. The committed recordings come from these flows
 * (`npm run record-examples`), and the end-to-end tests record and replay them anew.
 */
import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from '@playwright/test';

export const chromiumPath = process.env.CHROMIUM ?? '/usr/bin/chromium';
export const hasChromium = existsSync(chromiumPath);
export const chromiumArgs = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
];

export const openBrowser = (): Promise<Browser> => chromium.launch({ executablePath: chromiumPath, args: chromiumArgs });

/** A user with a window of their own, logged in and connected. */
async function person(browser: Browser, url: string, name: string): Promise<Page> {
  const page = await (await browser.newContext({ viewport: { width: 1360, height: 900 } })).newPage();
  page.setDefaultTimeout(10_000);
  await page.goto(url);
  await page.getByLabel('User name').fill(name);
  await page.getByLabel('Password').fill(`${name}-pw`);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('status', { name: 'Connection' }).getByText('connected').waitFor();
  return page;
}

async function open(page: Page, title: string): Promise<void> {
  await page.getByRole('button', { name: title }).click();
  await page.getByRole('heading', { name: title }).waitFor();
}

async function annotate(page: Page, word: string, text: string): Promise<void> {
  await page
    .getByLabel('Document text')
    .getByText(word)
    .first()
    .dblclick({ position: { x: 20, y: 10 } });
  await page.getByText('About “').waitFor();
  await page.getByLabel('Annotation text').fill(text);
  await page.getByRole('button', { name: 'Add annotation' }).click();
}

const annotationBy = (page: Page, name: string, text: string) => page.getByRole('article', { name: `Annotation by ${name}: ${text}` });

async function comment(page: Page, on: { by: string; text: string }, text: string, isPrivate = false): Promise<void> {
  const article = annotationBy(page, on.by, on.text);
  await article.getByLabel('Comment text').fill(text);
  if (isPrivate) await article.getByLabel('Private').check();
  await article.getByRole('button', { name: 'Add comment' }).click();
}

/** What happens after an acknowledgement (the activity feed) is part of the flow: people see it before they leave. */
const feedShows = (page: Page, text: string): Promise<void> => page.getByRole('list', { name: 'Activity feed' }).getByText(text).first().waitFor();

/** Without the request that logs out, which would be recorded: in a recording with requests each copy logs in for itself. */
async function leave(...pages: Page[]): Promise<void> {
  for (const page of pages) {
    await page.context().clearCookies();
    await page.reload();
    await page.getByLabel('User name').waitFor();
    await page.context().close();
  }
}

/** Alice annotates, bob comments on what she made, she answers and makes a private note, then tags it. */
async function annotateTogether(browser: Browser, url: string): Promise<void> {
  const alice = await person(browser, url, 'alice');
  await open(alice, 'On reading together');
  const bob = await person(browser, url, 'bob');
  await open(bob, 'On reading together');
  const lonely = { by: 'alice', text: 'Is it really lonely?' };
  await annotate(alice, 'Reading is often', lonely.text);
  await annotationBy(bob, 'alice', lonely.text).waitFor();
  await comment(bob, lonely, 'Not with two of us');
  await alice.getByText('bob commented on your annotation: Not with two of us').waitFor();
  await feedShows(alice, 'bob commented');
  await comment(alice, lonely, 'Ask the library for the second copy', true);
  await annotationBy(alice, 'alice', lonely.text).getByText('Ask the library for the second copy (private)').waitFor();
  await alice.getByLabel('Tag name').fill('solitude');
  await alice.getByRole('button', { name: 'Create tag' }).click();
  await annotationBy(alice, 'alice', lonely.text).getByLabel('Tag').selectOption('solitude');
  await feedShows(bob, 'alice tagged');
  await leave(bob, alice);
}

/** Alice annotates and uploads a file that bob downloads; bob may neither edit her annotation nor make a tag that exists. */
async function uploadAndRejection(browser: Browser, url: string): Promise<void> {
  const alice = await person(browser, url, 'alice');
  const bob = await person(browser, url, 'bob');
  await open(alice, 'A short history of the footnote');
  await open(bob, 'A short history of the footnote');
  const source = { by: 'alice', text: 'Which edition?' };
  await annotate(alice, 'footnote', source.text);
  await annotationBy(bob, 'alice', source.text).waitFor();
  await alice.getByLabel('File').setInputFiles({ name: 'notes.bin', mimeType: 'application/octet-stream', buffer: fileOf(6000) });
  await alice.getByRole('button', { name: 'Upload' }).click();
  await bob.getByText('notes.bin (').waitFor();
  const download = bob.waitForEvent('download');
  await bob.getByRole('button', { name: 'Download notes.bin' }).click();
  await (await download).path();
  const atBob = annotationBy(bob, 'alice', source.text);
  await atBob.getByRole('button', { name: 'Edit' }).click();
  await atBob.getByLabel('New text').fill('The second edition');
  await atBob.getByRole('button', { name: 'Save' }).click();
  await bob.getByRole('alert', { name: 'Messages' }).getByText('belongs to another user').waitFor();
  await bob.getByLabel('Tag name').fill('question');
  await bob.getByRole('button', { name: 'Create tag' }).click();
  await bob.getByRole('alert', { name: 'Messages' }).getByText('A tag named question exists').waitFor();
  await feedShows(bob, 'alice uploaded');
  await leave(alice, bob);
}

/** The administrator annotates, edits, deletes and renames. */
async function tidyUp(browser: Browser, url: string): Promise<void> {
  const admin = await person(browser, url, 'admin');
  await open(admin, 'Field notes, spring');
  await annotate(admin, 'herons', 'Grey or white?');
  const article = annotationBy(admin, 'admin', 'Grey or white?');
  await article.getByRole('button', { name: 'Edit' }).click();
  await article.getByLabel('New text').fill('Grey herons');
  await article.getByRole('button', { name: 'Save' }).click();
  await annotationBy(admin, 'admin', 'Grey herons').waitFor();
  await comment(admin, { by: 'admin', text: 'Grey herons' }, 'Seen again in May');
  await admin.getByText('admin: Seen again in May').waitFor();
  await annotationBy(admin, 'admin', 'Grey herons').getByRole('button', { name: 'Delete' }).click();
  await annotationBy(admin, 'admin', 'Grey herons').waitFor({ state: 'detached' });
  await admin.getByLabel('New title').fill('Field notes, early spring');
  await admin.getByRole('button', { name: 'Rename' }).click();
  await admin.getByRole('heading', { name: 'Field notes, early spring' }).waitFor();
  await feedShows(admin, 'admin renamed');
  await leave(admin);
}

/** Bytes that look like a file, the same every time. */
const fileOf = (size: number): Buffer => Buffer.from(Array.from({ length: size }, (_, i) => (i * 31 + (i >> 3)) % 256));

/** By the name of their recording. */
export const flows: Record<string, (browser: Browser, url: string) => Promise<void>> = {
  'annotate-together': annotateTogether,
  'tidy-up': tidyUp,
  'upload-and-rejection': uploadAndRejection,
};
