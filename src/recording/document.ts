/**
 * YAML text as a value tree with the position of every node: syntax, tags, numbers, duplicates of keys and limits.
 * What the tree means as a recording is not known here.
 */
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, type Scalar, type YAMLMap } from 'yaml';
import { type ErrorCode, ReplayError, type Where } from '../errors.js';
import { compose, MAX_DEPTH, standardTag, standardTags } from './compose.js';
import { suggestion } from './nearest.js';
import { isTagName, parseTag, tagKinds } from './tags.js';
import { Tagged, type Value, type ValueObject } from './values.js';

export const MAX_TEXT = 50 * 1024 * 1024;
const MAX_ALIASES = 100;
/** Aliases of aliases grow exponentially; this is how many nodes they may stand for. */
const MAX_EXPANDED = 100_000;

export type Path = readonly PropertyKey[];

export interface YamlDocument {
  /** the value tree; undefined when the text is not YAML or over a limit */
  value: Value | undefined;
  errors: ReplayError[];
  /** the nearest existing node of a path; with `key`, that key of the mapping there */
  placeOf(path: Path, key?: string): Where;
  /** an error at that place */
  errorAt(code: ErrorCode, what: string, path: Path, key?: string): ReplayError;
  errorAtTag(code: ErrorCode, what: string, tag: Tagged, advice?: string): ReplayError;
  /** lines (from 1) of the items of the list at a path */
  linesAt(path: Path): number[];
}

export interface ParseOptions {
  file: string;
  readBinary(sha256: string): Uint8Array | undefined;
}

/** Thrown where reading cannot go on; the reason has been reported. */
const stopped = new Error('stopped');

