/** YAML text to a recording, or all that is wrong with it. Pure: side files come through a callback. */
import { ReplayError, type Where } from '../errors.js';
import { type ParseOptions, type Path, parseYaml, type YamlDocument } from './document.js';
import { validate } from './issues.js';
import { migrate } from './migrate.js';
import { suggestion } from './nearest.js';
import { type Recording, recordingSchema } from './schema.js';
import { unknownNames } from './used-names.js';
import { isObject, type Value } from './values.js';

export interface ReadRecording {
  recording: Recording;
  /** the version that the text is written in */
  version: number;
  /** the line (from 1) of a session, or of one of its traces; both count from 0. Outside of the recording: the nearest line before. */
  lineOf(session: number, trace?: number): number;
  errors?: undefined;
}

export type ReadResult = ReadRecording | { recording?: undefined; errors: ReplayError[] };

/** `file` is for messages only; `readBinary` gives the content of a side file, undefined when it is missing. */
export type ReadOptions = ParseOptions;

const MAX_TRACES = 50_000;
const MAX_SESSION_TRACES = 20_000;
/** More errors than anybody reads; a broken file can have one a line. */
const MAX_ERRORS = 100;

/** Never throws: a file that is no recording has `errors`, all of them, in the order of the file. */
export function readRecording(text: string, options: ReadOptions): ReadResult {
  const document = parseYaml(text, options);
  if (document.value === undefined) return failed(document.errors);
  const { value } = document;
  if (!isObject(value)) return failed([document.errorAt('REPLAY_INVALID_VALUE', 'a recording is a mapping that begins with `version: 1`', [])]);
  const migrated = migrate(value);
  if ('problem' in migrated) return failed([document.errorAt('REPLAY_VERSION', migrated.problem, ['version'])]);
  const raw: Value = migrated.document;
  const limits = overLimits(raw, document);
  if (limits.length > 0) return failed(limits);

  const { data, findings } = validate(recordingSchema, raw);
  const errors = [
    ...document.errors,
    ...findings.map(({ code, what, path, key }) => document.errorAt(code, what, path, key)),
    // A tag that could not be read may have been the one that makes the name.
    ...(document.errors.length === 0 ? nameErrors(raw, document) : []),
  ];
  if (data === undefined || errors.length > 0) return failed(errors);
  return { recording: data, version: Number(value.version), lineOf: lineFinder(document, data.sessions.length) };
}

/** Where the parts of a recording stand in its text. The text is read once more: the tree of positions is too large to be kept. */
export function placeFinder(text: string, file: string): (path: Path, key?: string) => Where {
  const document = parseYaml(text, { file, readBinary: () => new Uint8Array() });
  return (path, key) => document.placeOf(path, key);
}

function failed(errors: ReplayError[]): ReadResult {
  const sorted = [...errors].sort((a, b) => (a.where?.line ?? 0) - (b.where?.line ?? 0) || (a.where?.column ?? 0) - (b.where?.column ?? 0));
  if (sorted.length <= MAX_ERRORS) return { errors: sorted };
  const last = sorted[MAX_ERRORS] as ReplayError;
  return {
    errors: [...sorted.slice(0, MAX_ERRORS), new ReplayError(last.code, `${last.what} (and ${sorted.length - MAX_ERRORS - 1} more errors)`, last.where)],
  };
}

function overLimits(raw: Value, document: YamlDocument): ReplayError[] {
  const sessions = isObject(raw) && Array.isArray(raw.sessions) ? raw.sessions : [];
  const counts = sessions.map((session) => (isObject(session) && Array.isArray(session.traces) ? session.traces.length : 0));
  const errors = counts.flatMap((count, session) =>
    count > MAX_SESSION_TRACES
      ? [document.errorAt('REPLAY_RECORDING_LIMITS', `${count} traces in one session, more than ${MAX_SESSION_TRACES}`, ['sessions', session])]
      : [],
  );
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total > MAX_TRACES) errors.push(document.errorAt('REPLAY_RECORDING_LIMITS', `${total} traces, more than ${MAX_TRACES}`, ['sessions']));
  return errors;
}

function nameErrors(raw: Value, document: YamlDocument): ReplayError[] {
  const { unknown, known, sessions } = unknownNames(raw);
  return unknown.map(({ name, session, tag }) =>
    session
      ? document.errorAtTag('REPLAY_UNKNOWN_NAME', `there is no session \`${name}\`${suggestion(name, sessions)}`, tag, 'Name a session of this recording.')
      : document.errorAtTag('REPLAY_UNKNOWN_NAME', `nothing in this recording makes the name \`${name}\`${suggestion(name, known)}`, tag),
  );
}

function lineFinder(document: YamlDocument, sessionCount: number): ReadRecording['lineOf'] {
  // Numbers only: the syntax tree is many times larger than the recording and must not live as long.
  const sessions = document.linesAt(['sessions']);
  const traces = Array.from({ length: sessionCount }, (_, session) => document.linesAt(['sessions', session, 'traces']));
  return (session, trace) => (trace === undefined ? undefined : traces[session]?.[trace]) ?? sessions[session] ?? 1;
}
