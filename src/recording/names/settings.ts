/**
 * Keys of rows as values of settings: `{ key: 'projects.default', value: 4 }`. A bare value proves nothing, and the text beside it not
 * enough (`comment.maxLength`); but where the server then makes a row that refers to the one meant, and nobody sent it that key, it has it from the setting.
 */
import type { Evidence } from '../evidence.js';
import { isObject, type Value, type ValueObject } from '../values.js';
import type { Proof } from './proof.js';
import type { RowName, RowNames } from './rows.js';
import { isEffect, type Site } from './sites.js';
import { keyNames, plain, tablesIn } from './words.js';

interface Setting {
  text: string;
  name: RowName;
  order: number;
}

const says = /^(key|name|setting|option|preference|property|field)$/i;
const holds = /^(value|val)$/i;

export function findSettings(sites: readonly Site[], rows: RowNames, evidence: Evidence): (site: Site) => Proof | undefined {
  const tables = evidence.tables.map(({ name }) => name);
  const refersTo = (site: Site, table: string): boolean => {
    const declared = evidence.tables.find(({ name }) => name === site.table)?.foreignKeys.filter(({ column }) => column === site.key) ?? [];
    return declared.length > 0 ? declared.some((foreign) => foreign.table === table) : keyNames(site.key, table);
  };
  /** Under the key of another table's rows it is another row's key. */
  const isSent = (args: Value, value: Value, table: string, key = ''): boolean => {
    if (Array.isArray(args)) return args.some((item) => isSent(item, value, table, key));
    if (isObject(args)) return Object.entries(args).some(([name, item]) => isSent(item, value, table, name));
    return String(args) === String(value) && !tables.some((other) => other !== table && keyNames(key, other));
  };
  const references = sites.filter((site) => site.part === 'row' && isScalar(site.value) && site.key !== '');
  const settings: Setting[] = [];
  for (const site of sites) {
    const text = site.part === 'args' && holds.test(site.key) ? textBeside(site.within[0]) : undefined;
    const said = text === undefined ? [] : tablesIn(text, tables);
    if (text === undefined || said.length !== 1 || !isScalar(site.value)) continue;
    const name = rows.at(site, String(site.value)).findLast(({ table }) => table === said[0]);
    const taken =
      name &&
      references.some(
        (row) => row.order > site.order && String(row.value) === String(name.value) && refersTo(row, name.table) && !isSent(row.args, name.value, name.table),
      );
    if (taken) settings.push({ text, name, order: site.order });
  }
  return (site) => {
    if (settings.length === 0 || !isScalar(site.value) || site.isKey) return undefined;
    const beside = site.table === undefined ? textBeside(site.within[0]) : undefined;
    const isOf = ({ text, order }: Setting): boolean =>
      order <= site.order &&
      (site.key === text || (holds.test(site.key) && (beside === text || (isEffect(site) && site.table !== undefined && order === site.order))));
    const last = settings.findLast(isOf);
    if (!last || String(last.name.value) !== String(site.value)) return undefined;
    return { name: last.name, why: `the setting ${last.text} holds it, and a row that was made later has it from there`, weight: 1 };
  };
}

const isScalar = (value: Value): boolean => typeof value === 'number' || typeof value === 'string';

function textBeside(object: ValueObject | undefined): string | undefined {
  const texts = Object.entries(object ?? {}).flatMap(([key, value]) => (says.test(plain(key)) && typeof value === 'string' ? [value] : []));
  return texts.length === 1 ? texts[0] : undefined;
}
