/**
 * The YAML spelling of tags: `!id annotation1`, `!now iso savedAt`, `!timestamp ±5s`.
 * `!some` and `!unordered` stand before a list, `!keys` before a mapping, all others before one text. Binary data is `!!binary`, or `!file` for larger ones.
 */
import { anyTypes, nowForms, type TagBody, type Value, type ValueObject } from './values.js';

/** The body that each tag has in YAML. */
export const tagKinds = {
  id: 'scalar',
  unique: 'scalar',
  text: 'scalar',
  now: 'scalar',
  uuid: 'scalar',
  socket: 'scalar',
  secret: 'scalar',
  any: 'scalar',
  timestamp: 'scalar',
  regex: 'scalar',
  delta: 'scalar',
  some: 'sequence',
  unordered: 'sequence',
  keys: 'mapping',
  ignore: 'scalar',
  file: 'scalar',
} as const satisfies Record<TagBody['tag'] | 'file', 'scalar' | 'sequence' | 'mapping'>;

export type TagName = keyof typeof tagKinds;

export const isTagName = (name: string): name is TagName => Object.hasOwn(tagKinds, name);

/** Binary values longer than this stand in a file beside the recording. */
export const INLINE_BINARY = 4096;

/** What a tag before a text says, or, as a string, what is wrong with it. `file` is not a value tag; the reader resolves it. */
export function parseTag(tag: Exclude<TagName, 'some' | 'unordered' | 'keys' | 'file'>, text: string): TagBody | string {
  switch (tag) {
    case 'id':
    case 'secret':
      return nameProblem(tag, text) ?? { tag, name: text };
    case 'unique':
      return { tag, text };
    case 'text':
      return { tag, template: text };
    case 'now':
      return parseNow(text);
    case 'uuid':
      return text === '' ? { tag } : (nameProblem(tag, text) ?? { tag, name: text });
    case 'socket':
      return text === '' ? { tag } : (nameProblem(tag, text) ?? { tag, session: text });
    case 'any': {
      const type = anyTypes.find((known) => known === text);
      return type ? { tag, type } : `\`!any ${text}\`: expected one of ${anyTypes.join(', ')}`;
    }
    case 'timestamp': {
      const within = parseDuration(text);
      return within === undefined ? `\`!timestamp ${text}\`: expected a tolerance such as ±5s, ±500ms or ±2m` : { tag, within };
    }
    case 'regex':
      return regexProblem(text) ?? { tag, source: text };
    case 'delta':
      return decimal.test(text) && Number.isFinite(Number(text)) ? { tag, n: Number(text) + 0 } : `\`!delta ${text}\`: expected a number`;
    case 'ignore':
      return text === '' ? { tag } : `\`!ignore\` takes nothing, found ${JSON.stringify(text)}`;
  }
}

/** A tag as it is written: its body is a text, a number, a list or a mapping, or nothing. */
export interface TagSpelling {
  tag: TagName;
  text?: string;
  number?: number;
  items?: Value[] | ValueObject;
}

/** The spelling that {@link parseTag} reads back. */
export function spellTag(body: TagBody): TagSpelling {
  switch (body.tag) {
    case 'id':
    case 'secret':
      return { tag: body.tag, text: body.name };
    case 'unique':
      return { tag: 'unique', text: body.text };
    case 'text':
      return { tag: 'text', text: body.template };
    case 'now':
      return spellNow(body);
    case 'uuid':
      return body.name === undefined ? { tag: 'uuid' } : { tag: 'uuid', text: body.name };
    case 'socket':
      return body.session === undefined ? { tag: 'socket' } : { tag: 'socket', text: body.session };
    case 'any':
      return { tag: 'any', text: body.type };
    case 'timestamp':
      return { tag: 'timestamp', text: `±${spellDuration(body.within)}` };
    case 'regex':
      return { tag: 'regex', text: body.source };
    case 'delta':
      return { tag: 'delta', number: body.n };
    case 'some':
    case 'unordered':
      return { tag: body.tag, items: body.items };
    case 'keys':
      return { tag: 'keys', items: body.entries };
    case 'ignore':
      return { tag: 'ignore' };
  }
}

