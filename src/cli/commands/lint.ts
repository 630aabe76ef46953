/** `socket-replay lint`: what should not be committed as it is. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { Command } from 'commander';
import { type LintFinding, lintRecording, orphanedFile } from '../../recording/lint/index.js';
import { openRecordings, orphanedFiles } from '../../recording/load.js';
import type { Console } from '../console.js';
import { exitCodes } from '../exit.js';
import { findingLines } from '../lint-text.js';
import { outOption } from '../options.js';
import { run } from '../run.js';

export const lintCommand = (): Command =>
  new Command('lint')
    .description('Look for what should not be committed: secrets, dates that expire, loose ends, oversized values.')
    .argument('[recordings...]', 'names of recordings, files or folders (default: all recordings)')
    .addOption(outOption())
    .addHelpText(
      'after',
      `
Exits with 1 when there is an error; warnings do not count. A comment \`# lint: ok RULE because …\` on the line or above it lets a finding pass.

Examples:
  npx socket-replay lint
  npx socket-replay lint checkout`,
    )
    .action((paths: string[], options: { out: string }) => run((terminal) => lint(terminal, options.out, paths)));

function lint(terminal: Console, folder: string, given: readonly string[]): number {
  const paths = given.length > 0 ? given : [folder];
  const { recordings, errors } = openRecordings(folder, paths);
  for (const error of errors) terminal.print(error.message);
  const settings = settingsText();
  const findings: LintFinding[] = [
    ...recordings.flatMap(({ recording, file, text, sideFiles }) =>
      lintRecording({
        recording,
        file,
        text,
        bytes: sideFiles.reduce((sum, { bytes }) => sum + bytes, Buffer.byteLength(text)),
        now: Date.now(),
        configured: (secret) => settings.includes(secret) || process.env[`REPLAY_SECRET_${secret.toUpperCase()}`] !== undefined,
      }),
    ),
    ...paths.filter((path) => statSync(path, { throwIfNoEntry: false })?.isDirectory()).flatMap((path) => orphanedFiles(path).map(orphanedFile)),
  ];
  for (const line of findingLines(findings, recordings.length, errors.length)) terminal.print(line);
  if (errors.length > 0) return exitCodes.usage;
  return findings.some(({ severity }) => severity === 'error') ? exitCodes.regression : exitCodes.good;
}

/** A secret that the configuration names is supplied; what it supplies is not ours to read. */
function settingsText(): string {
  const file = ['playwright.config.ts', 'playwright.config.js', 'playwright.config.mts', 'playwright.config.mjs'].find((name) => existsSync(name));
  return file === undefined ? '' : readFileSync(file, 'utf8');
}
