/**
 * What a run leaves: journals (one a test, streamed while it runs), and `results.json` made of them.
 * Values stand in the JSON form of `recording/json.ts`.
 */
import { z } from 'zod';
import { differenceClasses, modes, outcomes, verdicts } from './outcome.js';

export { type DifferenceClass, differenceClasses, type Mode, modes, type Outcome, outcomes, type Verdict, verdicts } from './outcome.js';

export const RESULTS_VERSION = 1;

const json = z.json();

/** A write to the row of a difference by somebody else; without `by`: its cause is not proven. */
const writeSchema = z.strictObject({
  op: z.enum(['insert', 'update', 'delete']),
  by: z.strictObject({ recording: z.string(), session: z.string(), trace: z.int(), copy: z.int() }).optional(),
});

/** One place where an observation is not what was recorded. */
const differenceSchema = z.strictObject({
  /** `ack[0].data.id`, `pushes.bob.annotationRefresh[0][0].text`, `changes.document.update.rev` */
  path: z.string(),
  class: z.enum(differenceClasses),
  part: z.enum(['ack', 'push', 'change', 'trace']),
  /** absent where nothing was recorded */
  expected: json.optional(),
  /** absent where nothing came */
  actual: json.optional(),
  /** one sentence where path and values do not say it */
  note: z.string().optional(),
  /** the name that was not bound, where the difference only follows from the trace that should have bound it */
  follows: z.string().optional(),
  /** who wrote the same row between the start of the trace and its own write; the latest, in the order of time */
  meanwhile: z.array(writeSchema).optional(),
});
export type Difference = z.infer<typeof differenceSchema>;

/** How many leaves of a trace's expectations were compared by value, by type only, or not at all. */
const comparedSchema = z.strictObject({ value: z.int(), type: z.int(), ignored: z.int() });
export type Compared = z.infer<typeof comparedSchema>;

/** `connect-failed` is a session's; the traces of it are `aborted`. */
const traceRecord = z.strictObject({
  type: z.literal('trace'),
  recording: z.string(),
  session: z.string(),
  /** position in the session's traces, from 0 */
  trace: z.int().nonnegative(),
  /** from 0 */
  copy: z.int().nonnegative(),
  outcome: z.enum(outcomes),
  /** milliseconds since the test began; null: never started */
  start: z.number().nullable(),
  /** milliseconds from emit to acknowledgement (connect: to connected); null: none was asked for or none came */
  latency: z.number().nullable(),
  /** milliseconds that it waited for recorded effects of itself that did not come in time */
  waited: z.number().optional(),
  /** the client asked for no acknowledgement: only the effects could be judged */
  noAck: z.literal(true).optional(),
  compared: comparedSchema,
  differences: z.array(differenceSchema).optional(),
  /** one sentence on why, for outcomes that are no mismatch: the server's message, the reason of the connect error, the unbound name */
  reason: z.string().optional(),
  /** skipped: the name it needed and the trace that should have bound it */
  needs: z.strictObject({ name: z.string(), producer: z.strictObject({ session: z.string(), trace: z.int() }).optional() }).optional(),
  quarantined: z.literal(true).optional(),
  /** it differed, and its recording says so since then */
  updated: z.literal(true).optional(),
  /** what was seen, in the shape of a trace of a recording (JSON form); left out for most passed traces of iterations */
  observed: json.optional(),
});
export type TraceRecord = z.infer<typeof traceRecord>;

/** Who looks after a known failure, why it is known, and the last day on which it does not count. */
const quarantine = z.strictObject({ owner: z.string(), reason: z.string(), expires: z.string() });

const recordedTrace = z.strictObject({
  label: z.string(),
  kind: z.enum(['connect', 'emit', 'http', 'disconnect']),
  line: z.int(),
  disabled: z.literal(true).optional(),
  /** its own, or that of its recording */
  quarantine: quarantine.optional(),
  expected: json,
});

/** A recording as the report needs it: every trace with its line in the YAML and what was recorded. */
const recordedSchema = z.strictObject({
  name: z.string(),
  file: z.string(),
  sessions: z.array(z.strictObject({ id: z.string(), user: z.string().nullable(), line: z.int(), traces: z.array(recordedTrace) })),
});
export type Recorded = z.infer<typeof recordedSchema>;

const latencySchema = z.strictObject({ count: z.int(), p50: z.number().nullable(), p95: z.number().nullable(), max: z.number().nullable() });
export type Latency = z.infer<typeof latencySchema>;

