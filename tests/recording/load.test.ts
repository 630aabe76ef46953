import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadRecordings, saveRecording } from '../../src/recording/load.js';
import type { Recording } from '../../src/recording/schema.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'recordings-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const make = (name: string, more: Partial<Recording> = {}): Recording => ({
  version: 1,
  name,
  status: 'finished',
  sessions: [{ id: 'alice', traces: [{ emit: 'x' }] }],
  ...more,
});
const names = (select?: string[]) => loadRecordings(folder, select).recordings.map(({ recording }) => recording.name);
const codes = (select?: string[]) => loadRecordings(folder, select).errors.map(({ code, what }) => `${code} ${what}`);

describe('loadRecordings', () => {
  it('reads what saveRecording wrote, in the order of the file names', () => {
    for (const name of ['b', 'a', 'B', 'a10', 'a2']) saveRecording(folder, make(name));
    writeFileSync(join(folder, 'recording.schema.json'), '{}');
    writeFileSync(join(folder, 'notes.yml'), 'x');
    mkdirSync(join(folder, 'folder.yaml'));
    expect(names()).toEqual(['B', 'a', 'a10', 'a2', 'b']);
    expect(codes()).toEqual([]);
    expect(loadRecordings(folder).recordings[1]?.lineOf(0, 0)).toBe(8);
  });

  it('selects by name; disabled ones only when named', () => {
    saveRecording(folder, make('a'));
    saveRecording(folder, make('b', { disabled: true }));
    expect(names()).toEqual(['a']);
    expect(names([])).toEqual(['a']);
    expect(names(['b', 'a'])).toEqual(['a', 'b']);
    expect(names(['annotate'])).toEqual([]);
    saveRecording(folder, make('annotate-together'));
    expect(codes(['annotate-togehter'])).toEqual(['REPLAY_RECORDING_NOT_FOUND there is no recording `annotate-togehter`, did you mean `annotate-together`?']);
  });

  it('says when there is nothing to replay', () => {
    expect(codes()[0]).toMatch(/^REPLAY_NO_RECORDINGS no recording/);
    saveRecording(folder, make('a', { disabled: true }));
    expect(codes()[0]).toMatch(/^REPLAY_NO_RECORDINGS every recording .* is disabled/);
    folder = join(folder, 'none');
    expect(codes()[0]).toMatch(/^REPLAY_NO_RECORDINGS there is no folder/);
  });

  it('reports all errors of all files, and loads the others', () => {
    saveRecording(folder, make('a'));
    writeFileSync(join(folder, 'broken.yaml'), 'version: 1\nname: b b\nstatus: x\nsessions: []\n');
    writeFileSync(join(folder, 'bytes.yaml'), new Uint8Array([0x76, 0xff, 0xfe]));
    writeFileSync(join(folder, 'copy.yaml'), readFileSync(join(folder, 'a.yaml')));
    expect(loadRecordings(folder).errors.map(({ code }) => code)).toEqual([
      'REPLAY_INVALID_VALUE',
      'REPLAY_INVALID_VALUE',
      'REPLAY_INVALID_VALUE',
      'REPLAY_YAML_SYNTAX',
      'REPLAY_DUPLICATE_RECORDING',
    ]);
    expect(names()).toEqual(['a', 'a']);
    expect(codes(['broken']).filter((code) => code.includes('NOT_FOUND'))).toEqual([]);
  });

  it('keeps large binary values beside the recording, and checks them', () => {
    const bytes = new Uint8Array(5000).fill(3);
    saveRecording(folder, make('a', { sessions: [{ id: 'alice', traces: [{ emit: 'x', args: [bytes] }] }] }));
    const [file] = readdirSync(join(folder, 'files')) as [string];
    expect(readdirSync(folder).sort()).toEqual(['a.yaml', 'files']);
    writeFileSync(join(folder, 'files', file), 'other');
    expect(codes()[0]).toMatch(/^REPLAY_BINARY_MISSING/);
    saveRecording(folder, make('b', { sessions: [{ id: 'alice', traces: [{ emit: 'x', args: [bytes] }] }] }));
    expect(loadRecordings(folder).recordings[0]?.recording.sessions[0]?.traces[0]?.args).toEqual([bytes]);
  });

  it('parses equal texts once', () => {
    saveRecording(folder, make('cached'));
    const [first] = loadRecordings(folder).recordings;
    expect(loadRecordings(folder).recordings[0]?.recording).toBe(first?.recording);
    saveRecording(folder, make('cached', { statusReason: 'changed' }));
    expect(loadRecordings(folder).recordings[0]?.recording.statusReason).toBe('changed');
  });

  it('shows paths relative to the working directory when inside it', () => {
    saveRecording(folder, make('a'));
    expect(loadRecordings(folder).recordings[0]?.file).toBe(join(folder, 'a.yaml'));
    const inside = mkdtempSync(join(process.cwd(), '.recordings-test-'));
    try {
      saveRecording(inside, make('a'));
      expect(loadRecordings(inside).recordings[0]?.file).toBe(join(relative(process.cwd(), inside), 'a.yaml'));
    } finally {
      rmSync(inside, { recursive: true });
    }
  });
});

describe('saveRecording', () => {
  it('never leaves the folder', () => {
    expect(() => saveRecording(folder, make('../a'))).toThrow(/REPLAY_INVALID_VALUE/);
  });

  it('leaves the old file when it cannot write', () => {
    saveRecording(folder, make('a'));
    const before = readFileSync(join(folder, 'a.yaml'), 'utf8');
    writeFileSync(join(folder, 'files'), 'in the way');
    expect(() => saveRecording(folder, make('a', { unattributed: [{ insert: 't', row: { a: new Uint8Array(5000) } }] }))).toThrow();
    expect(readFileSync(join(folder, 'a.yaml'), 'utf8')).toBe(before);
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});
