/** What is wrong before anything is replayed is said at once, all of it, and nothing is half-run. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { Server } from 'socket.io';
import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../ports.js';
import { slow } from '../slow.js';
import { configFor, playwrightTest, record, root, startAnnotator, temporary } from './support.js';

const recording = (name: string, rest: string): string => `version: 1\nname: ${name}\nstatus: finished\n${rest}`;
const session = (traces: string): string => `sessions:\n  - id: alice\n    user: alice\n    traces:\n      - connect: { namespace: / }\n${traces}`;

describe('broken recordings', () => {
  it('are listed together with code, file, line and column, and what to do; nothing starts', { timeout: 60_000 }, async () => {
    const folder = temporary('broken');
    const files: Record<string, string> = {
      'key.yaml': recording('key', session('      - emit: documentOpen\n        argz: [1]\n')),
      'version.yaml': 'version: 99\nname: version\n',
      'yaml.yaml': 'version: 1\nname: [yaml\nsessions:\n',
      'name.yaml': recording('name', session('      - emit: documentOpen\n        args: [!id nobody1]\n')),
      'binary.yaml': recording('binary', session(`      - emit: upload\n        args: [!file ${'a'.repeat(64)}]\n`)),
    };
    for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
    const { code, output, results, report } = await playwrightTest([], { ANNOTATOR_RECORDINGS: folder });
    expect(code).toBe(1);
    for (const [error, place] of [
      ['REPLAY_UNKNOWN_KEY', 'key.yaml:10:9'],
      ['REPLAY_VERSION', 'version.yaml:1:'],
      ['REPLAY_YAML_SYNTAX', 'yaml.yaml:'],
      ['REPLAY_UNKNOWN_NAME', 'name.yaml:10:'],
      ['REPLAY_BINARY_MISSING', 'binary.yaml:10:'],
    ] as const) {
      expect(output).toContain(error);
      expect(output).toContain(place);
    }
    expect(output).toContain('did you mean `args`');
    expect(output).not.toMatch(/^\s+at .*\.[jt]s:\d+/m);
    expect(output).not.toContain('annotator on');
    expect(results.verdict).toBe('not-started');
    expect(results.errors.map((error) => error.code).sort()).toEqual([
      'REPLAY_BINARY_MISSING',
      'REPLAY_UNKNOWN_KEY',
      'REPLAY_UNKNOWN_NAME',
      'REPLAY_VERSION',
      'REPLAY_YAML_SYNTAX',
    ]);
    expect(existsSync(join(report, 'index.html'))).toBe(false);
  });

  it('so are options that are not valid', { timeout: 60_000 }, async () => {
    const { code, output, results } = await playwrightTest([], { REPLAY_ITERATIONS: 'many' });
    expect(code).toBe(1);
    expect(output).toContain('REPLAY_OPTION_INVALID');
    expect(output).toContain('REPLAY_ITERATIONS');
    expect(output).not.toMatch(/^\s+at .*\.[jt]s:\d+/m);
    expect(results.verdict).toBe('not-started');
  });
});

describe('a target that is not as it should be', () => {
  const close: (() => void)[] = [];
  afterEach(() => {
    for (const step of close.splice(0)) step();
  });

  const project = (port: number, use = '') =>
    playwrightTest([configFor(port, { use: `connectTimeout: 1000, ${use}` }), '--project=regression', '-g', 'annotate-together']);

  it('not running: REPLAY_TARGET_UNREACHABLE', { timeout: 60_000 }, async () => {
    const { code, output, results } = await project(await freePort());
    expect(code).toBe(1);
    expect(output).toContain('REPLAY_TARGET_UNREACHABLE');
    expect(output).toContain('ECONNREFUSED');
    expect(results.verdict).toBe('failed');
    expect(results.tests[0]?.errors[0]?.code).toBe('REPLAY_TARGET_UNREACHABLE');
  });

  /** `login`: the status of POST /login; `middleware`: what the handshake does. */
  const server = async (login: number, middleware: (next: (error?: Error) => void) => void): Promise<number> => {
    const http = createServer((request, response) => {
      response.writeHead(login, { 'set-cookie': 'sid=1; Path=/' }).end();
      request.resume();
    });
    const io = new Server(http);
    io.use((_socket, next) => middleware(next));
    const port = await freePort();
    await new Promise<void>((done) => http.listen(port, '127.0.0.1', done));
    close.push(() => void io.close());
    return port;
  };

  it('refusing the login: each user by name, before anything is replayed', { timeout: 60_000 }, async () => {
    const { code, output, results } = await project(await server(401, (next) => next()), "measure: ['acks', 'pushes'],");
    expect(code).toBe(1);
    const refused = results.tests[0]?.errors.filter((error) => error.code === 'REPLAY_LOGIN_REFUSED').map(({ message }) => message) ?? [];
    expect(refused.map((message) => /: (\w+) does not get in: POST .* was answered with 401/.exec(message)?.[1]).sort()).toEqual(['alice', 'bob']);
    expect(output).toContain('alice does not get in');
    expect(results.tests[0]?.outcomes.passed).toBe(0);
  });

  slow('with more users than accounts in the pool: refused before anything is sent', { timeout: 60_000 }, async () => {
    const { code, output, results } = await project(await server(200, (next) => next()), "login: { pool: [{ username: 'one' }] },");
    expect(code).toBe(1);
    expect(output).toContain('the replay needs 2 accounts, and `use.login.pool` has 1: 1 is missing');
    expect(results.tests[0]?.errors[0]?.code).toBe('REPLAY_USERS_MISSING');
    expect(output).not.toMatch(/^ +at .*node_modules/m);
  });

  slow('with a strategy that is misspelt: the option, and which there are', { timeout: 60_000 }, async () => {
    const { code, output } = await project(await server(200, (next) => next()), "login: { strategy: 'tokn' },");
    expect(code).toBe(1);
    expect(output).toMatch(/REPLAY_OPTION_INVALID[\s\S]*login\.strategy: .*'token'/);
  });

  slow('refusing the handshake: the words of its middleware', { timeout: 60_000 }, async () => {
    const { code, results } = await project(await server(200, (next) => next(new Error('not logged in'))), "measure: ['acks', 'pushes'],");
    expect(code).toBe(1);
    expect(results.headline).toMatch(/could not connect.*not logged in/);
  });

  it('never answering the handshake: a clear error within the connect timeout', { timeout: 60_000 }, async () => {
    const began = performance.now();
    const { code, results } = await project(await server(200, () => {}), "measure: ['acks', 'pushes'],");
    expect(code).toBe(1);
    expect(results.headline).toMatch(/no answer to the handshake within 1000 ms/);
    expect(results.tests[0]?.took).toBeLessThan(8000);
    expect(performance.now() - began).toBeLessThan(30_000);
  });

  it('without a probe: what is not measured fails the run (law 8)', { timeout: 60_000 }, async () => {
    const target = await startAnnotator({ probe: false });
    close.push(() => void target.stop());
    // Where the configuration leaves rows out it passes: admission.test.ts.
    const { code, output, results } = await project(target.port, "reset: { post: '/reset' },");
    expect(code).toBe(1);
    expect(results.tests[0]?.errors.map((error) => error.code)).toEqual(['REPLAY_NOT_MEASURED']);
    expect(output).toContain('row changes are not measured');
    expect(results.tests[0]?.outcomes.passed).toBe(23);
    expect(output).not.toContain('SyntaxError');
  });
});

it('a target that is being recorded is not replayed against (law 12)', { timeout: 60_000 }, async () => {
  const target = await startAnnotator();
  let busy: Awaited<ReturnType<typeof playwrightTest>> | undefined;
  await record(target, 'busy', temporary('busy'), async () => {
    busy = await playwrightTest([configFor(target.port), '--project=regression', '-g', 'tidy-up']);
  });
  await target.stop();
  expect(busy?.code).toBe(1);
  expect(busy?.output).toContain('REPLAY_TARGET_BUSY');
  expect(busy?.output).toContain('a capture of');
});

it('the committed recordings carry the schema that the sources make', async () => {
  const { recordingJsonSchema } = await import('../../src/recording/json-schema.js');
  expect(JSON.parse(readFileSync(join(root, 'recordings/recording.schema.json'), 'utf8'))).toEqual(JSON.parse(JSON.stringify(recordingJsonSchema())));
});
