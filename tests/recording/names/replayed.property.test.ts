/**
 * A wrong name is worse than none: an application that counts in memory, whose small ids are also pages, quantities, levels and keys of
 * what was there before. Every name stands for one thing of the application, wherever it stands.
 */
import { expect, test } from 'vitest';
import { compareValue } from '../../../src/recording/compare.js';
import { applyEdits } from '../../../src/recording/edit.js';
import { toJson } from '../../../src/recording/json.js';
import type { SeenReplay, SeenTrace } from '../../../src/recording/learn.js';
import { type ReplayedName, replayedNames } from '../../../src/recording/names/replayed.js';
import type { Push, Recording, Trace } from '../../../src/recording/schema.js';
import { isObject, Tagged, type Value } from '../../../src/recording/values.js';
import fc from '../../fast-check.js';
import { contextOf, scopeOf } from '../scopes.js';

/** What the application made: in a world it is a number. */
class Made {
  constructor(
    readonly kind: Kind,
    readonly n: number,
  ) {}
}
type Kind = 'todo' | 'list' | 'note';
type Truth = null | boolean | number | string | Made | { says: (string | Made)[] } | Truth[] | { [key: string]: Truth };

interface Step {
  event: string;
  args: Truth[];
  ack: Truth[];
  pushes: { event: string; args: Truth[] }[];
}

const says = (...parts: (string | Made)[]): Truth => ({ says: parts });
const isText = (truth: Truth): truth is { says: (string | Made)[] } =>
  typeof truth === 'object' && truth !== null && 'says' in truth && Array.isArray(truth.says);

type Action = { what: string; pick: number; n: number };
const whats = [
  ...[
    'create',
    'create',
    'create',
    'announce',
    'generic',
    'edit',
    'note',
    'delete',
    'page',
    'read',
    'vote',
    'sort',
    'room',
    'count',
    'message',
    'bare',
    'user',
    'owner',
    'level',
  ],
];

/** One use of the application, by what is meant. */
function play(actions: readonly Action[]): Step[] {
  const made: Record<Kind, Made[]> = { todo: [], list: [], note: [] };
  const make = (kind: Kind): Made => {
    const one = new Made(kind, made[kind].length);
    made[kind].push(one);
    return one;
  };
  const old = (kind: Kind, pick: number): Made | undefined => made[kind][pick % Math.max(1, made[kind].length)];
  return actions.flatMap(({ what, pick, n }, i): Step[] => {
    const kind: Kind = n % 2 === 0 ? 'todo' : 'list';
    const title = `title ${i}`;
    const todo = old('todo', pick);
    const list = old('list', pick);
    const step = (event: string, args: Truth[], ack: Truth[], pushes: Step['pushes'] = []): Step[] => [{ event, args, ack, pushes }];
    switch (what) {
      case 'create': {
        const one = make(kind);
        return step(`${kind}:create`, [{ title }], [{ ok: true, [kind]: { id: one, title } }], [{ event: `${kind}:created`, args: [{ id: one, title }] }]);
      }
      case 'announce': {
        const one = make(kind);
        return step(`add ${kind}`, [{ title, level: n }], [{ ok: true, id: one, said: says(`${kind} `, one, ' of 3') }]);
      }
      case 'generic': {
        const one = make('note');
        return step('create', [{ title }], [{ ok: true, id: one }]);
      }
      case 'edit':
        return todo ? step('todo:edit', [{ id: todo, title, level: n }], [{ ok: true, id: todo, level: n }]) : [];
      case 'note': {
        const note = old('note', pick);
        return note ? step('update', [{ id: note, title }], [{ ok: true }]) : [];
      }
      case 'delete':
        return list ? step('remove', [{ listId: list, quantity: n }], [{ ok: true }], [{ event: 'list:removed', args: [{ id: list }] }]) : [];
      case 'page':
        return step('document:open', [{ id: n, page: pick }], [{ ok: true, document: { id: n, page: pick, title: 'old' } }]);
      case 'read':
        return step('read', [{ id: n }], [{ ok: true, text: 'old' }]);
      case 'vote':
        return step('vote', [{ userId: n, documentId: pick }], [{ ok: true, votes: 3, userId: n }]);
      case 'sort':
        return made.todo.length > 1
          ? step('todo:sort', [{ todoIds: [...made.todo].reverse(), scores: [1, 2] }], [{ ok: true, order: [...made.todo].reverse() }])
          : [];
      case 'room':
        return list ? step('join', [says('list:', list)], [{ ok: true, room: says('list:', list) }]) : [];
      case 'count':
        return step('count', [], [{ todos: made.todo.length, lists: made.list.length, page: n }]);
      case 'message': {
        const one = make(kind);
        return step('message', [{ type: kind, title }], [{ ok: true, id: one }]);
      }
      case 'bare':
        return list ? step('list:page', [n], [{ ok: true, page: n }]) : [];
      case 'user':
        return step('user:open', [n], [{ user: { id: n, name: `user ${n}` } }]);
      case 'owner':
        return todo ? step('todo:assign', [{ todoId: todo, ownerId: n }], [{ ok: true, ownerId: n, owner: { id: n } }]) : [];
      default:
        return step('level', [{ level: n, key: pick }], [{ ok: true, level: n }]);
    }
  });
}