/** The harness's own event loop while latencies were measured: how long events waited for it (ms), and which share of the time it was busy. */
const harnessSchema = z.strictObject({ p99: z.number(), max: z.number(), busy: z.number() });
export type Harness = z.infer<typeof harnessSchema>;

/** With the judgement on it: `saturated`, the harness was too slow itself, and its latencies cannot be trusted. */
const judgedHarnessSchema = harnessSchema.extend({ saturated: z.boolean() });
export type JudgedHarness = z.infer<typeof judgedHarnessSchema>;

const problemSchema = z.strictObject({ code: z.string(), message: z.string() });

/** Of the mode `ceiling`: where it begins, how it climbs, and what a level must hold. Latency in ms, `failThreshold` in percent. */
const ceilingSchema = z.strictObject({
  from: z.int(),
  step: z.int(),
  max: z.int(),
  latencyThreshold: z.number(),
  maxFailures: z.int(),
  failThreshold: z.number(),
  /** the gate; without it the result is information */
  min: z.int().optional(),
});
export type CeilingSettings = z.infer<typeof ceilingSchema>;

/** Why a level of a ceiling does not hold. */
const reasonSchema = z.strictObject({ by: z.enum(['failures', 'percentage', 'latency', 'harness', 'error']), message: z.string() });
export type Reason = z.infer<typeof reasonSchema>;

/** The pool replayed once: a level of `ceiling`, a round of `soak`. */
const sampleSchema = z.strictObject({
  /** from 1 */
  number: z.int().positive(),
  copies: z.int().positive(),
  clients: z.int().positive(),
  /** milliseconds since the test began */
  start: z.number(),
  took: z.number(),
  outcomes: z.record(z.enum(outcomes), z.int()),
  /** traces that did not pass, without those in quarantine */
  failed: z.int(),
  compared: comparedSchema,
  latency: latencySchema,
  /** the event with the highest p95 */
  slowest: z.strictObject({ event: z.string(), p95: z.number() }).optional(),
  harness: judgedHarnessSchema,
  /** resident memory of the application at its end, bytes; absent: not measured */
  rss: z.number().optional(),
  errors: z.array(problemSchema),
  /** what did not pass, the most frequent first, a sentence each */
  examples: z.array(z.strictObject({ message: z.string(), count: z.int() })),
  /** ceiling: why it does not hold */
  broke: z.array(reasonSchema).optional(),
});
export type Sample = z.infer<typeof sampleSchema>;

/** What a ceiling comes to; `lastGood` null: not even the first level holds. `broke` null: every level holds. */
const climbSchema = z.strictObject({
  lastGood: z.strictObject({ copies: z.int(), clients: z.int(), p95: z.number().nullable() }).nullable(),
  broke: z.strictObject({ copies: z.int(), clients: z.int(), reasons: z.array(reasonSchema) }).nullable(),
});
export type Climb = z.infer<typeof climbSchema>;

const thirdSchema = z.strictObject({ rounds: z.int(), p95: z.number().nullable(), failed: z.int() });

/** What a soak comes to. `early` and `late` are the first and the last third of its rounds; null: there were too few. */
const driftSchema = z.strictObject({
  early: thirdSchema.nullable(),
  late: thirdSchema.nullable(),
  /** what got worse, a sentence each */
  found: z.array(z.string()),
  notMeasured: z.array(z.string()),
});
export type Drift = z.infer<typeof driftSchema>;

const beginRecord = z.strictObject({
  type: z.literal('begin'),
  version: z.literal(RESULTS_VERSION),
  run: z.string(),
  test: z.strictObject({ title: z.string(), project: z.string(), file: z.string(), line: z.int() }),
  kind: z.enum(['regression', 'iteration', ...modes]),
  /** 0 for `regression`; the copies of a mode, of `ceiling` those of its first level */
  iteration: z.int().nonnegative(),
  target: z.string(),
  /** milliseconds since the epoch */
  at: z.number(),
  level: z.enum(['exact', 'shared']),
  /** why an alone replay was compared as shared: no reset */
  levelReason: z.string().optional(),
  speed: z.string(),
  /** the copies started over this time, ms; missing: together */
  spreadMs: z.number().optional(),
  ackTimeout: z.number(),
  probe: z.boolean(),
  /** how row changes are put under traces: the probe knows their cause; from outside by time, where one copy runs alone, else only how many they are */
  rows: z.enum(['probe', 'time', 'iteration', 'not measured']).optional(),
  /** how the database is watched from outside, as a sentence */
  watch: z.string().optional(),
  measures: z.array(z.enum(['acks', 'pushes', 'changes'])),
  /** what cannot be measured, a sentence each: no probe, no fence */
  notMeasured: z.array(z.string()),
  copies: z.int().positive(),
  clients: z.int().positive(),
  /** everything that was seen is kept, for assertions of the scenario */
  observe: z.literal(true).optional(),
  ceiling: ceilingSchema.optional(),
  /** milliseconds */
  soak: z.strictObject({ duration: z.number() }).optional(),
  recordings: z.array(recordedSchema),
});
export type BeginRecord = z.infer<typeof beginRecord>;

