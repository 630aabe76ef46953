/** The replays offered after a recording, with a stand-in for `npx playwright`: what it is asked, and what is made of its results. */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { io } from 'socket.io-client';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { grepFor } from '../../src/cli/playwright.js';
import type { Results } from '../../src/results/schema.js';
import { createWorld, notes, type World } from './run.js';

let world: World;
beforeEach(() => {
  world = createWorld();
});
afterEach(() => world.clean());

type Trace = Results['traces'][number];
interface Said extends Pick<Results, 'verdict' | 'headline'> {
  /** in two copies together, unless this says alone */
  traces?: Partial<Trace>[];
  /** nothing brought back the state before it */
  unreset?: true;
}

const outcomes = { passed: 1, mismatch: 0, rejected: 0, timeout: 0, 'connect-failed': 0, disconnected: 0, aborted: 0, skipped: 0 };
const latency = { count: 0, p50: null, p95: null, max: null };

function resultsOf({ traces = [], unreset, ...said }: Said, together: boolean): Results {
  const project = together ? 'iteration-2' : 'regression';
  const iteration = together ? 2 : 0;
  return {
    ...{ version: 1, run: 'r', startedAt: '', took: 1, target: null, notRun: [], failures: [], recordings: [], errors: [] },
    ...said,
    tests: [
      {
        test: { title: 'flow.1', project, file: 'a.spec.ts', line: 1 },
        ...{ kind: together ? 'iteration' : 'regression', iteration, target: 'http://a', at: 0, level: together || unreset ? 'shared' : 'exact' },
        ...{ speed: 'fast', ackTimeout: 2000, probe: true, measures: [], notMeasured: [], copies: together ? 2 : 1, clients: 1 },
        ...{ recordings: ['flow.1'], verdict: 'finished', took: 1, outcomes, connected: 1, connectFailed: 0, latency },
        ...{ compared: { value: 0, type: 0, ignored: 0 }, foreign: 0, unattributed: { pushes: 0, changes: 0 } },
        ...{ eventLoopDelay: 0, errors: [], notes: [], events: [] },
      },
    ],
    traces: traces.map((trace) => ({
      ...{ project, iteration, recording: 'flow.1', session: 'alice', trace: 1, copy: 0, outcome: 'mismatch', start: 1, latency: 1 },
      ...{ compared: { value: 0, type: 0, ignored: 0 } },
      ...trace,
    })),
  } as Results;
}

/** `npx` that notes its arguments and whether the application answers, and leaves these results, alone and together, one after the other. */
function fakePlaywright(alone: Said[], together: Said[] = alone): void {
  const bin = join(world.folder, 'bin');
  mkdirSync(bin);
  const plan = { alone: alone.map((said) => resultsOf(said, false)), together: together.map((said) => resultsOf(said, true)) };
  writeFileSync(join(world.folder, 'plan.json'), JSON.stringify(plan));
  const lines = [
    '#!/usr/bin/env node',
    "const fs = require('node:fs');",
    "const url = fs.readFileSync('url', 'utf8');",
    "const plan = JSON.parse(fs.readFileSync('plan.json', 'utf8'));",
    "const asked = fs.existsSync('asked.json') ? JSON.parse(fs.readFileSync('asked.json', 'utf8')) : [];",
    "const how = process.argv.includes('--project=regression') ? 'alone' : 'together';",
    'const before = asked.filter((one) => one.how === how).length;',
    'const results = plan[how][Math.min(before, plan[how].length - 1)];',
    'fetch(url).then(() => true, () => false).then((answers) => {',
    '  const { REPLAY_RECORDINGS: recordings } = process.env;',
    "  const yaml = fs.readFileSync('recordings/flow.1.yaml', 'utf8');",
    "  fs.writeFileSync('asked.json', JSON.stringify([...asked, { how, args: process.argv.slice(2), recordings, answers, yaml }]));",
    "  if (!results) { console.log('it broke'); process.exit(1); }",
    "  fs.mkdirSync('replay-report', { recursive: true });",
    "  fs.writeFileSync('replay-report/results.json', JSON.stringify(results));",
    "  process.exit(results.verdict === 'passed' ? 0 : 1);",
    '});',
  ];
  writeFileSync(join(bin, 'npx'), lines.join('\n'));
  chmodSync(join(bin, 'npx'), 0o755);
}

