/** The options of a replay: Playwright `use` options and the environment, validated together with clear errors. */
import { z } from 'zod';
import { loginSchema } from '../auth/get-in.js';
import { ReplayError } from '../errors.js';
import { ruleProblem, ruleSchema } from '../recording/rules.js';
import { type Wanted, wantedSchema } from '../recording/slice.js';
import { conventions, type OwnConvention } from '../recording/success.js';
import type { Mode } from '../results/outcome.js';
import { modeOptions } from './modes.js';

const speed = z.union([z.enum(['fast', 'realtime']), z.number().positive().max(1000)]);
const part = z.enum(['acks', 'pushes', 'changes']);

function call(otherwise?: string) {
  return z.custom<() => Promise<void> | void>((input) => typeof input === 'function', otherwise);
}

/** How the application is brought back to its known state before each regression test and each iteration. */
const resetSchema = z.union([
  /** a request to the target, e.g. `{ post: '/reset' }`; `headers` for a token */
  z.strictObject({ post: z.string(), headers: z.record(z.string(), z.string()).optional() }),
  /** a command; it must go through the running application or stop it */
  z.strictObject({ command: z.string() }),
  /** a SQLite file or the address of a PostgreSQL database: what each replay wrote is taken back behind it */
  z.strictObject({ undo: z.string().min(1) }),
  /** the database is made anew from a template; whoever is connected to it loses the connection */
  z.strictObject({ postgres: z.strictObject({ url: z.url({ protocol: /^postgres(ql)?$/ }), template: z.string().min(1) }) }),
  /** what `defineReplayConfig` makes of a function: a bare one Playwright would take for a fixture */
  z.strictObject({ call: call() }),
  call('expected { post }, { command }, { undo }, { postgres } or a function'),
]);

const own = z.custom<OwnConvention>((input) => typeof input === 'function', `expected ${conventions.join(', ')} or a function`);
/** `{ call }` is what `defineReplayConfig` makes of a function: a bare one Playwright would take for a fixture */
const successSchema = z.union([z.enum(conventions), z.strictObject({ call: own }), own]);

/** `{ list }` is what `defineReplayConfig` makes of it: a list of two objects Playwright would take for a fixture and its settings */
const rulesSchema = z.union([z.array(ruleSchema), z.strictObject({ list: z.array(ruleSchema) }).transform(({ list }) => list)], {
  error: ({ input }) => (Array.isArray(input) ? ruleProblem(input) : 'expected a list of rules'),
});

export const useSchema = z.object({
  /** where the application is */
  baseURL: z.url({ protocol: /^https?$/ }),
  /** how clients get in; not needed when no session has a user */
  login: loginSchema.optional(),
  reset: resetSchema.optional(),
  /** milliseconds an acknowledgement and every other recorded effect may take. Default 2,000 */
  ackTimeout: z.int().min(100).max(30_000).default(2000),
  /** milliseconds a handshake may take. Default 10,000 */
  connectTimeout: z.int().min(100).max(120_000).default(10_000),
  /** `fast` (no gaps), `realtime`, or a factor. Default `fast`. The order never changes. */
  speed: speed.default('fast'),
  /** with a speed other than `fast`: longer recorded pauses are cut to this, before the speed. Default: none is */
  maxGapMs: z.int().min(0).max(86_400_000).optional(),
  /** the copies of an iteration start one after the other over this time, copy i of K after i/K of it. Default 0: all together */
  spreadMs: z.int().min(0).max(86_400_000).default(0),
  /** `recording`: across the sessions of a recording; `session`: each session for itself. Default `recording` */
  order: z.enum(['recording', 'session']).default('recording'),
  /** what must be measured for the verdict to count. Default all three */
  measure: z.array(part).min(1).default(['acks', 'pushes', 'changes']),
  /** the database, where no probe tells its rows: the path of a SQLite file, or `postgres://…`; also `REPLAY_WATCH` in the environment, for its password */
  watch: z.string().min(1).optional(),
  /** values of `!secret name`; also `REPLAY_SECRET_NAME` in the environment */
  secrets: z.record(z.string(), z.union([z.string(), z.number()])).default({}),
  /** values of the names that recordings say are `given`: copy i has entry i mod n; one copy alone has what was recorded */
  vary: z.record(z.string(), z.array(z.union([z.string(), z.number()])).min(1)).default({}),
  /** tables that are the application's own noise: session store, logs. `*` and `?` stand for any letters. Their changes are neither required nor unexpected */
  ignoreTables: z.array(z.string().min(1)).default([]),
  /** columns, as TABLE.COLUMN, with `*` and `?` */
  ignoreColumns: z.array(z.string().regex(/.\../s, 'expected TABLE.COLUMN')).default([]),
  /** rules of the whole application: pushes that are ignored, and matchers for places in events and for columns */
  rules: rulesSchema.default([]),
  /** what of an acknowledgement says yes or no. Default: learnt from the recording */
  success: successSchema.optional(),
  /** keep everything that is seen in the journal, for assertions about iterations. Default false */
  observe: z.boolean().default(false),
  /** path of Socket.IO on the target. Default `/socket.io` */
  socketPath: z.string().startsWith('/').optional(),
  /** the scenario's word for a protected target; `REPLAY_ALLOW_PROTECTED` has to name it too. Default false */
  allowProtected: z.boolean().default(false),
  /** what clients connect with; an application may answer otherwise on another. Default `websocket` */
  transport: z.enum(['websocket', 'polling']).default('websocket'),
  /** what the server was given as `parser`: the name of a package of the project, or a file relative to the configuration. Default: Socket.IO's own */
  parser: z.string().min(1).optional(),
});
export type ReplayUse = z.input<typeof useSchema>;
export type ReplayOptions = z.output<typeof useSchema>;

