import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createWorld, type World } from './run.js';

let world: World;
beforeEach(() => {
  world = createWorld();
  mkdirSync(join(world.folder, 'recordings'));
  cpSync('recordings/tidy-up.yaml', join(world.folder, 'recordings', 'tidy-up.yaml'));
});
afterEach(() => world.clean());

const recording = (name: string, change: (text: string) => string): void => {
  const text = readFileSync(join(world.folder, 'recordings', 'tidy-up.yaml'), 'utf8').replace('name: tidy-up', `name: ${name}`);
  writeFileSync(join(world.folder, 'recordings', `${name}.yaml`), change(text));
};
const run = async (...args: string[]) => {
  const cli = world.cli(...args);
  return { code: await cli.ends(), text: cli.text() };
};

describe('lint', () => {
  test('a clean folder', async () => expect(await run('lint')).toEqual({ code: 0, text: '1 recording: 0 errors, 0 warnings\n' }));

  test('an error fails, with its place and what to do; a warning does not', async () => {
    recording('leak', (text) =>
      text.replace('traces:', 'traces:').replace(/args: \[\{ documentId: (\d) \}\]/, 'args: [{ documentId: $1, password: hunter2 }]'),
    );
    const { code, text } = await run('lint');
    expect(code).toBe(1);
    expect(text).toMatch(/^recordings\/leak\.yaml:\d+:\d+ {2}error {2}this is a password {2}\(secret\)\n {4}Write !secret NAME/);
    expect(text).toContain('2 recordings: 1 error, 0 warnings');
    expect(text).not.toContain('hunter2');
    recording('leak', (all) => all.replace(/args: \[\{ documentId: (\d) \}\]/, 'args: [{ documentId: $1, text: ann@mail.org }]'));
    expect(await run('lint', 'leak')).toMatchObject({ code: 0, text: expect.stringContaining('1 recording: 0 errors, 1 warning') });
  });

  test('a secret that the environment or the configuration names is configured', async () => {
    recording('login', (text) => text.replace(/args: \[\{ documentId: (\d) \}\]/, 'args: [{ documentId: $1, password: !secret password1 }]'));
    expect((await run('lint')).text).toContain('(secret-config)');
    const cli = world.cliWith({ REPLAY_SECRET_PASSWORD1: 'x' }, 'lint');
    await cli.ends();
    expect(cli.text()).not.toContain('secret-config');
    writeFileSync(join(world.folder, 'playwright.config.ts'), 'secrets: { password1: process.env.PW }');
    expect((await run('lint')).text).not.toContain('secret-config');
  });

  test('a file that cannot be read, one that is not there, a side file that nobody uses', async () => {
    recording('broken', (text) => text.replace('sessions:', 'sessoins:'));
    mkdirSync(join(world.folder, 'recordings', 'files'));
    writeFileSync(join(world.folder, 'recordings', 'files', 'b'.repeat(64)), 'x');
    const { code, text } = await run('lint');
    expect(code).toBe(2);
    expect(text).toContain('REPLAY_UNKNOWN_KEY');
    expect(text).toMatch(/recordings\/files\/b{64} {2}warning .*\(orphaned-file\)/);
    expect(text).toContain('1 recording, 1 error of reading: 0 errors, 1 warning');
    expect(await run('lint', 'tidyup')).toMatchObject({ code: 2, text: expect.stringContaining('did you mean') });
  });
});

describe('inspect', () => {
  test('tells what is in a recording, by name or file', async () => {
    const { code, text } = await run('inspect', 'tidy-up');
    expect(code).toBe(0);
    expect(text).toMatch(/^tidy-up {2}\(recordings\/tidy-up\.yaml, \d+\.\d KB\)\n {2}finished, recorded by probe/);
    for (const title of ['Sessions', 'Events', 'Tables', 'Names', 'Matchers']) expect(text).toContain(`\n${title}\n`);
    expect(text.split('\n').every((line) => line.length <= 120)).toBe(true);
    expect((await run('inspect', join('recordings', 'tidy-up.yaml'))).text).toBe(text);
  });

  test('only names, each with the line that makes it', async () => {
    const { text } = await run('inspect', 'tidy-up', '--names');
    const [, name, line] = /^Names\n {2}!id (\w+): .*\n {6}made in line (\d+), in the row of/.exec(text) ?? [];
    const lines = readFileSync('recordings/tidy-up.yaml', 'utf8').split('\n');
    expect(lines[Number(line) - 1]).toContain(`!id ${name}`);
    expect(text).not.toContain('Sessions');
  });

  test('says what lint would, and what keeps it from being replayed', async () => {
    recording('off', (text) => text.replace('status: finished', 'status: truncated\nstatusReason: event_cap\ndisabled: true'));
    const { text } = await run('inspect', 'off');
    expect(text).toContain('truncated (event_cap)');
    expect(text).toMatch(/Before a replay\n {2}it is disabled/);
    expect(text).toMatch(/Notes\n {2}line \d+: the capture did not finish: truncated/);
  });

  test('nothing of that name', async () =>
    expect(await run('inspect', 'nothing')).toMatchObject({ code: 2, text: expect.stringMatching(/^REPLAY_RECORDING_NOT_FOUND/) }));
});
