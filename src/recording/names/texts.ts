/** Keys of rows inside texts: `/annotations/3/comments`, `annotation:3`, JSON like `{"annotationId":3}`, or a key too long to be a coincidence. */
import type { Evidence } from '../evidence.js';
import { isObject, type Value, type ValueObject } from '../values.js';
import { isLong, type Prove } from './proof.js';
import type { RowName, RowNames } from './rows.js';
import { isEffect, type Site } from './sites.js';
import { tablesIn } from './words.js';

/** The text with names in place of keys, and which; undefined where a template cannot say it. */
export function templateAt(site: Site, rows: RowNames, evidence: Evidence, prove: Prove): { template: string; used: RowName[] } | undefined {
  const text = site.value;
  if (typeof text !== 'string' || text.length > 2000 || text.includes('${')) return undefined;
  const used: RowName[] = [];
  const use = (name: RowName): string => {
    used.push(name);
    return `\${${name.name}}`;
  };
  let template = (inColumns(site, text, prove, use) ?? inJson(site, text, prove, use)).replace(/(?<![\w-])[\w-]{8,}(?![\w-])/g, (token) => {
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

/**
 * A text put together of what stands beside it: `9|0|links` beside `{ documentId: 9, key: 'links' }`. Two of its parts must, because
 * one alone may be a coincidence; and all that stands beside it with the value of the key must be that key.
 */
function inColumns(site: Site, text: string, prove: Prove, use: (name: RowName) => string): string | undefined {
  const beside = Object.entries(site.within[0] ?? {}).filter(([key, value]) => key !== site.key && (typeof value === 'string' || typeof value === 'number'));
  const parts = text.split(/([|:;,/#_-])/);
  if (site.isKey || !isEffect(site) || /\s/.test(text) || parts.length < 3) return undefined;
  const isText = (part: string): boolean => part.length > 2 && !/^\d+$/.test(part) && beside.some(([, value]) => value === part);
  if (!parts.some(isText)) return undefined;
  const named = parts.map((part) => {
    const meant = /^\d+$/.test(part) ? beside.filter(([, value]) => String(value) === part) : [];
    const names = meant.map(([key, value]) => prove({ ...site, key, value, path: [...site.path.slice(0, -1), key] })?.name);
    return names[0] && names.every((name) => name === names[0]) ? use(names[0]) : part;
  });
  return named.some((part, index) => part !== parts[index]) ? named.join('') : undefined;
}

/** What stands in JSON is proven like what stands in a payload. JSON that is spelt in another way than `JSON.stringify` does it stays as it is. */
function inJson(site: Site, text: string, prove: Prove, use: (name: RowName) => string): string {
  const root = /^[[{]/.test(text) ? parsed(text) : undefined;
  if (root === undefined || JSON.stringify(root) !== text) return text;
  const { table: _, isKey: __, ...around } = site;
  const visit = (value: Value, path: (string | number)[], key: string, within: ValueObject[]): string => {
    if (Array.isArray(value)) return `[${value.map((item, index) => visit(item, [...path, index], key, within)).join(',')}]`;
    if (isObject(value))
      return `{${Object.entries(value)
        .map(([name, item]) => `${JSON.stringify(name)}:${visit(item, [...path, name], name, [value, ...within])}`)
        .join(',')}}`;
    const proof = prove({ ...around, value, path, key, within, root });
    return proof ? JSON.stringify(value).replace(String(value), () => use(proof.name)) : JSON.stringify(value);
  };
  return visit(root, site.path, site.key, site.within);
}

function parsed(text: string): Value | undefined {
  try {
    return JSON.parse(text) as Value;
  } catch {
    return undefined;
  }
}
