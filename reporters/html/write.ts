/** Writes `results.json` and `index.html`, one page that opens from disk and needs no network. */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import Handlebars from 'handlebars';
import type { Detail } from '../../src/results/detail.js';
import type { Results } from '../../src/results/schema.js';
import { visible } from '../../src/results/text.js';

const compress = promisify(gzip);

/** page.js, style.css and page.hbs: the build puts them beside the built module. */
export const builtAssets = fileURLToPath(new URL('./assets/', import.meta.url));

export async function writeReport(results: Results, detail: Detail, folder: string, assets = builtAssets): Promise<string> {
  await mkdir(folder, { recursive: true });
  await writeWhole(join(folder, 'results.json'), `${JSON.stringify(results, null, 1)}\n`);
  const page = join(folder, 'index.html');
  await writeWhole(page, await renderPage(results, detail, assets));
  return page;
}

/** A reader never sees half a file, and a failed write leaves the report of the last run. */
async function writeWhole(file: string, text: string): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  await writeFile(temporary, text);
  await rename(temporary, file);
}

export async function renderPage({ traces: _traces, ...results }: Results, detail: Detail, assets = builtAssets): Promise<string> {
  const [template, style, script] = await Promise.all(['page.hbs', 'style.css', 'page.js'].map((name) => readFile(join(assets, name), 'utf8')));
  // Both are ours; the check is against a build that would end its own element.
  for (const text of [style, script]) if (/<\/(script|style)/i.test(text ?? '')) throw new Error('an asset of the report would end its own element');
  const data = await compress(JSON.stringify({ results, detail }));
  const render = Handlebars.compile(template, { strict: true });
  return render({
    title: `${results.verdict}: socket-replay ${visible(results.run)}`,
    verdict: results.verdict,
    headline: visible(results.headline),
    csp: `default-src 'none'; script-src '${hashOf(script ?? '')}'; style-src '${hashOf(style ?? '')}'; base-uri 'none'; form-action 'none'`,
    style,
    script,
    data: data.toString('base64'),
  });
}

const hashOf = (text: string): string => `sha256-${createHash('sha256').update(text).digest('base64')}`;
