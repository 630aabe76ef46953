/** Edits on the disk: all files or none, links and marks kept, and the difference as git shows it. */
import { execFileSync } from 'node:child_process';
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Edit } from '../../src/recording/edit.js';
import { editFiles } from '../../src/recording/edit-files.js';
import { editRecording } from '../../src/recording/edit-recording.js';
import { lineDiff } from '../../src/recording/line-diff.js';
import fc from '../fast-check.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'edit-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const text = (name: string, more = '') =>
  `version: 1\nname: ${name}\nstatus: finished\nsessions:\n  - id: alice\n    traces:\n      - emit: x # mine\n        args: [1]${more}\n`;
const put = (name: string, content: string) => writeFileSync(join(folder, name), content);
const get = (name: string) => readFileSync(join(folder, name), 'utf8');
const edit = (edits: Edit[], chosen: string[] = []) => editFiles(folder, chosen, (content, options) => editRecording(content, options, () => edits));
const toY: Edit = { at: ['sessions', 0, 'traces', 0, 'emit'], set: 'y' };

it('edits all files of a folder, or those named by path or name, and writes when told', () => {
  for (const name of ['a', 'b', 'c']) put(`${name}.yaml`, text(name));
  const some = edit([toY], ['a', join(folder, 'b.yaml')]);
  expect(some.read).toBe(2);
  expect(get('a.yaml')).toBe(text('a'));
  some.write();
  expect(['a', 'b', 'c'].map((name) => get(`${name}.yaml`) === text(name).replace('emit: x', 'emit: y'))).toEqual([true, true, false]);
  edit([toY]).write();
  expect(get('c.yaml')).toContain('emit: y # mine');
  expect(edit([toY]).changed).toHaveLength(3);
  expect(readdirSync(folder)).toEqual(['a.yaml', 'b.yaml', 'c.yaml']);
});

it('writes no file when one is wrong, and says where', () => {
  put('a.yaml', text('a'));
  put('b.yaml', text('b', '\n        acj: 1'));
  put('c.yaml', text('c', '\n\tx'));
  expect(() => edit([toY])).toThrow(/REPLAY_UNKNOWN_KEY[\s\S]*b\.yaml:9:9[\s\S]*REPLAY_YAML_SYNTAX[\s\S]*c\.yaml:9/);
  expect(get('a.yaml')).toBe(text('a'));
});

it('refuses an edit that makes no recording, or that would change other places', () => {
  put('a.yaml', text('a'));
  expect(() => edit([{ at: ['sessions', 0, 'traces', 0, 'emit'], remove: true }])).toThrow(/a trace is exactly one of/);
  put('a.yaml', text('a').replace('emit: x', 'emit: &e x').replace('[1]', '[1, *e]'));
  expect(() => edit([toY])).toThrow(/REPLAY_EDIT_REFUSED: other places use the anchor `&e`[\s\S]*a\.yaml:7:14/);
  expect(get('a.yaml')).toContain('emit: &e x');
});

it('names what there is not', () => {
  put('flow.yaml', text('flow'));
  expect(() => edit([toY], ['flw'])).toThrow(/REPLAY_RECORDING_NOT_FOUND.*`flw`, did you mean `flow`/);
  rmSync(join(folder, 'flow.yaml'));
  expect(() => edit([toY])).toThrow(/REPLAY_NO_RECORDINGS/);
});

it('keeps a byte order mark, the mode of the file, and a link', () => {
  mkdirSync(join(folder, 'real'));
  writeFileSync(join(folder, 'real', 'b.yaml'), `\ufeff${text('b')}`);
  chmodSync(join(folder, 'real', 'b.yaml'), 0o640);
  symlinkSync(join(folder, 'real', 'b.yaml'), join(folder, 'b.yaml'));
  edit([toY]).write();
  expect(get('b.yaml')).toBe(`\ufeff${text('b').replace('emit: x', 'emit: y')}`);
  expect(lstatSync(join(folder, 'b.yaml')).isSymbolicLink()).toBe(true);
  expect(statSync(join(folder, 'b.yaml')).mode & 0o777).toBe(0o640);
});

it('harms no file when it cannot write all of them', () => {
  put('a.yaml', text('a'));
  mkdirSync(join(folder, 'gone'));
  writeFileSync(join(folder, 'gone', 'b.yaml'), text('b'));
  const edited = edit([toY], [join(folder, 'a.yaml'), join(folder, 'gone', 'b.yaml')]);
  rmSync(join(folder, 'gone'), { recursive: true });
  writeFileSync(join(folder, 'gone'), 'a file where the folder was');
  expect(() => edited.write()).toThrow();
  expect(get('a.yaml')).toBe(text('a'));
  expect(readdirSync(folder)).toEqual(['a.yaml', 'gone']);
});

describe('the difference', () => {
  it('is what git applies', () => {
    execFileSync('git', ['init', '-q'], { cwd: folder });
    const line = fc.constantFrom('a', 'b', 'c', '');
    fc.assert(
      fc.property(
        fc.array(line, { minLength: 1, maxLength: 40 }),
        fc.array(fc.tuple(fc.nat(80), fc.nat(6), fc.constantFrom('', 'x\n', '\n', 'y', 'z\nz\n')), { maxLength: 4 }),
        (lines, cuts) => {
          const before = `${lines.join('\n')}\n`;
          let at = 0;
          const splices = cuts.flatMap(([skip, length, added]) => {
            const start = at + skip;
            const end = start + length;
            if (end >= before.length) return [];
            at = end + 1;
            return [{ start, end, text: added }];
          });
          put('f', before);
          const diff = lineDiff('f', before, splices);
          let after = '';
          let copied = 0;
          for (const splice of splices) {
            after += before.slice(copied, splice.start) + splice.text;
            copied = splice.end;
          }
          after += before.slice(copied);
          if (diff.length > 0) execFileSync('git', ['apply', '--whitespace=nowarn', '--unidiff-zero', '-'], { cwd: folder, input: `${diff.join('\n')}\n` });
          expect(get('f')).toBe(after);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('shows lines around, and nothing else', () => {
    put('a.yaml', text('a'));
    expect(edit([toY]).diff.slice(2)).toEqual([
      '@@ -4,5 +4,5 @@',
      ' sessions:',
      '   - id: alice',
      '     traces:',
      '-      - emit: x # mine',
      '+      - emit: y # mine',
      '         args: [1]',
    ]);
  });
});
