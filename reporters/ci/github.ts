/** Failures where a GitHub pull request shows them: at the line of the YAML, and in the job's summary. */
import { appendFile } from 'node:fs/promises';
import { idOf, playwrightCommand, rerunCommand } from '../../src/results/command.js';
import { saturatedWords } from '../../src/results/harness.js';
import { ackTimeoutOf, failureWords, gates, modeWords, overWords } from '../../src/results/headline.js';
import type { Failure, Results } from '../../src/results/schema.js';
import { milliseconds, plural, visible } from '../../src/results/text.js';

/** GitHub shows ten a step, and takes a summary of 1 MiB. */
const MOST_ANNOTATIONS = 10;
const MOST_ROWS = 100;

export function githubAnnotations(results: Results): string[] {
  const errors = [...results.errors, ...results.tests.flatMap((test) => test.errors)].map(
    ({ code, message }) => `::error title=${property(code)}::${data(message)}`,
  );
  const failures = causes(results).map((failure) => {
    const title = `${failure.recording}: ${failure.session}'s ${failure.label}`;
    const text = `${failureWords(failure, ackTimeoutOf(results, failure))}${overWords(failure)} (${failure.count}x in ${failure.projects.join(', ')})`;
    return `::error file=${property(failure.file)},line=${failure.line},title=${property(visible(title))}::${data(text)}`;
  });
  return [...failures, ...errors].slice(0, MOST_ANNOTATIONS);
}

const causes = (results: Results): Failure[] => results.failures.filter((failure) => !failure.follows && gates(failure));

/** As @actions/core does: a payload must not end the command or begin another one. */
const data = (text: string): string => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
const property = (text: string): string => data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');

export function markdownSummary(results: Results): string {
  const icon = { passed: '✅', updated: '📝', failed: '❌', interrupted: '⏸️', 'not-started': '⛔' }[results.verdict];
  const lines = [`### ${icon} socket-replay: ${results.verdict}`, '', cell(results.headline), ''];
  const iterations = results.tests.filter(({ kind }) => kind === 'iteration');
  if (iterations.length > 0 || results.notRun.length > 0) {
    lines.push('| iteration | result | clients | p50 | p95 |', '| --- | --- | ---: | ---: | ---: |');
    const time = (value: number | null): string => (value === null ? '–' : milliseconds(value));
    for (const test of iterations)
      lines.push(
        `| ${cell(test.test.project)} | ${test.verdict === 'finished' ? 'passed' : test.verdict} | ${test.clients} | ${time(test.latency.p50)} | ${time(test.latency.p95)} |`,
      );
    for (const { project } of results.notRun) lines.push(`| ${cell(project)} | not run | – | – | – |`);
    lines.push('');
  }
  for (const words of [...results.tests.flatMap(modeWords), ...saturatedWords(results.tests)]) lines.push(cell(words), '');
  const failures = causes(results);
  if (failures.length > 0) {
    lines.push('| trace | what | where | times |', '| --- | --- | --- | ---: |');
    for (const failure of failures.slice(0, MOST_ROWS))
      lines.push(
        `| ${cell(`${failure.recording}: ${failure.session}'s ${failure.label}`)} | ${cell(failureWords(failure, ackTimeoutOf(results, failure)))} | ${cell(`${failure.file}:${failure.line}`)} | ${failure.count} |`,
      );
    if (failures.length > MOST_ROWS) lines.push('', `and ${plural(failures.length - MOST_ROWS, 'more cause', 'more causes')}`);
    const [first] = failures;
    const test = first && results.tests.find(({ test: { project } }) => project === first.first.project);
    if (first && test)
      lines.push('', '```', ...[playwrightCommand(test, first.recording), rerunCommand(idOf(first))].map((line) => line.replaceAll('`', "'")), '```');
  }
  for (const { code, message } of results.errors) lines.push('', `**${cell(code)}** ${cell(message)}`);
  return `${lines.join('\n')}\n`;
}

/** Text of an application in a Markdown table: neither markup nor a new cell. */
const cell = (text: string): string =>
  visible(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replace(/[\\`*_{}[\]()#+!|~@]/g, (character) => `&#${character.charCodeAt(0)};`);

/** In a GitHub workflow only. */
export async function printAnnotations(results: Results, env: NodeJS.ProcessEnv = process.env): Promise<void> {
  if (!env.GITHUB_ACTIONS) return;
  for (const line of githubAnnotations(results)) console.log(line);
  if (env.GITHUB_STEP_SUMMARY) await appendFile(env.GITHUB_STEP_SUMMARY, markdownSummary(results));
}
