/**
 * Unique texts in what came back, where the recording has them as they were then: inside a longer text, as a key, or made into
 * something else. Told from replays: what came is what was recorded, with the text of that copy in its place. Pure.
 */
import { join } from './compare.js';
import { type DifferenceNode, nodesOf, partsOf } from './difference-path.js';
import { applyEdits, type Edit } from './edit.js';
import type { PathDifference } from './learn-order.js';
import { allNames } from './names/keep.js';
import { isEffect, mapSites, sitesOf, timeline } from './names/sites.js';
import { createNamer } from './names/words.js';
import type { Recording, Trace } from './schema.js';
import { editsBetween } from './tree-edits.js';
import { id, Tagged, templateNames, type Value, type ValueObject, walk } from './values.js';

interface LearntUnique {
  node: DifferenceNode;
  path: string;
  value: Tagged;
}

interface SeenReplay {
  traces: readonly { session: string; trace: number; quarantined?: boolean; differences?: readonly (PathDifference & { path: string })[] }[];
}

/** Of a whole recording: the edits that say so, and what each of them says. */
export interface UniquePlaces {
  edits: Edit[];
  learnt: { session: number; trace: number; path: string; value: Tagged }[];
}

type Differences = Map<string, PathDifference>;

/** What makes a text new in a copy: `createCopies` of a replay. */
const SUFFIX = '-[0-9a-z]{8,20}';

export function uniqueTextsOf(recording: Recording): Set<string> {
  const texts = new Set<string>();
  walk(recording as unknown as Value, (node) => node instanceof Tagged && node.body.tag === 'unique' && texts.add(node.body.text));
  return texts;
}

/**
 * Where else a replay had them: in what the server says of a trace that does not send them, as keys, or made into something else,
 * which is a name if clients send that later. None: that explains no difference.
 */
export function uniquePlaces(recording: Recording, replays: readonly SeenReplay[]): UniquePlaces {
  const texts = uniqueTextsOf(recording);
  if (texts.size === 0) return { edits: [], learnt: [] };
  const found = recording.sessions.flatMap((session, s) =>
    session.traces.flatMap((trace, t) => {
      const seen = replays.map(({ traces }) => {
        const differences = traces.find((one) => one.session === session.id && one.trace === t && !one.quarantined)?.differences ?? [];
        return new Map(differences.map((one) => [one.path, one]));
      });
      const at = ['sessions', s, 'traces', t];
      return learnUniques(texts, nodesOf(trace), seen).map((one) => ({ ...one, session: s, number: t, trace, at: [...at, ...one.node.at] }));
    }),
  );
  const named = namesOfMade(recording, found);
  const edits = found.flatMap(({ at, node, value }): Edit[] => (named.has(node.value) ? [] : [{ at, set: value }]));
  const learnt = found.map(({ session, number, path, node, value }) => {
    const name = named.get(node.value)?.name;
    return { session, trace: number, path, value: name === undefined ? value : id(name) };
  });
  if (named.size === 0) return { edits, learnt };
  const made = mapSites(applyEdits(recording as unknown as Value, edits) as unknown as Recording, (site) => {
    const known = site.isKey ? undefined : named.get(site.value);
    return known && site.order >= known.since ? id(known.name) : undefined;
  });
  return { edits: editsBetween(recording as unknown as Value, made as unknown as Value), learnt };
}

/** What the application has made of a unique text and a client sends later, such as the slug of a title: by the recorded value. */
function namesOfMade(recording: Recording, found: readonly (LearntUnique & { trace: Trace })[]): Map<Value, { name: string; since: number }> {
  const orders = new Map(timeline(recording).map(({ trace }, order) => [trace, order]));
  const sent = sitesOf(recording).filter((site) => !isEffect(site) && !site.isKey);
  const { names, uniques } = allNames(recording);
  const namer = createNamer();
  const named = new Map<Value, { name: string; since: number }>();
  for (const { node, value, trace } of found) {
    const since = orders.get(trace) ?? 0;
    const known = named.get(node.value);
    if (known) known.since = Math.min(known.since, since);
    if (known || value.body.tag !== 'regex' || !sent.some((site) => site.value === node.value && site.order > since)) continue;
    const stem = String(node.at.findLast((part) => typeof part === 'string') ?? 'value');
    let name = namer(stem);
    while (names.has(name) || uniques.has(name)) name = namer(stem);
    named.set(node.value, { name, since });
  }
  return named;
}

/** What the nodes of one trace should say; the differences that this explains, of each replay, are taken out. */
export function learnUniques(texts: ReadonlySet<string>, nodes: ReadonlyMap<string, DifferenceNode>, replays: readonly Differences[]): LearntUnique[] {
  if (texts.size === 0) return [];
  let learnt = textsIn(texts, nodes, replays);
  // An object with such a key is set as a whole, the innermost first.
  for (const { node, path, keys } of keysIn(texts, nodes, replays).sort((a, b) => b.node.at.length - a.node.at.length)) {
    const isWithin = (one: LearntUnique): boolean => node.at.every((part, index) => one.node.at[index] === part);
    const within = learnt.filter(isWithin).map((one): Edit => ({ at: one.node.at.slice(node.at.length), set: one.value }));
    const made = applyEdits(
      applyEdits(node.value, within),
      [...keys].map(([key, template]): Edit => ({ at: [key], rename: template })),
    );
    const entries = (made instanceof Tagged && made.body.tag === 'keys' ? made.body.entries : made) as ValueObject;
    learnt = [...learnt.filter((one) => !isWithin(one)), { node, path, value: new Tagged({ tag: 'keys', entries }) }];
  }
  return learnt;
}

