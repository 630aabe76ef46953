/** The command that replays one thing again. Pure, also runs in a browser. */
import type { TestResult } from './schema.js';

/** A test of `regression` is one of several in its project; an iteration is the only one. */
export function playwrightCommand({ test, kind }: Pick<TestResult, 'test' | 'kind'>, recording?: string): string {
  const project = `npx playwright test --project=${shellWord(test.project)}`;
  return kind === 'regression'
    ? `${project} -g ${quoted(escapeRegex(recording !== undefined && test.title.includes(recording) ? recording : test.title))}`
    : project;
}

const escapeRegex = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');

/** Single quotes: in a shell nothing inside them means anything. Windows shells take double ones, so those stand where nothing needs care. */
const quoted = (text: string): string => (/^[\w .:@/-]*$/.test(text) ? `"${text}"` : `'${text.replaceAll("'", "'\\''")}'`);

const shellWord = (text: string): string => (/^[\w.:@/-]+$/.test(text) ? text : quoted(text));