const decimal = /^[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?$/i;

// Names stand inside `${...}` too, and on one line of YAML.
const badName = /^\s|\s$|[{}$\p{Cc}\u2028\u2029]/u;

function nameProblem(tag: string, name: string): string | undefined {
  if (name === '') return `\`!${tag}\` needs a name`;
  return badName.test(name) ? `\`!${tag} ${name}\`: a name has no braces, dollar or control characters and no spaces around it` : undefined;
}

/** `iso +7d dueAt1`: the form, how far from now, and a name, each of which may be missing; a name stands behind a form. */
function parseNow(text: string): TagBody | string {
  const [word, behind] = cut(text);
  const form = nowForms.find((known) => known === word);
  const [shift, last] = cut(form === undefined ? text : behind);
  const offset = parseOffset(shift);
  const name = offset === undefined ? (form === undefined ? text : behind) : last;
  if (text !== '' && form === undefined && (offset === undefined || name !== ''))
    return `\`!now ${text}\`: expected one of ${nowForms.join(', ')}, then perhaps +7d or another offset, then perhaps a name`;
  const body: TagBody = { tag: 'now', form: form ?? 'ms', ...(offset !== undefined && { offset }) };
  if (name === '') return text.endsWith(' ') ? `\`!now ${text}\`: ends with a space` : body;
  return nameProblem('now', name) ?? { ...body, name };
}

function spellNow({ form, offset, name }: Extract<TagBody, { tag: 'now' }>): TagSpelling {
  const shift = offset === undefined ? undefined : spellOffset(offset);
  const parts = [form === 'ms' && name === undefined ? undefined : form, shift, name].filter((part) => part !== undefined);
  return parts.length === 0 ? { tag: 'now' } : { tag: 'now', text: parts.join(' ') };
}

/** A text up to its first space, and what stands behind it. */
function cut(text: string): [string, string] {
  const space = text.indexOf(' ');
  return space < 0 ? [text, ''] : [text.slice(0, space), text.slice(space + 1)];
}

const offsetUnits = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `+7d` in milliseconds. */
function parseOffset(text: string): number | undefined {
  const match = /^([+-]\d+)(ms|s|m|h|d)$/.exec(text);
  const offset = Number(match?.[1]) * offsetUnits[(match?.[2] ?? 'ms') as keyof typeof offsetUnits];
  return Number.isSafeInteger(offset) ? offset + 0 : undefined;
}

function spellOffset(offset: number): string {
  const [unit, size] = Object.entries(offsetUnits).findLast(([, ms]) => offset % ms === 0) ?? ['ms', 1];
  return `${offset < 0 ? '' : '+'}${offset / size}${unit}`;
}

const units = { ms: 1, s: 1000, m: 60_000 } as const;

/** `±5s` in milliseconds; `+-` is for keyboards without `±`. */
function parseDuration(text: string): number | undefined {
  const match = /^(?:±|\+-|\+\/-)?\s?(\d+(?:\.\d+)?(?:e[-+]?\d+)?)\s?(ms|s|m)$/.exec(text);
  const within = Number(match?.[1]) * units[(match?.[2] ?? 'ms') as keyof typeof units];
  return Number.isFinite(within) ? within : undefined;
}

function spellDuration(within: number): string {
  if (within > 0 && within % units.m === 0 && Number.isSafeInteger(within)) return `${within / units.m}m`;
  if (within > 0 && within % units.s === 0 && Number.isSafeInteger(within)) return `${within / units.s}s`;
  return `${within}ms`;
}

function regexProblem(source: string): string | undefined {
  try {
    new RegExp(source);
    return undefined;
  } catch (error) {
    return `\`!regex\`: ${(error as Error).message}`;
  }
}
