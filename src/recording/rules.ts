/**
 * Rules of a whole application, from its configuration: as if their matchers stood in every recording. Names stay, because later
 * traces need them. Pure.
 */
import { z } from 'zod';
import { globPattern } from './glob.js';
import { labelOf, type Recording, type Trace } from './schema.js';
import { isTagName, parseTag, tagKinds } from './tags.js';
import { isObject, Tagged, type Value, type ValueObject } from './values.js';

const matcher = z.string().transform((text, context) => {
  const body = matcherOf(text);
  if (typeof body !== 'string') return body;
  context.addIssue({ code: 'custom', message: body });
  return z.NEVER;
});
const path = z
  .string()
  .regex(/^(args|ack|answer)((\[(\d+|\*)\])|(\.[^.[\]]+))*$/, 'expected a path such as args[0].updatedAt, args[0][*].at, ack[0].data.token or answer.at');
const ignore = z.literal(true);
const glob = z.string().min(1);

export const ruleSchema = z.union(
  [
    z.strictObject({ event: glob, ignore }),
    z.strictObject({ event: glob, path, ignore }),
    z.strictObject({ event: glob, path, matcher }),
    z.strictObject({ table: glob, ignore }),
    z.strictObject({ table: glob, column: glob, ignore }),
    z.strictObject({ table: glob, column: glob, matcher }),
  ],
  {
    error: ({ input }) => problemOf(input),
  },
);
export type Rule = z.output<typeof ruleSchema>;

const shape =
  'expected { event, ignore: true }, { event, path, matcher }, { table, ignore: true } or { table, column, matcher }; `ignore: true` may stand for a matcher';

/** A union says only that nothing fits; what is wrong with a path or matcher is said. */
function problemOf(input: unknown): string {
  const { path: place, matcher: text } = (typeof input === 'object' && input !== null ? input : {}) as { path?: unknown; matcher?: unknown };
  const problems = [
    ...(place === undefined ? [] : (path.safeParse(place).error?.issues ?? [])),
    ...(text === undefined ? [] : (matcher.safeParse(text).error?.issues ?? [])),
  ];
  return problems[0]?.message ?? shape;
}

/** The first rule of a list that is wrong, and what is. */
export function ruleProblem(rules: readonly unknown[]): string {
  const at = rules.findIndex((rule) => !ruleSchema.safeParse(rule).success);
  return `rule ${at + 1}: ${problemOf(rules[at])}`;
}

/** As in the YAML: `!any timestamp`. As a text: what is wrong with it. */
function matcherOf(text: string): Tagged | string {
  const [, tag = '', body = ''] = /^!(\w+)(?: (.*))?$/s.exec(text) ?? [];
  const allowed = ['any', 'uuid', 'timestamp', 'regex', 'delta', 'ignore'];
  if (!isTagName(tag) || tagKinds[tag] !== 'scalar' || !allowed.includes(tag) || tag === 'file')
    return `${JSON.stringify(text)} is no matcher: expected ${allowed.map((name) => `!${name}`).join(', ')}, spelled as in a recording`;
  const parsed = parseTag(tag as Parameters<typeof parseTag>[0], body);
  return typeof parsed === 'string' ? parsed : new Tagged(parsed);
}

const nothing = new Tagged({ tag: 'ignore' });

/** The same recording where no rule has a matcher. */
export function applyRules(recording: Recording, rules: readonly Rule[]): Recording {
  const events = rules.flatMap((rule) =>
    'path' in rule ? [{ event: globPattern(rule.event), steps: stepsOf(rule.path), matcher: 'matcher' in rule ? rule.matcher : nothing }] : [],
  );
  const columns = rules.flatMap((rule) =>
    'column' in rule && 'matcher' in rule ? [{ table: globPattern(rule.table), column: globPattern(rule.column), matcher: rule.matcher }] : [],
  );
  if (events.length + columns.length === 0) return recording;

  const at = (name: string, part: string, value: Value): Value =>
    events.reduce((now, rule) => (rule.event.test(name) && rule.steps[0] === part ? replaceAt(now, rule.steps.slice(1), rule.matcher) : now), value);
  const row = (table: string, values: ValueObject): ValueObject =>
    Object.fromEntries(
      Object.entries(values).map(([name, value]) => {
        const rule = columns.find((one) => one.table.test(table) && one.column.test(name));
        return [name, rule ? replaceAt(value, [], rule.matcher) : value];
      }),
    );
  const ruled = (trace: Trace): Trace => ({
    ...trace,
    ...(Array.isArray(trace.ack) && { ack: at(labelOf(trace), 'ack', trace.ack) as Value[] }),
    ...(trace.http?.answer !== undefined && { http: { ...trace.http, answer: at(labelOf(trace), 'answer', trace.http.answer) } }),
    ...(trace.pushes && { pushes: trace.pushes.map((push) => ({ ...push, ...(push.args && { args: at(push.event, 'args', push.args) as Value[] }) })) }),
    ...(trace.changes && {
      changes: trace.changes.map((change) => ({
        ...change,
        ...(change.row && { row: row(change.insert ?? '', change.row) }),
        ...(change.set && { set: row(change.update ?? '', change.set) }),
      })),
    }),
  });
  return { ...recording, sessions: recording.sessions.map((session) => ({ ...session, traces: session.traces.map(ruled) })) };
}

/** What the rules leave out, as `ignoreTables` and `ignoreColumns` say it. */
export function ignoredBy(rules: readonly Rule[]): { tables: string[]; columns: string[]; events: string[] } {
  const ignored = rules.filter((rule) => 'ignore' in rule);
  return {
    tables: ignored.flatMap((rule) => ('table' in rule && !('column' in rule) ? [rule.table] : [])),
    columns: ignored.flatMap((rule) => ('column' in rule ? [`${rule.table}.${rule.column}`] : [])),
    events: ignored.flatMap((rule) => ('event' in rule && !('path' in rule) ? [rule.event] : [])),
  };
}

const stepsOf = (text: string): string[] => [...text.matchAll(/[^.[\]]+/g)].map(([step]) => step);

const isNamed = (value: Value): boolean => value instanceof Tagged && ['id', 'unique', 'text', 'socket', 'secret'].includes(value.body.tag);

function replaceAt(value: Value, [step, ...rest]: string[], matcher: Tagged): Value {
  if (step === undefined) return isNamed(value) || 'name' in (value instanceof Tagged ? value.body : {}) ? value : matcher;
  const items = value instanceof Tagged && (value.body.tag === 'some' || value.body.tag === 'unordered') ? value.body : undefined;
  if (items && value instanceof Tagged) return new Tagged({ ...items, items: replaceAt(items.items, [step, ...rest], matcher) as Value[] });
  if (Array.isArray(value)) return value.map((item, index) => (step === '*' || step === String(index) ? replaceAt(item, rest, matcher) : item));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, step === '*' || step === key ? replaceAt(item, rest, matcher) : item]));
}