/** Never throws on any text. */
export function parseYaml(text: string, options: ParseOptions): YamlDocument {
  const lines = new LineCounter();
  const errors: ReplayError[] = [];
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { file: options.file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  const report = (code: ErrorCode, what: string, offset: number) => {
    errors.push(new ReplayError(code, what, at(offset)));
  };
  const stop = (code: ErrorCode, what: string, offset: number): never => {
    report(code, what, offset);
    throw stopped;
  };

  const anchors = new Map<string, { node: Node; value: Value; size: number; height: number }>();
  const tagOffsets = new Map<Tagged, number>();
  let nodes = 0;
  let deepest = 0;
  let aliases = 0;
  let expanded = 0;

  const startOf = (node: Node) => {
    const start = node.range?.[0] ?? 0;
    if (!node.tag) return start;
    // A node's range begins after its tag.
    let tag = text.lastIndexOf('!', start - 1);
    while (tag > 0 && text[tag - 1] === '!') tag--;
    return tag < 0 ? start : tag;
  };
  const checkDepth = (depth: number, offset: number) => {
    if (depth > MAX_DEPTH) stop('REPLAY_RECORDING_LIMITS', `nested deeper than ${MAX_DEPTH} levels`, offset);
    if (depth > deepest) deepest = depth;
  };

  function convert(node: Node | null, depth: number): Value {
    if (node === null) return null;
    if (isAlias(node)) return convertAlias(node.source, depth, node.range?.[0] ?? 0);
    nodes++;
    const anchor = (isScalar(node) || isMap(node) || isSeq(node)) && node.anchor;
    if (!anchor) return convertNode(node, depth);
    const before = { nodes, deepest };
    deepest = depth;
    const value = convertNode(node, depth);
    anchors.set(anchor, { node, value, size: nodes - before.nodes + 1, height: deepest - depth });
    deepest = Math.max(deepest, before.deepest);
    return value;
  }

  function convertAlias(name: string, depth: number, offset: number): Value {
    if (++aliases > MAX_ALIASES) stop('REPLAY_RECORDING_LIMITS', `more than ${MAX_ALIASES} aliases`, offset);
    const target = anchors.get(name);
    if (!target) {
      report('REPLAY_YAML_SYNTAX', `there is no anchor \`&${name}\` before this alias`, offset);
      return null;
    }
    expanded += target.size;
    nodes += target.size;
    if (expanded > MAX_EXPANDED) stop('REPLAY_RECORDING_LIMITS', `aliases stand for more than ${MAX_EXPANDED} values`, offset);
    checkDepth(depth + target.height, offset);
    return target.value;
  }

  function convertNode(node: Node, depth: number): Value {
    const tag = node.tag;
    if (tag === undefined || tag === '!' || standardTags.has(tag)) return convertPlain(node, depth);
    const offset = startOf(node);
    if (tag === `${standardTag}binary`) return isScalar(node) ? decodeBinary(scalarText(node), offset) : needs('!!binary', 'a text', offset);
    const name = tag.startsWith('!') ? tag.slice(1) : '';
    if (!isTagName(name)) {
      const written = tag.startsWith(standardTag) ? `!!${tag.slice(standardTag.length)}` : tag;
      report(
        'REPLAY_UNKNOWN_TAG',
        `unknown tag \`${written}\`${suggestion(
          written,
          Object.keys(tagKinds).map((known) => `!${known}`),
        )}`,
        offset,
      );
      return null;
    }
    if (name === 'some' || name === 'unordered') {
      if (!isSeq(node)) return needs(`!${name}`, 'a list', offset);
      const items = convertPlain(node, depth);
      return tagged(new Tagged({ tag: name, items: items as Value[] }), offset);
    }
    if (name === 'keys')
      return isMap(node) ? tagged(new Tagged({ tag: name, entries: convertPlain(node, depth) as ValueObject }), offset) : needs('!keys', 'a mapping', offset);
    if (!isScalar(node)) return needs(`!${name}`, 'a text', offset);
    const body = scalarText(node);
    if (name === 'file') return readFile(body, offset);
    const parsed = parseTag(name, body);
    if (typeof parsed !== 'string') return tagged(new Tagged(parsed), offset);
    report('REPLAY_INVALID_VALUE', parsed, offset);
    return null;
  }

  function tagged(value: Tagged, offset: number): Tagged {
    tagOffsets.set(value, offset);
    return value;
  }
  function needs(tag: string, what: string, offset: number): Value {
    report('REPLAY_INVALID_VALUE', `\`${tag}\` stands before ${what}`, offset);
    return null;
  }

  function convertPlain(node: Node, depth: number): Value {
    const offset = node.range?.[0] ?? 0;
    if (isScalar(node)) return convertScalar(node, offset);
    checkDepth(depth + 1, offset);
    if (isSeq(node)) return node.items.map((item) => convert(item as Node | null, depth + 1));
    return isMap(node) ? convertMap(node, depth) : null;
  }

  function convertMap(map: YAMLMap, depth: number): Value {
    const object: { [key: string]: Value } = {};
    for (const pair of map.items) {
      const keyNode = pair.key as Node | null;
      const key = keyText(keyNode);
      const value = convert(pair.value as Node | null, depth + 1);
      const offset = keyNode?.range?.[0] ?? map.range?.[0] ?? 0;
      if (key === undefined) report('REPLAY_INVALID_VALUE', 'a key is a text, without a tag or an alias', offset);
      else if (Object.hasOwn(object, key)) report('REPLAY_YAML_SYNTAX', `the key \`${key}\` stands twice in one mapping`, offset);
      // Assignment would set the prototype.
      else if (key === '__proto__') Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
      else object[key] = value;
    }
    return object;
  }

  function convertScalar(node: Scalar, offset: number): Value {
    const { value } = node;
    if (typeof value !== 'number') return value as Value;
    const source = node.source ?? String(value);
    if (!Number.isFinite(value)) report('REPLAY_INVALID_VALUE', `${source} is not a number that can be sent`, offset);
    else if (!Number.isSafeInteger(value) && /^[-+]?(?:\d+|0x[\da-f]+|0o[0-7]+)$/i.test(source))
      report('REPLAY_INVALID_VALUE', `${source} has more digits than a number can hold: quote it, if it is a text`, offset);
    return value === 0 ? 0 : value;
  }

  function decodeBinary(body: string, offset: number): Value {
    const base64 = body.replace(/\s+/g, '');
    if (/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(base64)) return new Uint8Array(Buffer.from(base64, 'base64'));
    report('REPLAY_INVALID_VALUE', '`!!binary` is not base64', offset);
    return null;
  }

  function readFile(sha256: string, offset: number): Value {
    if (!/^[0-9a-f]{64}$/.test(sha256)) {
      report('REPLAY_INVALID_VALUE', `\`!file ${sha256}\`: expected a sha256 of 64 hexadecimal digits`, offset);
      return null;
    }
    const bytes = options.readBinary(sha256);
    if (!bytes) report('REPLAY_BINARY_MISSING', `the file ${sha256} is missing, or its content is another`, offset);
    return bytes ?? null;
  }

  let root: Node | null = null;
  const nodeAt = (path: Path): Node | null => {
    let found = root;
    for (const part of path) {
      const node = isAlias(found) ? (anchors.get(found.source)?.node ?? null) : found;
      const next = isSeq(node) ? node.items[Number(part)] : isMap(node) ? node.items.find((pair) => keyText(pair.key as Node) === part)?.value : undefined;
      if (!next) break;
      found = next as Node;
    }
    return found;
  };
  const placeOf = (path: Path, key?: string): Where => {
    const node = nodeAt(path);
    const pair = key !== undefined && isMap(node) ? node.items.find((item) => keyText(item.key as Node) === key) : undefined;
    return at(pair ? ((pair.key as Node).range?.[0] ?? 0) : node ? startOf(node) : 0);
  };
  const result = (value: Value | undefined): YamlDocument => ({
    value,
    errors,
    placeOf,
    errorAt: (code, what, path, key) => new ReplayError(code, what, placeOf(path, key)),
    errorAtTag: (code, what, tag, advice) => new ReplayError(code, what, at(tagOffsets.get(tag) ?? 0), advice),
    linesAt(path) {
      const node = nodeAt(path);
      return isSeq(node) ? node.items.map((item) => at((item as Node | null)?.range?.[0] ?? 0).line) : [];
    },
  });

  try {
    if (text.length > MAX_TEXT) stop('REPLAY_RECORDING_LIMITS', `larger than ${MAX_TEXT / 1024 / 1024} MB`, 0);
    const document = compose(text, lines, report, stop);
    if (errors.length > 0) return result(undefined);
    root = document.contents;
    return result(convert(root, 0));
  } catch (error) {
    if (error !== stopped) report('REPLAY_YAML_SYNTAX', `cannot be read: ${error instanceof Error ? error.message : String(error)}`, 0);
    return result(undefined);
  }
}

const scalarText = (node: Scalar): string => node.source ?? String(node.value ?? '');

/** A key as JavaScript has it: `1` and `"1"` are the same. */
function keyText(node: Node | null | undefined): string | undefined {
  if (!node) return '';
  if (!isScalar(node) || (node.tag !== undefined && node.tag !== '!' && !standardTags.has(node.tag))) return undefined;
  return typeof node.value === 'string' ? node.value : (node.source ?? '');
}
