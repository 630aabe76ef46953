/** What a reviewer should know of recordings before they are committed: leaks, dates, names, loose ends, sizes. Pure. */
import type { Where } from '../../errors.js';
import { parseYaml } from '../document.js';
import { placesOf } from '../places.js';
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
export function lintRecording({ file, ...input }: LintInput): LintFinding[] {
  // The tree that positions come from is many times larger than the recording, and not kept when it is read.
  const document = parseYaml(input.text, { file, readBinary: () => new Uint8Array() });
  const lines = input.text.split('\n');
  return findingsOf(input, all)
    .map((finding) => lintFinding(finding, document.placeOf(finding.path, finding.key)))
    .filter(({ rule, where }) => ![where.line ?? 1, (where.line ?? 1) - 1].some((line) => allowed(lines[line - 1] ?? '') === rule))
    .sort((a, b) => (a.where.line ?? 0) - (b.where.line ?? 0) || (a.where.column ?? 0) - (b.where.column ?? 0));
}

/** What a reader of one recording should know at once: whether its story is whole, and its dates. */
export const notesOf = (input: Omit<LintInput, 'file'>): string[] => [
  ...new Set(findingsOf(input, [ends, happens, dates, unmadeNames, sizes]).map(({ what }) => what)),
];

function findingsOf({ recording, bytes, now, configured }: Omit<LintInput, 'file'>, chosen: readonly ((subject: Subject) => Finding[])[]): Finding[] {
  const subject: Subject = { recording, places: placesOf(recording), bytes, now, configured };
  return chosen.flatMap((rule) => rule(subject));
}

export const orphanedFile = (file: string): LintFinding =>
  lintFinding({ rule: 'orphaned-file', path: [], what: 'no recording of this folder uses it' }, { file });

const lintFinding = ({ rule, what }: Finding, where: Where): LintFinding => ({ rule, ...rules[rule], where, what });

/** `# lint: ok RULE because …`, on the line or above it. */
const allowed = (line: string): string | undefined => /#\s*lint:\s*ok\s+([\w-]+)/.exec(line)?.[1];
