/** What `lint` says. Pure. */
import type { LintFinding } from '../recording/lint/index.js';
import { plural } from './words.js';

export function findingLines(findings: readonly LintFinding[], recordings: number, unreadable: number): string[] {
  const count = (severity: LintFinding['severity']): number => findings.filter((finding) => finding.severity === severity).length;
  return [
    ...findings.flatMap(({ rule, severity, where, what, advice }) => [
      `${[where.file, where.line, where.column].filter((part) => part !== undefined).join(':')}  ${severity}  ${what}  (${rule})`,
      `    ${advice}`,
    ]),
    `${plural(recordings, 'recording')}${unreadable > 0 ? `, ${plural(unreadable, 'error')} of reading` : ''}: ${plural(count('error'), 'error')}, ${plural(count('warning'), 'warning')}`,
  ];
}
