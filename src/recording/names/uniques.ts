/** Texts that a client sent and that must be unique in a table: a second copy would collide. */
import type { Evidence } from '../evidence.js';
import { isUuid, timeOf } from '../kinds.js';
import type { Recording } from '../schema.js';
import { type Value, walk } from '../values.js';
import { isEffect, type Site, timeline } from './sites.js';
import { plain, singular } from './words.js';

interface Unique {
  text: string;
  /** the keys that a value of this column has: `name`, `tagName`, `tag` */
  keys: Set<string>;
  /** the trace that brought it into the table */
  order: number;
  /** it is a word of the application as well: only under its own keys it is the unique text */
  common: boolean;
  /** a person said so: it stands for itself wherever it is */
  chosen?: true;
}

export interface Uniques {
  has(value: Value): boolean;
  at(site: Site): boolean;
  /** a text with the unique ones in it as names */
  template(site: Site, text: string): string;
}

export function findUniques(recording: Recording, evidence: Evidence, sites: readonly Site[]): Uniques {
  const found = candidates(recording, evidence);
  const words = new Set(evidence.tables.flatMap((table) => [table.name, singular(table.name), ...table.columns.map((column) => column.name)]).map(plain));
  for (const unique of found.values()) unique.common = words.has(plain(unique.text));
  for (const text of evidence.uniques ?? []) found.set(text, { text, keys: new Set(), order: Number.NEGATIVE_INFINITY, common: false, chosen: true });
  for (const site of sites) {
    const unique = typeof site.value === 'string' ? found.get(site.value) : undefined;
    if (!unique || unique.chosen || site.order >= unique.order) continue;
    // It was there before: not new, whatever happened to it later.
    if (isEffect(site)) found.delete(unique.text);
    else if (!unique.keys.has(plain(site.key))) unique.common = true;
  }
  const texts = [...found.keys()].filter((text) => text.length > 2).sort((a, b) => b.length - a.length);
  const any = texts.map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|');
  const inText = new RegExp(`(?<![\\p{L}\\p{N}_-])(?:${any})(?![\\p{L}\\p{N}_-])`, 'gu');
  const inPath = new RegExp(`(?<=[/:=])(?:${any})(?=[/:?&#]|$)`, 'gu');
  return {
    has: (value) => typeof value === 'string' && found.has(value),
    at: (site) => {
      const unique = typeof site.value === 'string' ? found.get(site.value) : undefined;
      return unique !== undefined && (unique.keys.has(plain(site.key)) || !unique.common);
    },
    template: (site, text) => {
      if (texts.length === 0 || text.length > 2000) return text;
      // What the server says of a trace that sent the text; a person's own sentence is never changed.
      const sent = new Set<Value>();
      if (isEffect(site)) walk(site.args, (value) => sent.add(value));
      if (sent.has(site.value)) return text;
      return text.replace(isEffect(site) ? inText : inPath, (match) => {
        const unique = found.get(match);
        return unique && (!isEffect(site) || unique.chosen || (site.order >= unique.order && sent.has(match))) ? `\${${match}}` : match;
      });
    },
  };
}

function candidates(recording: Recording, evidence: Evidence): Map<string, Unique> {
  const found = new Map<string, Unique>();
  const sent = new Set<Value>();
  timeline(recording).forEach(({ trace }, order) => {
    walk(trace.args ?? [], (value) => typeof value === 'string' && sent.add(value));
    for (const change of trace.changes ?? []) {
      const info = evidence.tables.find((table) => table.name === (change.insert ?? change.update));
      for (const [column, text] of Object.entries(change.row ?? change.set ?? {})) {
        const unique = info && (info.unique.includes(column) || (info.key.length === 1 && info.key[0] === column));
        if (!info || !unique || info.foreignKeys.some((foreign) => foreign.column === column)) continue;
        if (typeof text !== 'string' || !sent.has(text) || !/^[^{}$\n]+$/.test(text) || isUuid(text) || timeOf(text) !== undefined) continue;
        const keys = new Set([column, `${singular(info.name)}${column}`, info.name, singular(info.name)].map(plain));
        for (const table of evidence.tables)
          for (const foreign of table.foreignKeys) if (foreign.table === info.name && foreign.references === column) keys.add(plain(foreign.column));
        const known = found.get(text);
        if (known) for (const key of keys) known.keys.add(key);
        else found.set(text, { text, keys, order, common: false });
      }
    }
  });
  return found;
}
