/** Which traces are shown. Pure. */
import { differenceWords } from '../../../src/results/headline.js';
import { changesIn, extraOf, type Model, type Row } from './model.js';
import type { PageState } from './state.js';

export function filterRows(model: Model, state: PageState): Row[] {
  const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
  const { outcome, event, table, project, session, copy } = state;
  return model.rows.filter(
    (row) =>
      (outcome === '' || (outcome === 'failed' ? !row.good : row.outcome === outcome)) &&
      (project === '' || row.test.result.test.project === project) &&
      (session === '' || session === row.step.recording.name || session === `${row.step.recording.name}/${row.step.session.id}`) &&
      (copy === '' || String(row.client.session.copy) === copy) &&
      (event === '' || row.step.label === event) &&
      (table === '' || touches(row, table)) &&
      words.every((word) => contains(row, word)),
  );
}

const touches = (row: Row, table: string): boolean => row.step.tables.has(table) || changesIn(extraOf(row).observed).some((change) => change.table === table);

function contains(row: Row, word: string): boolean {
  if (row.step.search.includes(word) || row.outcome.includes(word)) return true;
  const { test } = row.test.result;
  if (test.project.toLowerCase().includes(word) || `@${row.client.session.copy}` === word) return true;
  const extra = row.test.extras.get(row.row);
  return extra !== undefined && textOf(extra).includes(word);
}

const texts = new WeakMap<object, string>();

function textOf(extra: ReturnType<typeof extraOf>): string {
  const known = texts.get(extra);
  if (known !== undefined) return known;
  const words = (extra.differences ?? []).map((difference) => `${difference.path} ${difference.class} ${differenceWords(difference)}`);
  const text = [extra.reason ?? '', ...words].join(' ').toLowerCase();
  texts.set(extra, text);
  return text;
}

/** The tables that any trace writes, recorded or seen. */
export function tablesOf(model: Model): string[] {
  const tables = new Set(model.steps.flatMap((step) => [...step.tables]));
  for (const test of model.tests) for (const extra of test.extras.values()) for (const { table } of changesIn(extra.observed)) tables.add(table);
  return [...tables].sort();
}
