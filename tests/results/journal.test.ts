import { closeSync, mkdtempSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { journalOn, openJournal } from '../../src/results/journal.js';
import { readJournal } from '../../src/results/read.js';
import type { JournalRecord } from '../../src/results/schema.js';

const file = (): string => join(mkdtempSync(join(tmpdir(), 'replay-journal-')), 'deep', 'a.ndjson');
const note = (message: string): JournalRecord => ({ type: 'note', level: 'info', code: 'n', message });
async function read(path: string): Promise<JournalRecord[]> {
  const records: JournalRecord[] = [];
  for await (const record of readJournal(path)) records.push(record);
  return records;
}
const written = (text: string): string => {
  const path = join(mkdtempSync(join(tmpdir(), 'replay-journal-')), 'a.ndjson');
  writeFileSync(path, text);
  return path;
};

describe('the writer', () => {
  it('writes every record in order, and nothing before it is asked or 64 KB are full', async () => {
    const path = file();
    const journal = openJournal(path);
    journal.write(note('small'));
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(statSync(path).size).toBe(0);
    const all = Array.from({ length: 3000 }, (_, i) => note(`${i} ${'ä'.repeat(50)}`));
    for (const record of all) journal.write(record);
    await expect.poll(() => statSync(path).size).toBeGreaterThan(64 * 1024);
    await journal.close();
    expect(await read(path)).toEqual([note('small'), ...all]);
  });

  it('flushes after a second by itself', async () => {
    const path = file();
    const journal = openJournal(path);
    journal.write(note('a'));
    await expect.poll(() => read(path)).toEqual([note('a')]);
    await journal.close();
  });

  it('has everything in the file after flushSync, also what an asynchronous write is busy with, once', async () => {
    const path = file();
    const journal = openJournal(path);
    const all = Array.from({ length: 5000 }, (_, i) => note(`${i} ${'x'.repeat(60)}`));
    for (const record of all) journal.write(record);
    // The write of the first piece has begun and not ended.
    await Promise.resolve().then(() => undefined);
    journal.flushSync();
    expect(readFileSync(path, 'utf8').split('\n')).toHaveLength(5001);
    // What comes later is not taken for what was being written.
    for (const record of all) journal.write(record);
    await journal.close();
    expect(await read(path)).toEqual([...all, ...all]);
  });

  it('takes a record as it is when it is written', async () => {
    const path = file();
    const journal = openJournal(path);
    const record = { type: 'note' as const, level: 'info' as const, code: 'n', message: 'before' };
    journal.write(record);
    record.message = 'after';
    await journal.close();
    expect(await read(path)).toEqual([note('before')]);
  });

  it('tells at close what could not be written, and does not throw before', async () => {
    const path = written('');
    const descriptor = openSync(path, 'r');
    const journal = journalOn(path, descriptor);
    journal.write(note('lost'));
    await journal.flush();
    journal.write(note('lost too'));
    await expect(journal.close()).rejects.toMatchObject({ code: 'REPLAY_JOURNAL_WRITE' });
    expect(() => closeSync(descriptor)).toThrow();
  });

  it('never writes over another journal', () => {
    expect(() => openJournal(written('x'))).toThrow(/REPLAY_JOURNAL_WRITE/);
  });
});

describe('the reader', () => {
  const good = JSON.stringify(note('good'));

  it('ignores the broken last line of a killed process', async () => {
    expect(await read(written(`${good}\n${good.slice(0, 20)}`))).toEqual([note('good')]);
  });

  it('takes a whole last line without its end', async () => {
    expect(await read(written(`${good}\n${good}`))).toHaveLength(2);
  });

  it.each([
    ['JSON', `${good}\n{"type":\n${good}\n`],
    ['shape', `${good}\n{"type":"note","level":"loud"}\n${good}\n`],
    ['type', `${good}\n{"type":"song"}\n`],
  ])('names file and line of a line with broken %s', async (_, text) => {
    const path = written(text);
    await expect(read(path)).rejects.toMatchObject({ code: 'REPLAY_JOURNAL_INVALID', where: { file: path, line: 2 } });
  });

  it('keeps what other readers lose: U+2028 inside a line, keys named __proto__, characters over chunk borders', async () => {
    const detail = JSON.parse('{"__proto__":{"polluted":true},"text":"a\\u2028b"}') as never;
    const records: JournalRecord[] = [{ type: 'note', level: 'info', code: 'n', message: 'm', detail }, note(`${'x'.repeat(262_100)}${'😀'.repeat(40)}`)];
    const path = file();
    const journal = openJournal(path);
    for (const record of records) journal.write(record);
    await journal.close();
    const found = await read(path);
    expect(JSON.stringify(found)).toBe(JSON.stringify(records));
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});