async function recordAndReplay(config: string | undefined, seats = false, room?: string): Promise<{ code: number | null; text: string }> {
  if (config !== undefined) writeFileSync(join(world.folder, 'playwright.config.ts'), config);
  const path = `${join(world.folder, 'bin')}:${process.env.PATH}`;
  const cli = world.cliWith({ PATH: path }, 'record', '--name', 'flow.1', '--replay', '--', process.execPath, notes);
  const url = (await cli.prints(/notes at (http:\S+)/))[1] ?? '';
  writeFileSync(join(world.folder, 'url'), url);
  await cli.prints(/Recording\./);
  const socket = io(url, { auth: { user: 'alice' }, transports: ['websocket'] });
  await socket.emitWithAck('noteAdd', { text: 'xyz', paint: true });
  if (seats) await socket.emitWithAck('seatTake');
  // Its acknowledgement comes after it has arrived.
  if (room !== undefined) await socket.emit('roomJoin', room).emitWithAck('noteAdd', { text: 'in there' });
  socket.disconnect();
  cli.enter('stop');
  return { code: await cli.ends(), text: cli.text() };
}
interface Asked {
  how: string;
  args: string[];
  recordings: string;
  answers: boolean;
  yaml: string;
}
const asked = (): Asked[] => JSON.parse(readFileSync(join(world.folder, 'asked.json'), 'utf8'));
const yaml = (): string => readFileSync(join(world.folder, 'recordings/flow.1.yaml'), 'utf8');
const passed: Said = { verdict: 'passed', headline: 'all passed' };
const red = (headline: string, ...traces: Partial<Trace>[]): Said => ({ verdict: 'failed', headline, traces });

test('green: twice alone and once in two copies; a configuration with a webServer starts the application itself', async () => {
  fakePlaywright([passed]);
  const { code, text } = await recordAndReplay('export default { webServer: {} }');
  expect(text).toContain('flow.1 is green, alone and in two copies.');
  expect(text).toContain('Next: read recordings/flow.1.yaml once as a reviewer would, commit it, and run: npx playwright test');
  expect(code).toBe(0);
  expect(asked().map(({ how }) => how)).toEqual(['alone', 'alone', 'together']);
  expect(asked()[0]).toMatchObject({ args: ['playwright', 'test', '--project=regression', '-g', grepFor('flow.1')], recordings: 'flow.1', answers: false });
});

test('noise is learnt without asking, and shown', async () => {
  const noise = (actual: string) => ({ differences: [{ path: 'ack[0].colour', class: 'value' as const, part: 'ack' as const, expected: 'red', actual }] });
  fakePlaywright([red('noise', noise('blue')), red('noise', noise('green')), passed], [red('noise', noise('grey')), passed]);
  const { code, text } = await recordAndReplay('export default {}');
  expect(text).toMatch(/\n\+ .*colour: !any string/);
  expect(text).toContain('flow.1 is green, alone and in two copies; 1 matcher learnt.');
  expect(yaml()).toContain('colour: !any string');
  expect(code).toBe(0);
  expect(asked().map(({ how }) => how)).toEqual(['alone', 'alone', 'together', 'alone', 'together']);
});

test('an id that only counts gets a name before anything is noise; replays that speak against it take it back', async () => {
  const value = (path: string, expected: number, actual: number) => ({ path, class: 'value' as const, part: 'ack' as const, expected, actual });
  const seat = (ack: number, push: number, was = 1, is = was) =>
    red('a seat', { trace: 2, differences: [value('ack[0].seat.id', was, ack), value('pushes.alice.seatTaken[0].id', is, push)] });
  fakePlaywright([seat(2, 2), seat(3, 3), seat(4, 9, 9), seat(5, 8, 8), passed], [passed]);
  const { code, text } = await recordAndReplay('export default {}', true);
  expect(text).toMatch(/learnt recordings\/flow.1.yaml:\d+ alice\/2 seatTake pushes\.alice\.seatTaken\[0\]\.id: !id seat1 in 2 places: 1 came back as 2, 3;/);
  expect(text).toContain('taken back: flow.1: !id seat1: at ack[0].seat.id alice/2 seatTake had another value');
  expect(asked().map((one) => one.yaml.includes('!id seat1'))).toEqual([false, false, false, true, true, true, false, false]);
  expect(yaml()).toContain('seat: { id: !any integer }');
  expect(text).toContain('flow.1 is green, alone and in two copies; 2 matchers learnt.');
  expect(code).toBe(0);
});

test('red alone: what it means, and what to do; without a webServer the application still runs', async () => {
  const gone = { outcome: 'aborted' as const, reason: 'nothing answers' };
  fakePlaywright([red('noteAdd: ack[0].id is 2, was 1', { trace: 0, ...gone }, gone, { trace: 2, ...gone })]);
  const { code, text } = await recordAndReplay('export default {}');
  expect(text).toContain('flow.1 is red alone: noteAdd: ack[0].id is 2, was 1');
  expect(text).toContain('the reset leads to another state');
  expect(text).toContain('npx socket-replay learn flow.1');
  // What all traces say is said once.
  expect(text.match(/not learnt.*/g)).toEqual([expect.stringMatching(/ alice\/0 connect \/ and 2 more traces: aborted: nothing answers$/)]);
  expect(code).toBe(1);
  expect(asked().every(({ answers }) => answers)).toBe(true);
});

