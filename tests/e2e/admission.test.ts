/** What keeps a run from its target, and a run against one that is elsewhere: with TLS of an authority of its own, and without a probe. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer as createHttp, type Server as HttpServer } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Server } from 'socket.io';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseRunId } from '../../src/results/run-id.js';
import { slow } from '../slow.js';
import { cert, key } from '../tls.js';
import { cli, playwrightSettings, playwrightTest, readResults, root, run, temporary } from './support.js';

const NO_ONE_ASKS = { REPLAY_YES: '', REPLAY_ALLOW_PROTECTED: '' };

/** A project of its own, below the checkout, so that `socket-replay` is found. */
function project(config: string): string {
  const folder = join(root, '.socket-replay', 'e2e', `admission-${temporary('x').slice(-6)}`);
  mkdirSync(join(folder, 'recordings'), { recursive: true });
  mkdirSync(join(folder, 'scenarios'));
  writeFileSync(join(folder, 'scenarios/recordings.spec.ts'), readFileSync(join(root, 'scenarios/recordings.spec.ts')));
  writeFileSync(
    join(folder, 'recordings/greeting.yaml'),
    `version: 1
name: greeting
status: finished
sessions:
  - id: alice
    user: alice
    traces:
      - connect: { namespace: / }
      - emit: hello
        args: [Alice]
        ack: [hello Alice]
`,
  );
  writeFileSync(
    join(folder, 'playwright.config.ts'),
    `import { defineReplayConfig } from 'socket-replay';
export default defineReplayConfig({
  name: 'greetings',
  ${config}
});
`,
  );
  return folder;
}

async function listen(server: HttpServer): Promise<string> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return `localhost:${(server.address() as AddressInfo).port}`;
}

describe('a load that nobody has wanted', () => {
  it('is refused with its plan, exit code 2, and nothing is started', { timeout: 60_000 }, async () => {
    const { code, output, results } = await playwrightTest([], { ...NO_ONE_ASKS, REPLAY_ITERATIONS: '60' });
    expect(code).toBe(2);
    expect(output).toMatch(/peak +300 clients at the same time/);
    expect(output).toMatch(/REPLAY_LOAD_REFUSED: .*300 clients at the same time, more than 200/);
    expect(output).not.toContain('annotator on');
    expect(output).not.toMatch(/^ +at /m);
    expect(results).toMatchObject({ verdict: 'not-started', errors: [{ code: 'REPLAY_LOAD_REFUSED' }] });
    expect(parseRunId(results.run)).toMatchObject({ scenario: 'recordings' });
  });
});

describe('a protected target', () => {
  let server: HttpServer;
  let asked = 0;
  let folder: string;
  let host: string;
  beforeAll(async () => {
    server = createHttp((_request, response) => response.writeHead(++asked && 500).end());
    host = await listen(server);
    server.on('upgrade', (_request, socket) => {
      asked++;
      socket.destroy();
    });
    folder = project(`protectedTargets: ['localhost'], iterations: 2,
  use: { baseURL: 'http://${host}', reset: { post: '/reset' }, login: { users: { alice: { username: 'alice' } } }, allowProtected: process.env.SAID === 'yes' },
  webServer: { command: 'touch started && sleep 60', url: 'http://${host}/never' },`);
  });
  afterAll(() => server.close());

  it('is not even asked, whichever of the two words is missing', { timeout: 90_000 }, async () => {
    const settings = await playwrightSettings({ ...NO_ONE_ASKS, SAID: 'yes' });
    const alone = await run(process.execPath, settings.args, { cwd: folder, env: settings.env }).ended;
    expect(alone.code, alone.output).toBe(2);
    expect(alone.output).toMatch(
      /REPLAY_TARGET_PROTECTED: .* is protected: `protectedTargets` has localhost; nothing was sent, because REPLAY_ALLOW_PROTECTED/,
    );
    expect(readResults(settings.report).verdict).toBe('not-started');
    expect(existsSync(join(folder, 'started'))).toBe(false);
    // The environment allows it, the scenario does not: known in the test only.
    const other = await playwrightSettings({ ...NO_ONE_ASKS, REPLAY_ALLOW_PROTECTED: 'localhost', REPLAY_BASE_URL: `http://${host}` });
    const scenario = await run(process.execPath, [...other.args, '--project=regression'], { cwd: folder, env: other.env }).ended;
    expect(scenario.code, scenario.output).toBe(1);
    expect(scenario.output).toContain('because the scenario does not say `allowProtected: true`');
    expect(readResults(other.report).tests[0]?.errors[0]?.code).toBe('REPLAY_TARGET_PROTECTED');
    expect(asked).toBe(0);
  });

  slow('nor by learn', { timeout: 60_000 }, async () => {
    const { env } = await playwrightSettings({ ...NO_ONE_ASKS, SAID: 'yes' });
    const learn = await run(process.execPath, [cli, 'learn', 'greeting'], { cwd: folder, env }).ended;
    expect(learn.output).toContain('REPLAY_TARGET_PROTECTED');
    expect(learn.code).toBe(3);
    expect(asked).toBe(0);
  });
});

describe('a target elsewhere', () => {
  let server: HttpServer;
  let host: string;
  let folder: string;
  let authority: string;
  const people: string[] = [];
  beforeAll(async () => {
    authority = join(temporary('tls'), 'ca.pem');
    writeFileSync(authority, cert);
    server = createHttps({ key, cert }, (request, response) => {
      if (request.url === '/login') response.writeHead(204, { 'set-cookie': 'sid=1; Path=/; Secure' });
      response.end();
    }) as unknown as HttpServer;
    const io = new Server(server, { allowRequest: ({ headers }, decide) => decide(null, /sid=1/.test(headers.cookie ?? '')) });
    io.on('connection', (socket) =>
      socket.on('hello', (name: string, answer: (text: string) => void) => {
        people.push(name);
        answer(`hello ${name}`);
      }),
    );
    host = await listen(server);
    folder = project(`protectedTargets: ['local*'], iterations: 1,
  use: { baseURL: 'http://127.0.0.1:9', measure: ['acks', 'pushes'], allowProtected: true, login: { users: { alice: { username: 'alice', password: 'pw' } } } },
  webServer: { command: 'false', url: 'http://127.0.0.1:9' },`);
  });
  afterAll(() => server.close());

  it('is reached with TLS and a cookie at the handshake, both words given; what is not measured is said before and in the report', {
    timeout: 90_000,
  }, async () => {
    const env = { REPLAY_BASE_URL: `https://${host}`, NODE_EXTRA_CA_CERTS: authority, REPLAY_ALLOW_PROTECTED: 'localhost', REPLAY_YES: '1' };
    const settings = await playwrightSettings(env);
    const { code, output } = await run(process.execPath, [...settings.args, '--project=regression'], { cwd: folder, env: settings.env }).ended;
    const results = readResults(settings.report);
    expect(code, output).toBe(0);
    expect(output).toContain(`https://${host}: Socket.IO 3 or 4 (Engine.IO 4), messages up to 1,000,000 bytes; 1 user got in; no probe`);
    expect(output).toMatch(/not measured: row changes[\s\S]*1 passed/);
    expect(results.target).toBe(`https://${host}`);
    expect(results.tests[0]?.notMeasured.join()).toMatch(/row changes are not measured.*who caused a push is not known/);
    expect(results.tests[0]?.notMeasured.join()).not.toContain('receives nothing more');
    expect(parseRunId(results.run)).toMatchObject({ scenario: 'greetings' });
    expect(people).toEqual(['Alice']);
  });
});
