/** Where everything stands in a YAML text, to the byte: what splicing needs, and what a value tree does not tell. */
import { CST, Lexer, Parser } from 'yaml';

export interface SourceNode {
  /** `one`: a scalar, or anything that is not looked into */
  kind: 'map' | 'list' | 'one';
  flow: boolean;
  /** column, from 0, of the keys or dashes of a block */
  column: number;
  entries(): SourceEntry[];
}

export interface SourceEntry {
  key?: string;
  keyStart: number;
  keyEnd: number;
  /** its first character */
  start: number;
  /** behind the `-` or `:` that the value follows; in a list in brackets its first character */
  after: number;
  /** behind its last character; comments and blanks follow */
  end: number;
  /** a key in braces, without a colon */
  bare: boolean;
  /** on the way from `after` to the value */
  comments: string[];
  node: SourceNode;
}

type Item = CST.BlockMap['items'][number] | CST.BlockSequence['items'][number] | CST.FlowCollection['items'][number];
type Value = CST.Token | undefined | null;

/** The node of the first document; undefined where there is none. */
export function sourceOf(text: string): SourceNode | undefined {
  const parser = new Parser();
  const tokens: CST.Token[] = [];
  for (const lexeme of new Lexer().lex(text)) tokens.push(...parser.next(lexeme));
  tokens.push(...parser.end());
  const document = tokens.find((token) => token.type === 'document');
  return document?.value ? nodeOf(text, document.value) : undefined;
}

function nodeOf(text: string, token: Value): SourceNode {
  const flow = token?.type === 'flow-collection';
  const kind = token?.type === 'block-map' || (flow && token.start.type === 'flow-map-start') ? 'map' : token?.type === 'block-seq' || flow ? 'list' : 'one';
  let entries: SourceEntry[] | undefined;
  const find = (): SourceEntry[] => {
    if (token?.type !== 'block-map' && token?.type !== 'block-seq' && token?.type !== 'flow-collection') return [];
    return (token.items as Item[]).flatMap((item) => entryOf(text, item, kind, flow) ?? []);
  };
  const column = token?.type === 'block-map' || token?.type === 'block-seq' ? token.offset - (text.lastIndexOf('\n', token.offset - 1) + 1) : 0;
  return {
    kind,
    flow,
    column,
    entries: () => {
      entries ??= find();
      return entries;
    },
  };
}

const blank = new Set(['space', 'newline', 'comment', 'comma', 'byte-order-mark']);
const content = (tokens: readonly CST.SourceToken[]): CST.SourceToken[] => tokens.filter(({ type }) => !blank.has(type));

/** undefined: only comments */
function entryOf(text: string, item: Item, kind: 'map' | 'list' | 'one', flow: boolean): SourceEntry | undefined {
  const { start, key, sep, value } = item as { start: CST.SourceToken[]; key?: Value; sep?: CST.SourceToken[]; value?: CST.Token };
  const own = content(start);
  const first = own[0]?.offset ?? key?.offset ?? content(sep ?? [])[0]?.offset ?? value?.offset;
  if (first === undefined) return undefined;
  const keyEnd = key ? endOf(key) : first;
  const between = kind === 'map' ? (sep ?? []) : start;
  const at = between.findIndex(({ type }) => type === (kind === 'map' ? 'map-value-ind' : 'seq-item-ind'));
  const indicator = between[at];
  const after = indicator ? indicator.offset + indicator.source.length : kind === 'map' ? keyEnd : first;
  const beforeValue = between.slice(at + 1);
  const lastProperty = content(beforeValue).at(-1);
  const end = value ? endOf(value) : lastProperty ? lastProperty.offset + lastProperty.source.length : after;
  const inHeader = value?.type === 'block-scalar' ? value.props : [];
  const comments = [...beforeValue, ...inHeader].flatMap((token) => (token.type === 'comment' && 'source' in token ? [token.source] : []));
  // `[a: 1]` is a mapping without braces: not looked into.
  const whole = kind === 'list' && (key !== undefined || sep !== undefined);
  return {
    ...(kind === 'map' && { key: keyText(key) }),
    keyStart: key?.offset ?? first,
    keyEnd,
    start: first,
    after,
    end,
    bare: kind === 'map' && indicator === undefined,
    comments: flow ? [] : comments,
    node: nodeOf(text, whole ? undefined : value),
  };
}

function keyText(key: Value): string {
  if (!key) return '';
  return CST.resolveAsScalar(key as CST.FlowScalar)?.value ?? '';
}

/** Behind the last character of a token that is not blank. */
function endOf(token: CST.Token): number {
  switch (token.type) {
    case 'flow-collection': {
      const last = content(token.end).at(-1);
      return last ? last.offset + last.source.length : token.offset + 1;
    }
    case 'block-map':
    case 'block-seq': {
      let end = token.offset;
      for (const item of token.items as Item[]) {
        const { start, key, sep, value } = item as { start: CST.SourceToken[]; key?: Value; sep?: CST.SourceToken[]; value?: CST.Token };
        const last = content(sep ?? []).at(-1) ?? (key ? undefined : content(start).at(-1));
        const found = value ? endOf(value) : last ? last.offset + last.source.length : key ? endOf(key) : undefined;
        end = Math.max(end, found ?? 0);
      }
      return end;
    }
    case 'block-scalar': {
      const header = token.props.findLast(({ type }) => type === 'block-scalar-header');
      const start = header && 'source' in header ? header.offset + header.source.length : token.offset;
      const body = token.source.replace(/(?:\r?\n[ \t]*)+$/, '');
      return body === '' ? start : bodyStart(token) + body.length;
    }
    default:
      return 'source' in token ? token.offset + token.source.length : token.offset;
  }
}

/** The text of a block scalar begins behind its header, comment and line break. */
function bodyStart(token: CST.BlockScalar): number {
  const last = token.props.at(-1);
  return last && 'source' in last ? last.offset + last.source.length : token.offset;
}
