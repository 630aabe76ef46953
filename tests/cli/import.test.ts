import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sample } from '../capture/sources/files.js';
import { createWorld, type World } from './run.js';

let world: World;
beforeEach(() => {
  world = createWorld();
});
afterEach(() => world.clean());

const recordings = (): string[] => (existsSync(join(world.folder, 'recordings')) ? readdirSync(join(world.folder, 'recordings')).sort() : []);
const yaml = (name: string): string => readFileSync(join(world.folder, 'recordings', `${name}.yaml`), 'utf8');

describe('import', () => {
  test('writes a recording of each file, and says what is not in it', async () => {
    const cli = world.cli('import', 'care', sample('care.json'), '--user', '3=guest', '--redact', 'content');
    expect(await cli.ends()).toBe(0);
    expect(recordings()).toEqual(['two-people-note.yaml']);
    expect(yaml('two-people-note')).toContain('user: guest');
    expect(cli.text()).toMatch(/two-people-note\.yaml: finished\n {2}2 sessions, 7 traces/);
    expect(cli.text()).toContain('2 traces of the event stats left out: telemetry');
    expect(cli.text()).not.toContain('reload the page');
    expect(existsSync(join(world.folder, '.socket-replay', 'captures'))).toBe(false);

    const har = world.cli(
      'import',
      'har',
      sample('devtools.har'),
      '--name',
      'checkout',
      '--user',
      '1=alice',
      '2=alice',
      '--exclude',
      'fire',
      '--out',
      'recordings',
    );
    expect(await har.ends(), har.text()).toBe(0);
    expect(yaml('checkout')).toMatch(/source: har/);
    expect(yaml('checkout')).not.toMatch(/fire|t-1/);
    expect(har.text()).toContain('1 event excluded');
  });

  test('writes all files or none', { timeout: 90_000 }, async () => {
    const bad = join(world.folder, 'bad.json');
    writeFileSync(bad, '{"schemaVersion":2}');
    const cli = world.cli('import', 'care', sample('care.json'), bad, join(world.folder, 'none.json'));
    expect(await cli.ends()).toBe(2);
    expect(cli.text()).toContain('Unsupported schemaVersion: 2. Expected 1.');
    expect(cli.text()).toContain('ENOENT');
    expect(cli.text()).not.toMatch(/\n\s+at .*\.ts/);

    const silent = join(world.folder, 'silent.json');
    writeFileSync(silent, JSON.stringify({ schemaVersion: 1, traceCount: 0, recording: { name: 'silent', status: 'finished' }, traces: [] }));
    const empty = world.cli('import', 'care', sample('care.json'), silent);
    expect(await empty.ends()).toBe(2);
    expect(empty.text()).toContain('holds nothing that a client did');

    const twice = world.cli('import', 'care', sample('care.json'), sample('care.json'));
    expect(await twice.ends()).toBe(2);
    expect(twice.text()).toContain('REPLAY_DUPLICATE_RECORDING');
    expect(recordings()).toEqual([]);
  });

  test('refuses what is there, a name for several files, and a name that is none', { timeout: 90_000 }, async () => {
    expect(await world.cli('import', 'har', sample('devtools.har')).ends()).toBe(0);
    const before = yaml('devtools');
    const again = world.cli('import', 'har', sample('devtools.har'));
    expect(await again.ends()).toBe(2);
    expect(again.text()).toContain('REPLAY_RECORDING_EXISTS');
    expect(await world.cli('import', 'har', sample('devtools.har'), '--force', '--user', '1=alice').ends()).toBe(0);
    expect(yaml('devtools')).not.toBe(before);
    for (const args of [
      [sample('devtools.har'), sample('devtools.har'), '--name', 'one'],
      [sample('devtools.har'), '--name', '../one'],
    ]) {
      const cli = world.cli('import', 'har', ...args);
      expect(await cli.ends()).toBe(2);
      expect(cli.text()).toContain('REPLAY_USAGE');
    }
  });
});
