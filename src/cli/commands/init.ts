/** `socket-replay init`: what a project needs to replay, and nothing else. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { z } from 'zod';
import { recordingJsonSchema, vscodeCustomTags } from '../../recording/json-schema.js';
import type { Console } from '../console.js';
import { exitCodes } from '../exit.js';
import { run } from '../run.js';
import { hintsFrom, ignored, playwrightConfig, recordingsSpec } from '../templates.js';

export const initCommand = (): Command =>
  new Command('init')
    .description('Write what a project needs to replay: Playwright configuration, the scenario, editor settings.')
    .option('--force', 'replace files that differ')
    .addHelpText('after', '\nExamples:\n  npx socket-replay init')
    .action((options: { force?: boolean }) => run((terminal) => init(terminal, options)));

const SETTINGS = join('.vscode', 'settings.json');
const SCHEMA = 'recordings/recording.schema.json';

function init(terminal: Console, options: { force?: boolean }): number {
  const hints = hintsFrom(readScripts());
  const files: [string, string][] = [
    ['playwright.config.ts', playwrightConfig(hints)],
    [join('scenarios', 'recordings.spec.ts'), recordingsSpec],
    [SCHEMA, `${JSON.stringify(recordingJsonSchema(), null, 2)}\n`],
  ];
  const kept: string[] = [];
  for (const [file, text] of files) {
    if (existsSync(file) && readFileSync(file, 'utf8') !== text && options.force !== true) kept.push(file);
    else write(terminal, file, text);
  }
  addLines(terminal, '.gitignore', ignored);
  const settings = mergeSettings(existsSync(SETTINGS) ? readFileSync(SETTINGS, 'utf8') : '{}');
  if (settings === undefined) kept.push(`${SETTINGS} (not plain JSON: add "yaml.customTags" yourself, see docs/reference/recording.md)`);
  else write(terminal, SETTINGS, settings);
  for (const file of kept) terminal.print(`kept     ${file}`);
  if (kept.length > 0 && options.force !== true) terminal.print('What was kept is yours; --force replaces it.');
  terminal.print('Next: edit baseURL, login and webServer in playwright.config.ts, then npx socket-replay record');
  return exitCodes.good;
}

function write(terminal: Console, file: string, text: string): void {
  if (existsSync(file) && readFileSync(file, 'utf8') === text) {
    terminal.print(`as it is ${file}`);
    return;
  }
  const folder = dirname(file);
  const verb = existsSync(file) ? 'changed ' : 'wrote   ';
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, text);
  terminal.print(`${verb} ${file}`);
}

function addLines(terminal: Console, file: string, lines: readonly string[]): void {
  const present = existsSync(file) ? readFileSync(file, 'utf8') : '';
  write(terminal, file, withLines(present, lines));
}

/** Adds what is not there, at the end. */
export function withLines(text: string, lines: readonly string[]): string {
  const has = new Set(text.split(/\r?\n/).map((line) => line.trim().replace(/^\//, '').replace(/\/$/, '')));
  const missing = lines.filter((line) => !has.has(line.replace(/\/$/, '')));
  if (missing.length === 0) return text;
  return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${missing.join('\n')}\n`;
}

const settingsSchema = z.looseObject({
  'yaml.customTags': z.array(z.string()).optional(),
  'yaml.schemas': z.record(z.string(), z.unknown()).optional(),
});

/** Only the two keys are touched, and in them only what is ours is added; undefined: not JSON that can be written back. */
export function mergeSettings(text: string): string | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text.trim() === '' ? '{}' : text);
  } catch {
    return undefined;
  }
  const settings = settingsSchema.safeParse(json);
  if (!settings.success) return undefined;
  const tags = settings.data['yaml.customTags'] ?? [];
  const schemas = settings.data['yaml.schemas'] ?? {};
  const merged = {
    ...settings.data,
    'yaml.customTags': [...tags, ...vscodeCustomTags.filter((tag) => !tags.includes(tag))],
    'yaml.schemas': { ...schemas, [`./${SCHEMA}`]: schemas[`./${SCHEMA}`] ?? 'recordings/*.yaml' },
  };
  return JSON.stringify(merged) === JSON.stringify(settings.data) ? text : `${JSON.stringify(merged, null, 2)}\n`;
}

function readScripts(): Record<string, unknown> {
  try {
    return z.object({ scripts: z.record(z.string(), z.unknown()) }).parse(JSON.parse(readFileSync('package.json', 'utf8'))).scripts;
  } catch {
    return {};
  }
}
