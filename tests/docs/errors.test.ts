/** docs/reference/errors.md, the catalogue of src/errors.ts, and the codes that the program uses are one list. */
import { describe, expect, it } from 'vitest';
import { catalogue } from '../../src/errors.js';
import { pageOf } from './markdown.js';
import { sources } from './sources.js';

const codes = Object.keys(catalogue).sort();
const page = pageOf('docs/reference/errors.md');
const sections = new Map([...page.text.matchAll(/^### (REPLAY_\w+)\n([\s\S]*?)(?=^##|(?![\s\S]))/gm)].map(([, code = '', body = '']) => [code, body]));
const program = sources.filter(({ file }) => file !== 'src/errors.ts');

describe('the catalogue of errors', () => {
  it('and its documentation have the same codes', () => {
    expect([...sections.keys()].sort()).toEqual(codes);
  });

  it.each(codes)('%s says what happened, where, and the advice of the program', (code) => {
    const body = sections.get(code) ?? '';
    expect(body.trim().split('\n')[0]?.length, 'what happened').toBeGreaterThan(20);
    expect(body).toMatch(/^- Where: \S/m);
    expect(body).toContain(`- To do: ${catalogue[code as keyof typeof catalogue]}\n`);
  });

  it.each(codes)('%s is used', (code) => {
    const quoted = new RegExp(`(?:['"\`]|\\\\n)${code}\\b`);
    // A list of codes (the exit code of each) uses none of them.
    expect(program.filter(({ file }) => file !== 'src/cli/exit.ts').some(({ text }) => quoted.test(text))).toBe(true);
  });

  it('has every code that the program uses', () => {
    const made = program.flatMap(({ text }) =>
      [...text.matchAll(/(?:ReplayError\(|report\(|stop\(|errorAt(?:Tag)?\(|code: |fail(?:ed)?\()\s*'(REPLAY_[A-Z_]+)'/g)].map(([, code]) => code),
    );
    expect(made.length).toBeGreaterThan(codes.length);
    expect([...new Set(made)].filter((code) => code !== undefined && !Object.hasOwn(catalogue, code))).toEqual([]);
  });

  it('has no code in the rest of the documentation that it does not know', () => {
    const linked = [...page.text.matchAll(/\bREPLAY_[A-Z_]+\b/g)].map(([code]) => code);
    const variables = [
      'REPLAY_YES',
      'REPLAY_ITERATIONS',
      'REPLAY_ALLOW_PROTECTED',
      'REPLAY_PROTECTED',
      'REPLAY_RECORDINGS',
      'REPLAY_PROBE_TOKEN',
      'REPLAY_PROBE',
      'REPLAY_REPORT_DIR',
      'REPLAY_SESSION_SECRET',
    ];
    expect(linked.filter((code) => !Object.hasOwn(catalogue, code) && !variables.includes(code))).toEqual([]);
  });
});
