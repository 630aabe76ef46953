/** What a person reads in the terminal when the run has ended. Plain text. */
import { idOf, playwrightCommand, rerunCommand } from '../../src/results/command.js';
import { saturatedWords } from '../../src/results/harness.js';
import { ackTimeoutOf, failureWords, gates, leftWords, modeWords, overWords, quarantineWords, totalsWords, updatedIn } from '../../src/results/headline.js';
import type { Results } from '../../src/results/schema.js';
import { plural, visible } from '../../src/results/text.js';

const AT_MOST = 10;

export function summaryText(results: Results, page: string): string {
  const { verdict, failures, notRun, errors } = results;
  const roots = failures.filter((failure) => !failure.follows && gates(failure));
  const updated = updatedIn(results).length;
  const words = verdict === 'not-started' ? 'not started' : verdict === 'updated' ? `updated ${updated}` : verdict;
  const beside = [
    ...(updated > 0 && verdict !== 'updated' ? [`updated ${updated}`] : []),
    ...(results.quarantined ? [`quarantined ${results.quarantined}`] : []),
  ];
  const lines = ['', `socket-replay: ${[words, ...beside].join(', ')}`];
  if (verdict === 'passed' || verdict === 'updated') lines.push(`  ${results.headline}`);
  else lines.push(`  ${totalsWords(results, results.took)}`);
  const tests = results.tests.flatMap((test) => test.errors.map((error) => ({ ...error, project: test.test.project })));
  for (const { code, message } of errors) lines.push('', ...`${code}: ${message.replace(`${code}: `, '')}`.split('\n').map((line) => `  ${visible(line)}`));
  for (const { code, message, project } of tests.slice(0, AT_MOST))
    lines.push('', ...`${project}: ${code}: ${message.replace(`${code}: `, '')}`.split('\n').map((line) => `  ${visible(line)}`));
  for (const [i, failure] of roots.slice(0, AT_MOST).entries()) {
    const test = results.tests.find((candidate) => candidate.test.project === failure.first.project && candidate.recordings.includes(failure.recording));
    const followers = failures.filter(({ follows }) => follows === failure.id).length;
    lines.push(
      '',
      `  ${i + 1}) ${visible(`${failure.recording}: ${failure.session}'s ${failure.label}`)} — ${failureWords(failure, ackTimeoutOf(results, failure))}${overWords(failure)}`,
      `     ${visible(`${failure.file}:${failure.line}`)}  ${failure.count}x in ${failure.projects.join(', ')}${followers > 0 ? `; ${plural(followers, 'failure')} only follow from it` : ''}`,
    );
    if (test) lines.push(`     ${visible(playwrightCommand(test, failure.recording))}`, `     ${visible(rerunCommand(idOf(failure)))}`);
  }
  if (roots.length > AT_MOST) lines.push('', `  and ${roots.length - AT_MOST} more, see the report`);
  const told = failures.filter((failure) => !failure.follows && !gates(failure));
  for (const failure of told.slice(0, AT_MOST)) {
    const why = failure.updated ? 'updated' : failure.quarantine ? quarantineWords(failure.quarantine) : 'quarantined';
    const what = visible(`${failure.recording}: ${failure.session}'s ${failure.label}`);
    lines.push('', `  ${what} — ${failureWords(failure, ackTimeoutOf(results, failure))}`, `     ${visible(`${failure.file}:${failure.line}`)}  ${why}`);
  }
  if (told.length > AT_MOST) lines.push('', `  and ${told.length - AT_MOST} more that do not count, see the report`);
  const left = leftWords(results);
  if (left) lines.push('', `  ${left}`);
  const said = [...results.tests.flatMap(modeWords), ...saturatedWords(results.tests)];
  if (said.length > 0) lines.push('', ...said.map((words) => `  ${visible(words)}`));
  if (notRun.length > 0) lines.push('', `  Not run: ${notRun.map(({ project }) => project).join(', ')}`);
  return [...lines, '', `  Report: ${page}`, ''].join('\n');
}
