/** The first step from YAML text: the syntax tree of its one document. */
import { Composer, type CST, type Document, Lexer, type LineCounter, type Node, Parser } from 'yaml';
import type { ErrorCode } from '../errors.js';
import { tagKinds } from './tags.js';

export const MAX_DEPTH = 64;

export const standardTag = 'tag:yaml.org,2002:';
/** The tags of YAML's own types, which change nothing. */
export const standardTags = new Set(['str', 'int', 'float', 'bool', 'null', 'map', 'seq'].map((name) => standardTag + name));

// Known to the YAML library only so that it does not make an Error of each one; resolved below.
const customTags = [`${standardTag}binary`, ...Object.keys(tagKinds).map((name) => `!${name}`)].flatMap((tag) => [
  { tag, resolve: (text: string) => text },
  { tag, collection: 'seq' as const, resolve: (list: unknown) => list as Node },
  { tag, collection: 'map' as const, resolve: (map: unknown) => map as Node },
]);

export type Report<T> = (code: ErrorCode, what: string, offset: number) => T;

/** The one document of a text. Errors of syntax are reported; what has no document, or nests too deeply, is stopped. */
export function compose(text: string, lines: LineCounter, report: Report<void>, stop: Report<never>): Document.Parsed {
  lines.addNewLine(0);
  const parser = new Parser(lines.addNewLine);
  function* tokens(): Generator<CST.Token> {
    for (const lexeme of new Lexer().lex(text)) {
      yield* parser.next(lexeme);
      // Composing is recursive: what nests without end is stopped here. A few levels are the parser's own.
      if (parser.stack.length > MAX_DEPTH + 8) stop('REPLAY_RECORDING_LIMITS', `nested deeper than ${MAX_DEPTH} levels`, parser.offset);
    }
    yield* parser.end();
  }
  // Duplicates of keys are found while converting: the library compares every key with every other.
  const composer = new Composer({
    version: '1.2',
    schema: 'core',
    uniqueKeys: false,
    resolveKnownTags: false,
    customTags,
    prettyErrors: false,
    logLevel: 'silent',
  });
  const documents = [...composer.compose(tokens(), true, text.length)] as Document.Parsed[];
  for (const { errors } of documents) for (const error of errors) report('REPLAY_YAML_SYNTAX', error.message, error.pos[0]);
  const second = documents[1];
  if (second) report('REPLAY_YAML_SYNTAX', 'a file holds one recording, a second document begins here', second.range[0]);
  const first = documents[0];
  return first ?? stop('REPLAY_YAML_SYNTAX', 'the file is empty', 0);
}