test('a second copy collides: the text is tried as a unique one, and written if that helps', async () => {
  const taken = red('refused', { copy: 1, outcome: 'rejected', reason: 'there is a note xyz' });
  fakePlaywright([passed], [taken, passed]);
  const { code, text } = await recordAndReplay('export default {}');
  expect(text).toContain("A second copy collides: alice's noteAdd: refused: there is a note xyz.");
  expect(text).toContain('flow.1 is green, alone and in two copies; "xyz" must be new in each copy, and is `!unique` now.');
  expect(yaml()).toContain('text: !unique xyz');
  expect(code).toBe(0);
});

test('without a reset the recording itself is the first copy, and red alone tells of a collision', async () => {
  const taken: Said = { ...red('refused', { outcome: 'rejected', reason: 'there is a note xyz' }), unreset: true };
  fakePlaywright([taken, taken, passed], [red('refused', { outcome: 'rejected' }, { copy: 1, outcome: 'rejected' }), passed]);
  const { code, text } = await recordAndReplay('export default {}');
  expect(text).toContain('flow.1 is green, alone and in two copies; "xyz" must be new in each copy, and is `!unique` now.');
  expect(yaml()).toContain('text: !unique xyz');
  expect(code).toBe(0);
});

test('where that does not help the recording is as before, and kept to one copy', async () => {
  fakePlaywright([passed], [red('refused', { copy: 1, outcome: 'rejected', reason: 'you have voted' })]);
  const { code, text } = await recordAndReplay('export default {}');
  expect(asked().map((one) => one.yaml.includes('!unique'))).toEqual([false, false, false, true, true]);
  expect(text).toContain('flow.1 is green, alone; it is kept to one copy (`copies: 1`), and left out of the iterations.');
  expect(yaml()).toContain('copies: 1\nreason: "a second copy collides: alice\'s noteAdd: refused: you have voted"\n');
  expect(yaml()).not.toContain('!unique');
  expect(code).toBe(0);
});

test('a push that a second copy does not get: the text is tried, and where that does not help nothing is changed and it stays red', async () => {
  const late: Partial<Trace> = {
    ...{ copy: 1, trace: 2, outcome: 'mismatch' },
    differences: [{ path: 'pushes.alice.firstInRoom', class: 'removed', part: 'push', expected: [] }],
  };
  fakePlaywright([passed], [red('the push firstInRoom is missing', late)]);
  const { code, text } = await recordAndReplay('export default {}', false, 'room-7cff1c');
  expect(text).toContain("A second copy collides: alice's roomJoin: pushes.alice.firstInRoom did not come.");
  expect(asked().some((one) => one.yaml.includes('!unique room-7cff1c'))).toBe(true);
  expect(text).toContain('flow.1 is green alone, and red in two copies: the push firstInRoom is missing');
  expect(yaml()).not.toMatch(/copies|!unique/);
  expect(code).toBe(1);
});

test('red in two copies, and nothing says why', async () => {
  fakePlaywright([passed], [red('rev is 3', { copy: 1 }, { copy: 0 })]);
  const { code, text } = await recordAndReplay('export default {}');
  expect(text).toContain('flow.1 is green alone, and red in two copies: rev is 3');
  expect(yaml()).not.toContain('copies');
  expect(code).toBe(1);
});

test('results of an earlier run are not taken for this one', async () => {
  mkdirSync(join(world.folder, 'replay-report'));
  writeFileSync(join(world.folder, 'replay-report', 'results.json'), JSON.stringify({ verdict: 'passed', headline: 'old' }));
  fakePlaywright([]);
  const { code, text } = await recordAndReplay('export default {}');
  expect(text).toContain('it broke');
  expect(text).not.toContain('is green');
  expect(code).toBe(3);
});

test('without a configuration the way to one is said', async () => {
  const { code, text } = await recordAndReplay(undefined);
  expect(text).toContain('npx socket-replay init');
  expect(code).toBe(2);
});

test.each([
  ['regression recordings.spec.ts flow.1', true],
  ['regression recordings.spec.ts flow.1 @tag', true],
  ['regression recordings.spec.ts flow.12', false],
  ['regression recordings.spec.ts flow11', false],
  ['regression recordings.spec.ts my-flow.1', false],
])('%s is meant: %s', (title, meant) => expect(new RegExp(grepFor('flow.1')).test(title)).toBe(meant));
