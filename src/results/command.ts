/** The command that replays one thing again. Pure, also runs in a browser. */
import type { Failure, TestResult } from './schema.js';
import { formatTraceId, type TraceId } from './trace-id.js';

/** A test of `regression` is one of several in its project; an iteration is the only one. */
export function playwrightCommand({ test, kind }: Pick<TestResult, 'test' | 'kind'>, recording?: string): string {
  const project = `npx playwright test --project=${shellWord(test.project)}`;
  return kind === 'regression'
    ? `${project} -g ${quoted(escapeRegex(recording !== undefined && test.title.includes(recording) ? recording : test.title))}`
    : project;
}

/** One trace, with what it needs before it. */
export const rerunCommand = (id: TraceId): string => `npx socket-replay rerun ${formatTraceId(id)}`;

/** The first one of a failure. */
export const idOf = ({ recording, session, trace, first: { iteration, copy } }: Failure): TraceId => ({ recording, session, trace, iteration, copy });

const escapeRegex = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');

/** Single quotes: in a shell nothing inside them means anything. Windows shells take double ones, so those stand where nothing needs care. */
const quoted = (text: string): string => (/^[\w .:@/-]*$/.test(text) ? `"${text}"` : `'${text.replaceAll("'", "'\\''")}'`);

const shellWord = (text: string): string => (/^[\w.:@/-]+$/.test(text) ? text : quoted(text));