const sessionRecord = z.strictObject({
  type: z.literal('session'),
  recording: z.string(),
  session: z.string(),
  copy: z.int().nonnegative(),
  user: z.string().nullable(),
  outcome: z.enum(['connected', 'connect-failed', 'disconnected', 'aborted']),
  reason: z.string().optional(),
  /** milliseconds of login (null: shared with another client or none) and connect */
  login: z.number().nullable(),
  connect: z.number().nullable(),
});
export type SessionRecord = z.infer<typeof sessionRecord>;

/** Something worth saying that is no trace's: an unattributed change, foreign pushes, a warning of the probe. */
const noteRecord = z.strictObject({
  type: z.literal('note'),
  level: z.enum(['info', 'warning', 'error']),
  code: z.string(),
  message: z.string(),
  detail: json.optional(),
});
export type NoteRecord = z.infer<typeof noteRecord>;

/** With `observe`: a push as a client received it, whoever caused it. */
const receivedRecord = z.strictObject({
  type: z.literal('received'),
  recording: z.string(),
  session: z.string(),
  copy: z.int().nonnegative(),
  event: z.string(),
  args: json,
});

/** What all copies together inserted into a table, or changed a counted column by. */
const totalSchema = z.strictObject({
  table: z.string(),
  /** absent: inserted rows */
  column: z.string().optional(),
  expected: z.number(),
  actual: z.number(),
  /** by changes without a proven cause: set apart */
  unattributed: z.number(),
});
export type Total = z.infer<typeof totalSchema>;

/** Kept out of the comparison, or compared beside the traces. */
const besideSchema = z.strictObject({
  /** inserts and counted columns of everything that is recorded */
  totals: z.array(totalSchema).optional(),
  /** recorded states of the tables: compared alone, between traces that do not overlap */
  checkpoints: z.strictObject({ compared: z.int(), notCompared: z.int() }).optional(),
  /** changes of tables and columns that the configuration ignores */
  ignoredChanges: z.int().optional(),
  /** pushes of events that the configuration ignores */
  ignoredPushes: z.int().optional(),
  /** changes that are recorded without a cause, and how many of them this replay saw: alone only */
  recordedUnattributed: z.strictObject({ recorded: z.int(), seen: z.int() }).optional(),
});

const endRecord = z.strictObject({
  type: z.literal('end'),
  verdict: z.enum(verdicts),
  took: z.number(),
  /** pushes of other recordings' traces, and pushes and changes without a cause of ours */
  foreign: z.int(),
  unattributed: z.strictObject({ pushes: z.int(), changes: z.int() }),
  /** the longest delay of the harness's own event loop, in ms: latencies below it mean nothing */
  eventLoopDelay: z.number(),
  harness: harnessSchema.optional(),
  /** what failed the test as a whole: nothing could be replayed, not measured */
  errors: z.array(problemSchema),
  /** of a ceiling (its last good level) or a soak */
  latency: latencySchema.optional(),
  /** of a soak */
  drift: driftSchema.optional(),
  ...besideSchema.shape,
});
export type EndRecord = z.infer<typeof endRecord>;

/** Without a reset: rows that the replay made, changed and deleted, and that nobody brings back. Behind `end`. */
const leftRecord = z.strictObject({ type: z.literal('left'), inserted: z.int(), updated: z.int(), deleted: z.int() });

/** Behind `end`: the recording was written anew, and these traces of it are right since then. */
const updatedRecord = z.strictObject({
  type: z.literal('updated'),
  recording: z.string(),
  file: z.string(),
  traces: z.array(z.strictObject({ session: z.string(), trace: z.int().nonnegative() })),
});
export type UpdatedRecord = z.infer<typeof updatedRecord>;

