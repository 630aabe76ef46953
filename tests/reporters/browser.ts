/** The report in a real browser, from disk and without a network. */
import { copyFileSync, existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from '@playwright/test';
import { build } from 'esbuild';
import { writeReport } from '../../reporters/html/write.js';
import { collectRun, type PlannedProject } from '../../src/results/collect.js';
import { RUN, type SampleTest, writeJournals } from './sample.js';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
export const hasChromium = existsSync(executablePath);

const source = (name: string): string => fileURLToPath(new URL(`../../reporters/html/${name}`, import.meta.url));

export const temporary = (name: string): string => mkdtempSync(join(tmpdir(), `replay-${name}-`));

/** As the build does it. */
export async function buildAssets(): Promise<string> {
  const folder = temporary('assets');
  await build({
    entryPoints: { page: source('page/main.ts'), style: source('page/style/index.css') },
    bundle: true,
    minify: true,
    format: 'iife',
    target: 'es2022',
    outdir: folder,
    logLevel: 'error',
  });
  copyFileSync(source('page.hbs'), join(folder, 'page.hbs'));
  return folder;
}

export const launch = (): Promise<Browser> =>
  chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'],
  });

export async function reportOf(assets: string, tests: readonly SampleTest[], plannedProjects: PlannedProject[] = []): Promise<string> {
  const directory = temporary('run');
  writeJournals(directory, tests);
  const { results, detail } = await collectRun({ directory, run: RUN, startedAt: new Date('2026-11-21T08:00:00Z'), plannedProjects });
  return pathToFileURL(await writeReport(results, detail, temporary('report'), assets)).href;
}

/** What must never happen: errors, violations of the policy, requests, dialogs. */
export interface Watched {
  page: Page;
  problems: string[];
}

export async function openPage(browser: Browser, url: string, options: { width?: number; colorScheme?: 'light' | 'dark' } = {}): Promise<Watched> {
  const context = await browser.newContext({
    offline: true,
    viewport: { width: options.width ?? 1280, height: 900 },
    colorScheme: options.colorScheme ?? 'light',
  });
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('console', (message) => problems.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => problems.push(`error: ${error.message}`));
  page.on('dialog', (dialog) => {
    problems.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    if (!request.url().startsWith('file:')) problems.push(`request: ${request.url()}`);
  });
  page.setDefaultTimeout(5000);
  await page.goto(url);
  await page.locator('#report[data-ready]').waitFor();
  return { page, problems };
}
