/** `prune`, `rename` and `migrate` as a user runs them. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createWorld, type World } from './run.js';

let world: World;
beforeAll(() => {
  world = createWorld();
});
afterAll(() => world.clean());

const flow = `version: 1
name: NAME
status: finished
sessions:
  - id: alice
    times: [[0, 1], [2, 1], [4, 1]]
    traces:
      - emit: cursorMove   # noise
        args: [{ x: 1 }]
      - emit: noteAdd
        args: [{ documentId: 1 }]
        ack: [{ id: !id note1 }]
      # the end
      - emit: noteDelete
        args: [!id note1, { documentId: 1 }]
`;
const file = (name: string) => join(world.folder, 'recordings', `${name}.yaml`);
const text = (name: string) => readFileSync(file(name), 'utf8');
const of = (name: string) => flow.replace('NAME', name);
async function runs(...args: string[]): Promise<{ code: number | null; said: string }> {
  const cli = world.cli(...args);
  const code = await cli.ends();
  expect(cli.text()).not.toMatch(/\n\s+at .*\.ts/);
  return { code, said: cli.text() };
}

beforeEach(() => {
  mkdirSync(join(world.folder, 'recordings'), { recursive: true });
  for (const name of ['one', 'two']) writeFileSync(file(name), of(name));
});

describe('prune', () => {
  test('disables by event and tells what; enables again', async () => {
    const off = await runs('prune', 'one', '--event', 'cursor*');
    expect(off).toEqual({ code: 0, said: 'recordings/one.yaml: 1 trace disabled (cursorMove 1)\n' });
    expect(text('one')).toBe(of('one').replace('{ x: 1 }]\n', '{ x: 1 }]\n        disabled: true\n'));
    expect((await runs('prune', 'one', '--event', 'cursor*')).said).toContain('nothing to do, 1 trace already disabled');
    expect((await runs('prune', '--enable', '--trace', 'alice/0', file('one'))).said).toContain('1 trace enabled (cursorMove 1)');
    expect(text('one')).toBe(of('one'));
  });

  test('--dry-run shows the difference and writes nothing', async () => {
    const { code, said } = await runs('prune', 'one', 'two', '--from', '0', '--to', '0', '--remove', '--dry-run');
    expect(code).toBe(0);
    expect(said.split('\n').filter((line) => /^[-+] /.test(line))).toEqual(
      [...Array(2)].flatMap(() => [
        '-    times: [[0, 1], [2, 1], [4, 1]]',
        '+    times: [[2, 1], [4, 1]]',
        '-      - emit: cursorMove   # noise',
        '-        args: [{ x: 1 }]',
      ]),
    );
    expect(said).toContain('--- a/recordings/one.yaml\n+++ b/recordings/one.yaml\n@@ ');
    expect(said).toMatch(/recordings\/two\.yaml: 1 trace removed \(cursorMove 1\)\nNothing was written \(--dry-run\)\.\n$/);
    expect(text('one')).toBe(of('one'));
  });

  test('warns where a name is lost, and refuses to remove what makes it', async () => {
    const removed = await runs('prune', 'one', 'two', '--event', 'noteAdd', '--remove');
    expect(removed.code).toBe(2);
    expect(removed.said).toMatch(/REPLAY_EDIT_REFUSED: what stays needs names[\s\S]*alice\/2 noteDelete: note1[\s\S]*one\.yaml:14/);
    expect(text('one')).toBe(of('one'));
    const disabled = await runs('prune', 'one', '--event', 'noteAdd');
    expect(disabled.code).toBe(0);
    expect(disabled.said).toMatch(/will be skipped:\n {4}alice\/2 noteDelete: note1/);
  });

  test.each([
    ['no file', ['prune'], /missing required argument/],
    ['nothing chosen', ['prune', 'one'], /REPLAY_USAGE: which traces\?/],
    ['no such trace', ['prune', 'one', '--event', 'noteAd'], /REPLAY_USAGE: no trace fits, did you mean `noteAdd`/],
    ['no number', ['prune', 'one', '--from', 'x'], /REPLAY_USAGE: x is no number/],
    ['no trace', ['prune', 'one', '--trace', 'alice'], /REPLAY_USAGE: --trace alice/],
    ['both ways', ['prune', 'one', '--from', '0', '--remove', '--enable'], /cannot be used with/],
    ['everything', ['prune', 'one', '--from', '0', '--remove'], /REPLAY_EDIT_REFUSED: nothing would be left/],
    ['no recording', ['prune', 'onne', '--from', '0'], /REPLAY_RECORDING_NOT_FOUND.*did you mean `one`/],
  ])('%s', async (_, args, message) => {
    const { code, said } = await runs(...args);
    expect(said).toMatch(message);
    expect(code).toBe(2);
    expect(text('one')).toBe(of('one'));
  });
});

describe('rename', () => {
  test('an event in all recordings', async () => {
    expect(await runs('rename', 'event', 'noteAdd', 'noteCreate')).toEqual({ code: 0, said: 'recordings/one.yaml: 1 place\nrecordings/two.yaml: 1 place\n' });
    for (const name of ['one', 'two']) expect(text(name)).toBe(of(name).replace('noteAdd', 'noteCreate'));
  });

  test('a field, in those named', async () => {
    const { said } = await runs('rename', 'field', 'note*', 'args[0].documentId', 'docId', 'two', '--dry-run');
    expect(said).toContain('-        args: [{ documentId: 1 }]\n+        args: [{ docId: 1 }]\n');
    expect(said).toContain('recordings/two.yaml: 1 place\nNothing was written');
    expect((await runs('rename', 'field', 'noteDelete', '[1].documentId', 'docId', 'two')).code).toBe(0);
    expect([text('one'), text('two')]).toEqual([of('one'), of('two').replace('note1, { documentId', 'note1, { docId')]);
  });

  test('all files or none', async () => {
    writeFileSync(file('two'), `${of('two')}  - id: bob\n    tracez: []\n`);
    const { code, said } = await runs('rename', 'event', 'noteAdd', 'noteCreate');
    expect(code).toBe(2);
    expect(said).toMatch(/REPLAY_UNKNOWN_KEY[\s\S]*two\.yaml:17:5/);
    expect(text('one')).toBe(of('one'));
  });

  test.each([
    ['no such event', ['rename', 'event', 'noteAd', 'x'], /no event noteAd in 2 recordings, did you mean `noteAdd`/],
    ['no table', ['rename', 'table', 'note', 'x'], /no table note in 2 recordings/],
    ['no user', ['rename', 'user', 'alice', 'x'], /no user alice in 2 recordings/],
    ['no field', ['rename', 'field', 'noteAdd', 'documentId', 'x'], /REPLAY_USAGE: documentId is no path/],
    ['a key twice', ['rename', 'field', 'cursorMove', 'args[0].x', 'x', 'one'], /no field args\[0\]\.x/],
    ['an unknown thing', ['rename', 'evnt', 'a', 'b'], /unknown command 'evnt'/],
    ['an unknown place', ['rename', 'field', 'a', 'args[0].b', 'c', '--in', 'bcc'], /Allowed choices are args, ack, push/],
    ['too little', ['rename', 'event', 'a'], /missing required argument/],
  ])('%s', async (_, args, message) => {
    const { code, said } = await runs(...args);
    expect(said).toMatch(message);
    expect(code).toBe(2);
  });

  test('a key that stands there already', async () => {
    writeFileSync(file('one'), of('one').replace('{ x: 1 }', '{ x: 1, y: 2 }'));
    const { code, said } = await runs('rename', 'field', 'cursorMove', 'args[0].x', 'y');
    expect(said).toMatch(/REPLAY_EDIT_REFUSED: the key `y` stands there already[\s\S]*one\.yaml:8/);
    expect(code).toBe(2);
  });
});

describe('give', () => {
  test('makes a value a given name, wherever it stands under the key', async () => {
    const { code, said } = await runs('give', 'one', 'document1', '1', '--key', 'documentId');
    expect([code, said]).toEqual([0, expect.stringContaining('one.yaml: 2 places')]);
    expect(text('one')).toBe(
      of('one').replace('status: finished\n', 'status: finished\ngiven: { document1: 1 }\n').replaceAll('{ documentId: 1 }', '{ documentId: !id document1 }'),
    );
  });

  test('says where the value does not stand', async () => {
    expect(await runs('give', 'one', 'document1', '1', '--key', 'documentId', '--text')).toMatchObject({
      code: 2,
      said: expect.stringContaining('"1" stands nowhere under documentId'),
    });
    expect(await runs('give', 'one', '${x}', '1', '--key', 'x')).toMatchObject({ code: 2, said: expect.stringContaining('a name has no braces') });
  });
});

describe('migrate', () => {
  test('says that there is nothing to do', async () => {
    expect(await runs('migrate')).toEqual({ code: 0, said: 'all 2 recordings are of version 1\n' });
    expect(await runs('migrate', 'one', '--dry-run')).toEqual({ code: 0, said: 'the recording is of version 1\nNothing was written (--dry-run).\n' });
  });

  test('an unknown version, and no recordings', async () => {
    writeFileSync(file('two'), of('two').replace('version: 1', 'version: 9'));
    const newer = await runs('migrate');
    expect(newer.said).toMatch(/REPLAY_VERSION: version 9 is newer than 1[\s\S]*two\.yaml:1:10/);
    expect(newer.code).toBe(2);
    writeFileSync(file('two'), of('two'));
    expect((await runs('migrate', '--out', 'nowhere')).said).toContain('REPLAY_NO_RECORDINGS');
    expect(existsSync(join(world.folder, 'nowhere'))).toBe(false);
  });
});