interface World {
  /** how many of each kind there were before */
  before: Record<Kind, number>;
  /** how many more of each kind others make in between */
  others: number;
  exact: boolean;
}

const valueIn = ({ kind, n }: Made, { before, others }: World): number => before[kind] + 1 + n * (1 + others);

function render(truth: Truth, world: World): Value {
  if (truth instanceof Made) return valueIn(truth, world);
  if (Array.isArray(truth)) return truth.map((item) => render(item, world));
  if (isText(truth)) return truth.says.map((part) => (part instanceof Made ? String(valueIn(part, world)) : part)).join('');
  if (typeof truth === 'object' && truth !== null) return Object.fromEntries(Object.entries(truth).map(([key, item]) => [key, render(item, world)]));
  return truth;
}

const HOME: World = { before: { todo: 0, list: 0, note: 0 }, others: 0, exact: true };

const traceOf = (step: Step, world: World): Trace => ({
  emit: step.event,
  args: render(step.args, world) as Value[],
  ack: render(step.ack, world) as Value[],
  ...(step.pushes.length > 0 && { pushes: step.pushes.map(({ event, args }): Push => ({ to: 'alice', event, args: render(args, world) as Value[] })) }),
});

const recorded = (steps: readonly Step[]): Recording => ({
  version: 1,
  name: 'counted',
  status: 'finished',
  sessions: [{ id: 'alice', times: steps.map((_, i) => [i * 100, 5]), traces: steps.map((step) => traceOf(step, HOME)) }],
});

const hasMade = (truth: Truth, test: (made: Made) => boolean): boolean => {
  if (truth instanceof Made) return test(truth);
  if (isText(truth)) return truth.says.some((part) => part instanceof Made && test(part));
  return Array.isArray(truth)
    ? truth.some((item) => hasMade(item, test))
    : typeof truth === 'object' && truth !== null && Object.values(truth).some((item) => hasMade(item, test));
};

/** Ids that have no name are sent as they were recorded: where they are others in this world, the step fails, or does it to something old and answers as recorded. */
function replayIn(steps: readonly Step[], recording: Recording, meant: ReadonlyMap<string, Made>, world: World, fails: boolean): SeenReplay {
  const names = new Map([...meant].map(([name, made]) => [name, valueIn(made, world)]));
  const context = contextOf(scopeOf({ level: world.exact ? 'exact' : 'shared', names }));
  const traces = steps.flatMap((step, trace): SeenTrace[] => {
    const was = recording.sessions[0]?.traces[trace] as Trace;
    let isStale = false;
    beside(was.args, step.args, (value, truth) => {
      if (!(value instanceof Tagged) && hasMade(truth, (made) => valueIn(made, world) !== valueIn(made, HOME))) isStale = true;
    });
    if (isStale && fails) return [{ session: 'alice', trace, outcome: 'rejected', reason: 'not found' }];
    if (isStale) return [];
    const is = traceOf(step, world);
    const differences = [
      ...compareValue(was.ack as Value[], is.ack as Value[], 'ack', context).differences,
      ...(was.pushes ?? []).flatMap(
        (push, p) => compareValue(push.args ?? [], is.pushes?.[p]?.args ?? [], `pushes.alice[${JSON.stringify(push.event)}]`, context).differences,
      ),
    ].map(({ expected, actual, ...rest }) => ({
      ...rest,
      ...(expected !== undefined && { expected: toJson(expected) }),
      ...(actual !== undefined && { actual: toJson(actual) }),
    }));
    return differences.length === 0 ? [] : [{ session: 'alice', trace, outcome: 'mismatch', differences, observed: toJson(is as unknown as Value) }];
  });
  return { exact: world.exact, at: 0, traces };
}

