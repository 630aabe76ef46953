/** Keys of rows inside texts: `/annotations/3/comments`, `annotation:3`, or a key too long to be a coincidence. */
import type { Evidence } from '../evidence.js';
import { isLong } from './proof.js';
import type { RowName, RowNames } from './rows.js';
import { isEffect, type Site } from './sites.js';
import { tablesIn } from './words.js';

/** The text with names in place of keys, and which; undefined where a template cannot say it. */
export function templateAt(site: Site, rows: RowNames, evidence: Evidence): { template: string; used: RowName[] } | undefined {
  const text = site.value;
  if (typeof text !== 'string' || text.length > 2000 || text.includes('${')) return undefined;
  const used: RowName[] = [];
  const use = (name: RowName): string => {
    used.push(name);
    return `\${${name.name}}`;
  };
  let template = text.replace(/(?<![\w-])[\w-]{8,}(?![\w-])/g, (token) => {
    const name = rows.at(site, token).at(-1);
    return name && isLong(name.value) && token !== text ? use(name) : token;
  });
  // A sentence of a person may well contain "tag-1".
  if (/^\S+$/.test(text))
    template = template.replace(/([A-Za-z][\w-]*?)([/:_#=-])(\d+)(?!\w)/g, (whole, word: string, separator: string, key: string) => {
      if (separator === '-' && !isEffect(site)) return whole;
      const said = tablesIn(
        word,
        evidence.tables.map((table) => table.name),
      );
      const name = said.length === 1 ? rows.at(site, key).findLast((known) => known.table === said[0]) : undefined;
      return name ? `${word}${separator}${use(name)}` : whole;
    });
  return { template, used };
}
