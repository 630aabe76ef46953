/** Names inside texts that an application makes: `Todo 3 is done`, which only a replay proves. Pure. */
import type { Evidence } from '../evidence.js';
import type { Came } from '../moves.js';
import { Tagged, type Value } from '../values.js';
import type { Prove } from './proof.js';
import type { RowName } from './rows.js';
import { isEffect, type Site } from './sites.js';
import { templateAt } from './texts.js';
import { isMoved, rowsOf, type Thing } from './things.js';
import { tablesIn } from './words.js';

export interface Spoken {
  template: string;
  used: RowName[];
}

/** What a text is with the names of things in it; undefined: as it is. `came` is what replays saw in its place. */
export function spokenAt(things: readonly Thing[], evidence: Evidence, prove: Prove): (site: Site, came: readonly Came[]) => Spoken | undefined {
  const rows = rowsOf(things);
  const byRow = new Set(things.map(({ row }) => row));
  const tables = evidence.tables.map(({ name }) => name);
  const proveNamed: Prove = (site) => {
    const proof = prove(site);
    return proof && byRow.has(proof.name) ? proof : undefined;
  };
  const inSentence = (site: Site, text: string): Spoken => {
    const used: RowName[] = [];
    const template = text.replace(/([A-Za-z]+)( #?| \(|[/:_#=-])([\w-]+)/g, (whole, word: string, between: string, value: string) => {
      const said = tablesIn(word, tables);
      const row = said.length === 1 ? rows.at(site, value).findLast(({ table }) => table === said[0]) : undefined;
      if (!row) return whole;
      used.push(row);
      return `${word}${between}\${${row.name}}`;
    });
    return { template, used };
  };
  return (site, came) => {
    const { value } = site;
    const text = typeof value === 'string' ? value : value instanceof Tagged && value.body.tag === 'text' ? value.body.template : '';
    if (text === '' || text.length > 2000 || !things.some(({ row }) => text.includes(String(row.value)))) return undefined;
    const proven = templateAt(site, rows, evidence, proveNamed);
    if (proven && proven.used.length > 0) return cameAs(proven.template, came, things) === false ? undefined : proven;
    if (!isEffect(site) || site.isKey || (typeof value === 'string' && text.includes('${'))) return undefined;
    const said = inSentence(site, text);
    return said.used.length > 0 && cameAs(said.template, came, things) === true ? said : undefined;
  };
}

/** Whether a text with names reads in the replays as it came there; undefined: it came as recorded, or it is not known. */
function cameAs(template: string, came: readonly Came[], things: readonly Thing[]): boolean | undefined {
  const known = came.map((one, r) => {
    if (!isMoved(one)) return undefined;
    const values = new Map(things.map((thing) => [thing.row.name, valueIn(thing, r)]));
    let missing = false;
    const filled = template.replace(/\$\{([^}]*)\}/g, (_, name: string) => {
      const value = values.get(name);
      missing ||= value === undefined;
      return String(value);
    });
    return missing ? undefined : filled === one.value;
  });
  return known.includes(false) ? false : known.includes(true) ? true : undefined;
}

const valueIn = ({ came, row }: Thing, r: number): Value | undefined => {
  const one = came[r];
  return isMoved(one) ? one.value : one === 'same' ? row.value : undefined;
};