/** Every scalar and tag, beside what stands there in truth. */
function beside(value: Value | undefined, truth: Truth, found: (value: Value, truth: Truth) => void): void {
  if (Array.isArray(value) && Array.isArray(truth)) for (const [i, item] of value.entries()) beside(item, truth[i] as Truth, found);
  else if (isObject(value) && typeof truth === 'object' && truth !== null)
    for (const [key, item] of Object.entries(value)) beside(item, (truth as { [key: string]: Truth })[key] as Truth, found);
  else if (value !== undefined) found(value, truth);
}

const action = fc.record({ what: fc.constantFrom(...whats), pick: fc.nat(3), n: fc.integer({ min: 1, max: 4 }) });
const world = fc.record({
  before: fc.record({ todo: fc.nat(5), list: fc.nat(5), note: fc.nat(5) }),
  others: fc.nat(2),
  exact: fc.boolean(),
});

/** What each name stands for; fails where it is not one thing in all its places. */
function meaningOf({ sessions }: Recording, steps: readonly Step[]): Map<string, Made> {
  const meant = new Map<string, Made>();
  const mean = (name: string, truth: Truth | undefined): void => {
    expect(truth, `!id ${name}`).toBeInstanceOf(Made);
    expect(truth, `!id ${name}`).toEqual(meant.get(name) ?? truth);
    meant.set(name, truth as Made);
  };
  const check = (value: Value, truth: Truth): void => {
    if (!(value instanceof Tagged)) return;
    if (value.body.tag === 'id') mean(value.body.name, truth);
    if (value.body.tag !== 'text') return;
    const parts = isText(truth) ? truth.says : [];
    const names = value.body.template.split(/\$\{([^}]*)\}/).filter((_, i) => i % 2 === 1);
    for (const [i, name] of names.entries()) mean(name, parts.filter((part) => part instanceof Made)[i]);
  };
  sessions[0]?.traces.forEach((trace, t) => {
    const step = steps[t] as Step;
    beside(trace.args, step.args, check);
    beside(trace.ack as Value[], step.ack, check);
    for (const [p, push] of (trace.pushes ?? []).entries()) beside(push.args, step.pushes[p]?.args as Truth, check);
  });
  expect(new Set([...meant.values()].map(({ kind, n }) => `${kind} ${n}`)).size, 'one thing has two names').toBe(meant.size);
  return meant;
}

test('a name is one thing, and never what only has its number', () => {
  let names = 0;
  let later = 0;
  let sent = 0;
  fc.assert(
    fc.property(fc.array(action, { minLength: 2, maxLength: 12 }), fc.array(world, { minLength: 2, maxLength: 4 }), fc.boolean(), (actions, worlds, fails) => {
      const steps = play(actions);
      const known: ReplayedName[] = [];
      let recording = recorded(steps);
      let meant = new Map<string, Made>();
      for (let round = 0; round < 3; round++) {
        const replays = worlds.map((one) => replayIn(steps, recording, meant, one, fails));
        const found = replayedNames(recording, replays, known);
        recording = applyEdits(recording as unknown as Value, found.edits) as unknown as Recording;
        meant = meaningOf(recording, steps);
        known.push(...found.names);
        if (round === 0) names += found.names.length;
        else later += found.names.length;
        sent += found.names.reduce((sum, one) => sum + one.sent, 0);
      }
    }),
    { numRuns: 150 },
  );
  expect(names).toBeGreaterThan(60);
  expect(later).toBeGreaterThan(0);
  expect(sent).toBeGreaterThan(30);
});