const scaleSchema = z.object({
  /** the folder of the recordings. Default `recordings` */
  recordings: z.string().default('recordings'),
  /** M: iterations 1 to M are replayed. Default 3 */
  iterations: z.int().min(1).max(1000).default(3),
  /** `ramp`: an iteration starts when the one before has ended; `parallel`: side by side, on purpose. Default `ramp` */
  schedule: z.enum(['ramp', 'parallel']).default('ramp'),
  /** go on climbing after a failed iteration. Default false */
  continueOnFailure: z.boolean().default(false),
  /** the scenario's word for more than 200 clients, 100,000 emits or five minutes; also `REPLAY_YES=1`. Default false */
  allowLoad: z.boolean().default(false),
  /** hosts that are never replayed against unless scenario and environment both allow it: `*.example.com`, `shop.example.com:8443` */
  protectedTargets: z.array(z.string().regex(/^[^/\s]+$/, 'expected a host, or HOST:PORT, with * and ?')).default([]),
  ...modeOptions,
});
/** `only`: a part of one recording, and nothing else */
export type ScaleOptions = z.output<typeof scaleSchema> & { select?: string[]; only?: Wanted };
export type ScaleInput = z.input<typeof scaleSchema>;

function jsonOf(text: string, context: z.RefinementCtx): unknown {
  try {
    return JSON.parse(text);
  } catch {
    context.addIssue({ code: 'custom', message: 'expected JSON' });
    return z.NEVER;
  }
}

const flag = z.enum(['0', '1', 'true', 'false']).transform((text) => text === '1' || text === 'true');
const list = z.string().transform((text) =>
  text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== ''),
);
const environmentSchema = z.object({
  REPLAY_ITERATIONS: z.coerce.number().int().min(1).max(1000).optional(),
  /** names, separated by commas */
  REPLAY_RECORDINGS: list.optional(),
  REPLAY_SPEED: z.union([z.enum(['fast', 'realtime']), z.coerce.number().positive().max(1000)]).optional(),
  REPLAY_CONTINUE_ON_FAILURE: flag.optional(),
  REPLAY_WATCH: z.string().optional(),
  REPLAY_BASE_URL: z.url({ protocol: /^https?$/ }).optional(),
  REPLAY_YES: flag.optional(),
  /** hosts, or HOST:PORT, separated by commas */
  REPLAY_ALLOW_PROTECTED: list.optional(),
  /** what `socket-replay rerun` wants, as JSON */
  REPLAY_ONLY: z.string().transform(jsonOf).pipe(wantedSchema).optional(),
});

const environment = (env: NodeJS.ProcessEnv): z.output<typeof environmentSchema> => {
  const set = Object.fromEntries(
    Object.keys(environmentSchema.shape).flatMap((name) => (env[name] === undefined || env[name] === '' ? [] : [[name, env[name]]])),
  );
  return parse(environmentSchema, set, 'the environment');
};

/** Environment above configuration above defaults. Throws REPLAY_OPTION_INVALID with every issue. */
export function scaleOptions(input: ScaleInput, env: NodeJS.ProcessEnv = process.env): ScaleOptions {
  const set = environment(env);
  return {
    ...parse(
      scaleSchema,
      {
        ...input,
        ...(set.REPLAY_ITERATIONS === undefined ? {} : { iterations: set.REPLAY_ITERATIONS }),
        ...(set.REPLAY_CONTINUE_ON_FAILURE === undefined ? {} : { continueOnFailure: set.REPLAY_CONTINUE_ON_FAILURE }),
        ...(set.REPLAY_YES && { allowLoad: true }),
      },
      'defineReplayConfig',
    ),
    ...(set.REPLAY_RECORDINGS && { select: set.REPLAY_RECORDINGS }),
    ...(set.REPLAY_ONLY && { only: set.REPLAY_ONLY }),
  };
}

export function replayOptions(use: unknown, env: NodeJS.ProcessEnv = process.env): ReplayOptions {
  const set = environment(env);
  const above = {
    ...(set.REPLAY_BASE_URL !== undefined && { baseURL: set.REPLAY_BASE_URL }),
    ...(set.REPLAY_SPEED !== undefined && { speed: set.REPLAY_SPEED }),
    ...(set.REPLAY_WATCH !== undefined && { watch: set.REPLAY_WATCH }),
  };
  const options = parse(useSchema, { ...(use as object), ...above }, '`use`');
  const secrets: Record<string, string | number> = { ...options.secrets };
  for (const [name, value] of Object.entries(env))
    if (name.startsWith('REPLAY_SECRET_') && value !== undefined) secrets[name.slice('REPLAY_SECRET_'.length).toLowerCase()] = value;
  return { ...options, secrets };
}

/** The protected targets that the environment allows. */
export const allowedTargets = (env: NodeJS.ProcessEnv = process.env): string[] => environment(env).REPLAY_ALLOW_PROTECTED ?? [];

/** How many copies a mode begins with. */
export const copiesOf = ({ ceiling, soak, behavioural }: ScaleOptions, mode: Mode): number =>
  (mode === 'ceiling' ? ceiling?.from : mode === 'soak' ? soak?.copies : behavioural?.copies) ?? 1;

/** 0 means no gaps. */
export const speedFactor = (speed: ReplayOptions['speed']): number => (speed === 'fast' ? 0 : speed === 'realtime' ? 1 : speed);

function parse<T extends z.ZodType>(schema: T, input: unknown, where: string): z.output<T> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const issues = result.error.issues.map((issue) => `${issue.path.join('.') || where}: ${issue.message}`);
  throw new ReplayError(
    'REPLAY_OPTION_INVALID',
    `${where === 'the environment' ? 'the environment is' : `the options of ${where} are`} not valid\n      ${issues.join('\n      ')}`,
  );
}