function textsIn(texts: ReadonlySet<string>, nodes: ReadonlyMap<string, DifferenceNode>, replays: readonly Differences[]): LearntUnique[] {
  const read = reader(texts);
  // What several sessions received stands in one place.
  const known = new Set<string>();
  return [...nodes].flatMap(([path, node]): LearntUnique[] => {
    const literal = node.kind === 'value' ? literalOf(node.value, texts) : undefined;
    const found = replays.filter((differences) => differences.has(path));
    if (literal === undefined || found.length === 0) return [];
    const values = found.map((differences) => {
      const { actual } = differences.get(path) as PathDifference;
      return typeof actual === 'string' ? read(literal, actual) : undefined;
    });
    const [value] = values;
    if (!value || values.some((other) => other === undefined || other.body.tag !== value.body.tag)) return [];
    for (const differences of found) differences.delete(path);
    const place = JSON.stringify(node.at);
    if (known.has(place)) return [];
    known.add(place);
    return [{ node, path, value }];
  });
}

/** A key that is gone, and beside it one that reads as it would in that copy. */
function keysIn(
  texts: ReadonlySet<string>,
  nodes: ReadonlyMap<string, DifferenceNode>,
  replays: readonly Differences[],
): { node: DifferenceNode; path: string; keys: ReadonlyMap<string, string> }[] {
  const read = reader(texts);
  const known = new Set<string>();
  return [...nodes].flatMap(([path, node]) => {
    const [, object] = partsOf(node.value);
    if (!object || node.kind !== 'value') return [];
    const keys = new Map<string, string>();
    for (const differences of replays)
      for (const key of Object.keys(object)) {
        const gone = join(path, key);
        if (differences.get(gone)?.class !== 'removed' || key.includes('${')) continue;
        for (const [came, { class: kind }] of differences) {
          const now = kind === 'added' ? lastKey(path, came) : undefined;
          const value = now === undefined ? undefined : read(key, now);
          if (value?.body.tag !== 'unique' && value?.body.tag !== 'text') continue;
          keys.set(key, value.body.tag === 'text' ? value.body.template : `\${${value.body.text}}`);
          differences.delete(gone);
          differences.delete(came);
          break;
        }
      }
    const place = JSON.stringify(node.at);
    if (keys.size === 0 || known.has(place)) return [];
    known.add(place);
    return [{ node, path, keys }];
  });
}

/** The key that a path ends with, directly in the object at `parent`. */
function lastKey(parent: string, path: string): string | undefined {
  if (!path.startsWith(parent)) return undefined;
  const quoted = /^\[("(?:[^"\\]|\\.)*")\]$/.exec(path.slice(parent.length))?.[1];
  const key = quoted === undefined ? path.slice(parent.length + 1) : (JSON.parse(quoted) as string);
  return join(parent, key) === path ? key : undefined;
}

/** The text as it was recorded; undefined: it is none, or holds what is not known. */
function literalOf(value: Value, texts: ReadonlySet<string>): string | undefined {
  if (typeof value === 'string') return value.includes('${') ? undefined : value;
  if (!(value instanceof Tagged) || value.body.tag !== 'text') return undefined;
  return templateNames(value.body.template).every((name) => texts.has(name)) ? filled(value.body.template) : undefined;
}

const filled = (template: string): string => template.replace(/\$\{([^}]*)\}/g, '$1');

/** Reads a text that came as the recorded one with unique texts in it; what the application has made of one, as an expression. */
function reader(texts: ReadonlySet<string>): (literal: string, actual: string) => Tagged | undefined {
  const longest = [...texts].sort((a, b) => b.length - a.length);
  // An address keeps its domain.
  const parts = longest.map((text) => /^(.*?)(@[^@\s]+)?$/s.exec(text)?.slice(1) ?? []);
  const made = new RegExp(parts.map(([head = '', tail = '']) => `(${escaped(head)})(${SUFFIX})(${escaped(tail)})`).join('|'), 'g');
  return (literal, actual) => {
    const suffixes = new Set<string>();
    const template = actual.replace(made, (whole, ...groups: unknown[]) => {
      const at = longest.findIndex((_, index) => groups[index * 3] !== undefined);
      suffixes.add(String(groups[at * 3 + 1]));
      return at < 0 ? whole : `\${${longest[at]}}`;
    });
    if (suffixes.size === 1 && filled(template) === literal)
      return new Tagged(texts.has(literal) && template === `\${${literal}}` ? { tag: 'unique', text: literal } : { tag: 'text', template });
    for (const [suffix] of actual.matchAll(new RegExp(SUFFIX, 'g'))) {
      const around = actual.split(suffix);
      if (around.join('') === literal) return new Tagged({ tag: 'regex', source: `^${around.map(escaped).join('-[0-9a-z]+')}$` });
    }
    return undefined;
  };
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
