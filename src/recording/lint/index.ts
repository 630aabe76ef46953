/** What a reviewer should know of recordings before they are committed: leaks, dates, names, loose ends, sizes. Pure. */
import type { Where } from '../../errors.js';
import { placesOf } from '../places.js';
import { placeFinder } from '../read.js';
import type { Recording } from '../schema.js';
import { dates } from './dates.js';
import { ambiguousIds, unmadeNames } from './names.js';
import { type Finding, type RuleName, rules, type Subject } from './rules.js';
import { leaks, people, unconfigured } from './secrets.js';
import { sizes } from './size.js';
import { ends, happens } from './story.js';

export interface LintFinding {
  rule: RuleName;
  severity: 'error' | 'warning';
  where: Where;
  what: string;
  advice: string;
}

export interface LintInput {
  recording: Recording;
  file: string;
  text: string;
  bytes: number;
  now: number;
  configured(secret: string): boolean;
}

const all: readonly ((subject: Subject) => Finding[])[] = [leaks, people, unconfigured, dates, unmadeNames, ambiguousIds, ends, happens, sizes];

/** The findings of one recording in the order of the file, without those that a comment allows. */
export function lintRecording({ file, text, ...input }: LintInput): LintFinding[] {
  const placeOf = placeFinder(text, file);
  const lines = text.split('\n');
  const subject: Subject = { ...input, places: placesOf(input.recording) };
  return all
    .flatMap((rule) => rule(subject))
    .map((finding) => lintFinding(finding, placeOf(finding.path, finding.key)))
    .filter(({ rule, where }) => ![where.line ?? 1, (where.line ?? 1) - 1].some((line) => allowed(lines[line - 1] ?? '') === rule))
    .sort((a, b) => (a.where.line ?? 0) - (b.where.line ?? 0) || (a.where.column ?? 0) - (b.where.column ?? 0));
}

export const orphanedFile = (file: string): LintFinding =>
  lintFinding({ rule: 'orphaned-file', path: [], what: 'no recording of this folder uses it' }, { file });

const lintFinding = ({ rule, what }: Finding, where: Where): LintFinding => ({ rule, ...rules[rule], where, what });

/** `# lint: ok RULE because …`, on the line or above it. */
const allowed = (line: string): string | undefined => /#\s*lint:\s*ok\s+([\w-]+)/.exec(line)?.[1];
