/**
 * Finds the names of a recording at the end of a capture: values that the system made while it ran (row keys, tokens, hashes),
 * texts that must be unique, times, socket ids, and counters. Precision before recall: a wrong name is worse than none.
 */
import type { Evidence } from '../evidence.js';
import type { Recording } from '../schema.js';
import { spellTag } from '../tags.js';
import { id, secretOf, type TagBody, Tagged, type Value } from '../values.js';
import { findDeltas } from './deltas.js';
import { createProver, type Prove } from './proof.js';
import { rowNames } from './rows.js';
import { findSettings } from './settings.js';
import { isEffect, mapSites, type Site, sitesOf, timeline } from './sites.js';
import { findUnlikely } from './strings.js';
import { templateAt } from './texts.js';
import { findTimes } from './times.js';
import { findUniques } from './uniques.js';
import { createNamer, keyNames, plain } from './words.js';

interface FoundName {
  /** as it stands in the YAML: `!id annotation1` */
  tag: string;
  why: string;
  /** how often it stands in the recording */
  places: number;
}

/** A value that is sent as it stands, though a row of the recording has it as its key: nothing proves that it is meant. */
interface Unproven {
  value: string | number;
  event: string;
  key: string;
  /** the names that it could be */
  like: string[];
}

export interface Named {
  recording: Recording;
  names: FoundName[];
  unproven: Unproven[];
}

/** The recording with its names, matchers and deltas in place of the concrete values; observations' `was` is dropped. */
export function findNames(concrete: Recording, evidence: Evidence): Named {
  const namer = createNamer();
  const rows = rowNames(concrete, evidence, namer);
  const withDeltas = findDeltas(concrete, evidence, rows);
  const sites = sitesOf(withDeltas);
  const inPlace = createProver(rows, evidence, sites);
  const inSetting = findSettings(sites, rows, evidence);
  const prove: Prove = (site) => inPlace(site) ?? inSetting(site);
  const uniques = findUniques(
    concrete,
    evidence,
    sites.filter((site) => !site.isKey),
  );
  const sockets = new Map(Object.entries(evidence.sockets).map(([session, sid]) => [sid, session]));
  const keys = new Set<Value>(sites.filter((site) => !site.isKey && prove(site)).map((site) => site.value));
  const unlikely = findUnlikely(concrete, evidence, sites, (value) => keys.has(value) || uniques.has(value) || sockets.has(value as string), namer);
  const took = Math.max(0, ...timeline(concrete).map(({ start, duration }) => start + duration));
  const times = findTimes(sites, evidence.startedAt, took, namer);
  const places = new Map<string, FoundName>();
  const note = (tag: string, why: string): void => {
    const known = places.get(tag);
    if (known) known.places++;
    else places.set(tag, { tag, why, places: 1 });
  };

  const unproven = new Map<string, Unproven>();
  const leave = (site: Site): void => {
    const { value, event, key } = site;
    // A property that is named after a table says what it means.
    if (evidence.tables.some(({ name, foreignKeys }) => keyNames(key, name) || foreignKeys.some(({ column }) => plain(column) === plain(key)))) return;
    const like = [...new Set(rows.at(site, String(value)).map(({ name }) => name))];
    if (like.length > 0 && (typeof value === 'string' || typeof value === 'number'))
      unproven.set(JSON.stringify([value, event, key]), { value, event, key, like });
  };

  /** A text that holds secrets which the server made: their names in their places. */
  const namedSecrets = (template: string): Tagged | undefined => {
    const named = template.replace(/\$\{([^}]*)\}/g, (part, inner: string) => {
      const found = unlikely.secret(secretOf(inner) ?? '');
      if (found?.tag.body.tag !== 'id') return part;
      note(`!id ${found.tag.body.name}`, found.why);
      return `\${${found.tag.body.name}}`;
    });
    return named === template ? undefined : new Tagged({ tag: 'text', template: named });
  };

  // In the order of the sites.
  let next = 0;
  const decide = (site: Site): Value | undefined => {
    const index = next++;
    const { value } = site;
    const session = typeof value === 'string' ? sockets.get(value) : undefined;
    if (session !== undefined && !site.isKey) return new Tagged(session === site.self ? { tag: 'socket' } : { tag: 'socket', session });
    if (typeof value === 'string' && !site.isKey && uniques.at(site)) {
      const said = evidence.uniques?.includes(value) === true;
      note(`!unique ${value}`, said ? 'each copy has its own: you said so' : 'unique in its table: a second copy would collide');
      return new Tagged({ tag: 'unique', text: value });
    }
    const proof = prove(site);
    if (proof) {
      const { name, why } = proof;
      // The same key as a text: `"5"` for 5. A number for a text cannot be said.
      if (typeof value !== typeof name.value && typeof value !== 'string') return undefined;
      note(`!id ${name.name}`, why);
      return typeof value === typeof name.value ? id(name.name) : new Tagged({ tag: 'text', template: `\${${name.name}}` });
    }
    const time = times(site, index);
    if (time) {
      const { body } = time.tag;
      if ('name' in body && body.name !== undefined) note(spelled(body), time.why);
      return time.tag;
    }
    if (value instanceof Tagged && value.body.tag === 'text') return namedSecrets(value.body.template);
    const random = unlikely.at(value);
    if (random) {
      const { body } = random.tag;
      if ('name' in body) note(`!${body.tag} ${body.name}`, random.why);
      return random.tag;
    }
    if (!isEffect(site)) leave(site);
    const found = templateAt(site, rows, evidence, prove);
    if (!found) return undefined;
    const inside = unlikely.inside(site, found.template);
    const template = site.isKey ? inside.template : uniques.template(site, inside.template);
    for (const used of found.used) note(`!id ${used.name}`, `in a text that names ${used.table}`);
    for (const { tag, why } of inside.used) if ('name' in tag.body) note(`!${tag.body.tag} ${tag.body.name}`, why);
    return template === value ? undefined : new Tagged({ tag: 'text', template });
  };
  const recording = mapSites(withDeltas, decide);
  const names = [...places.values()].sort((a, b) => a.tag.localeCompare(b.tag, 'en', { numeric: true }));
  return { recording, names, unproven: [...unproven.values()] };
}

/** A tag as it stands in the YAML. */
function spelled(body: TagBody): string {
  const { tag, text = '' } = spellTag(body);
  return `!${tag} ${text}`.trim();
}
