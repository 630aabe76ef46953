import { createReadStream } from 'node:fs';
import { z } from 'zod';
import { ReplayError } from '../errors.js';
import { type JournalRecord, journalRecordSchema } from './schema.js';

/**
 * The records of a journal, one by one. A last line without an end is what a killed process leaves, and is ignored if it is
 * broken; every other broken line is an error.
 */
export async function* readJournal(file: string): AsyncGenerator<JournalRecord, void, undefined> {
  let number = 0;
  for await (const { text, complete } of linesOf(file)) {
    number += 1;
    if (text.trim() === '') continue;
    const record = parse(text);
    if (record.ok) yield record.value;
    else if (complete) throw new ReplayError('REPLAY_JOURNAL_INVALID', `A line of the journal is broken: ${record.problem}`, { file, line: number });
  }
}

/** Not by `readline`, which also ends a line at U+2028, a character that JSON leaves as it is. */
async function* linesOf(file: string): AsyncGenerator<{ text: string; complete: boolean }> {
  let rest = '';
  for await (const chunk of createReadStream(file, { encoding: 'utf8', highWaterMark: 256 * 1024 })) {
    const parts = (rest + (chunk as string)).split('\n');
    rest = parts.pop() ?? '';
    for (const text of parts) yield { text, complete: true };
  }
  if (rest !== '') yield { text: rest, complete: false };
}

function parse(text: string): { ok: true; value: JournalRecord } | { ok: false; problem: string } {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (error) {
    return { ok: false, problem: error instanceof Error ? error.message : String(error) };
  }
  const checked = journalRecordSchema.safeParse(raw);
  // The input itself, not the schema's copy of it: zod leaves out keys named `__proto__`, and applications send them.
  return checked.success ? { ok: true, value: raw as JournalRecord } : { ok: false, problem: z.prettifyError(checked.error).replaceAll('\n', ' ') };
}