const sampleRecord = sampleSchema.extend({ type: z.literal('sample') });

/** One line of a journal. For a trace the last record counts; a journal without `end` reads interrupted. */
export const journalRecordSchema = z.discriminatedUnion('type', [
  beginRecord,
  traceRecord,
  sessionRecord,
  receivedRecord,
  noteRecord,
  sampleRecord,
  endRecord,
  leftRecord,
  updatedRecord,
]);
export type JournalRecord = z.infer<typeof journalRecordSchema>;

/** Failures of one trace at one path, over all copies and iterations. */
const failureSchema = z.strictObject({
  id: z.string(),
  recording: z.string(),
  session: z.string(),
  trace: z.int(),
  label: z.string(),
  file: z.string(),
  line: z.int(),
  outcome: z.enum(outcomes),
  /** of the first one seen; absent for outcomes without differences */
  difference: differenceSchema.optional(),
  reason: z.string().optional(),
  count: z.int().positive(),
  /** projects in which it was seen, lowest iteration first */
  projects: z.array(z.string()),
  /** one place to look: project and copy of the first */
  first: z.strictObject({ project: z.string(), iteration: z.int(), copy: z.int() }),
  /** the id of the failure that this one only follows from */
  follows: z.string().optional(),
  quarantined: z.literal(true).optional(),
  /** the quarantine that it has, or had: one that is over counts */
  quarantine: quarantine.optional(),
  updated: z.literal(true).optional(),
});
export type Failure = z.infer<typeof failureSchema>;

const testResultSchema = beginRecord.omit({ type: true, version: true, run: true, recordings: true }).extend({
  recordings: z.array(z.string()),
  verdict: z.enum(verdicts),
  took: z.number().nullable(),
  outcomes: z.record(z.enum(outcomes), z.int()),
  connected: z.int(),
  connectFailed: z.int(),
  latency: latencySchema,
  compared: comparedSchema,
  foreign: z.int(),
  unattributed: z.strictObject({ pushes: z.int(), changes: z.int() }),
  eventLoopDelay: z.number().nullable(),
  /** `saturated`: the harness was too slow itself, its latencies cannot be trusted */
  harness: judgedHarnessSchema.optional(),
  errors: z.array(z.strictObject({ code: z.string(), message: z.string() })),
  notes: z.array(noteRecord.omit({ type: true })),
  /** per event (connects as `connect /`) */
  events: z.array(z.strictObject({ event: z.string(), count: z.int(), failed: z.int(), latency: latencySchema })),
  ...besideSchema.shape,
  /** rows that the replay left in the database, without a reset */
  left: leftRecord.omit({ type: true }).optional(),
  /** recordings that were written anew, and how many of their traces had differed */
  updated: z.array(z.strictObject({ recording: z.string(), file: z.string(), traces: z.int() })).optional(),
  /** levels of a ceiling, rounds of a soak */
  samples: z.array(sampleSchema).optional(),
  climb: climbSchema.optional(),
  drift: driftSchema.optional(),
});
export type TestResult = z.infer<typeof testResultSchema>;

/** A project that has no journal because an earlier one failed or the run ended. */
const notRunSchema = z.strictObject({ project: z.string(), iteration: z.int(), mode: z.enum(modes).optional() });

/** `results.json`, version 1. */
export const resultsSchema = z.strictObject({
  version: z.literal(RESULTS_VERSION),
  run: z.string(),
  /** `updated`: green, but recordings were written anew; `not-started`: recordings or options were wrong, see errors; nothing was sent to the target */
  verdict: z.enum(['passed', 'updated', 'failed', 'interrupted', 'not-started']),
  /** ISO 8601 */
  startedAt: z.string(),
  took: z.number(),
  target: z.string().nullable(),
  /** the first thing to look at, as a sentence; null when passed */
  headline: z.string(),
  tests: z.array(testResultSchema),
  notRun: z.array(notRunSchema),
  /** the first one is the first to look at */
  failures: z.array(failureSchema),
  /** how many of the failures are in quarantine, and do not count; absent: none */
  quarantined: z.int().positive().optional(),
  recordings: z.array(recordedSchema),
  /** every trace that did not pass, with its differences */
  traces: z.array(traceRecord.omit({ type: true }).extend({ project: z.string(), iteration: z.int() })),
  errors: z.array(z.strictObject({ code: z.string(), message: z.string() })),
});
export type Results = z.infer<typeof resultsSchema>;
