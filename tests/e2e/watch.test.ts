/** The annotator without the probe, as an application in another language would be: its database is watched from outside. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { io } from 'socket.io-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRecording } from '../../src/recording/read.js';
import { type Postgres, startPostgres } from '../postgres.js';
import { full } from '../slow.js';
import { cli, configFor, type PlaywrightRun, playwrightTest, type Running, root, run, startAnnotator, type Target, temporary } from './support.js';

const replay = (target: Target, args: string[] = []): Promise<PlaywrightRun> =>
  playwrightTest(
    [configFor(target.port, { use: `reset: async () => void (await fetch('${target.url}/reset', { method: 'POST' })),`, scale: 'iterations: 1,' }), ...args],
    {
      REPLAY_WATCH: target.database,
    },
  );

describe('recordings of the probe, replayed without it', () => {
  let target: Target;
  beforeAll(async () => {
    target = await startAnnotator({ probe: false });
  });
  afterAll(() => target?.stop());

  it('are green: alone by time, in iterations by what their rows add up to', async () => {
    const { code, output, results } = await replay(target);
    expect(code, output).toBe(0);
    expect(results.tests.map(({ test, rows }) => [test.project, rows])).toEqual([
      ['regression', 'time'],
      ['regression', 'time'],
      ['regression', 'time'],
      ['iteration-1', 'iteration'],
    ]);
    expect(results.tests[0]?.watch).toContain('snapshots');
    // By a function of the configuration.
    expect(results.tests[0]?.level).toBe('exact');
    expect(results.tests.every(({ notMeasured }) => notMeasured.every((sentence) => !sentence.includes('row changes')))).toBe(true);
  });
});

describe.skipIf(!full)('a regression in the rows (slow)', () => {
  it.each([
    { bug: 'tag-assign-no-effect', path: /^changes\.annotation\.update$/, kind: 'removed' },
    { bug: 'annotation-end-not-written', path: /^changes\.annotation\.insert\.end$/, kind: 'type' },
    { bug: 'activity-written-twice', path: /^changes\.activity\.insert$/, kind: 'added' },
  ])('$bug is red, and named', async ({ bug, path, kind }) => {
    const target = await startAnnotator({ probe: false, bug });
    const { code, results } = await replay(target, ['--project=regression']);
    await target.stop();
    expect(code).toBe(1);
    expect(results.failures.filter(({ difference }) => difference?.class === kind && path.test(difference.path))).not.toEqual([]);
  });
});

describe.each([{ kind: 'SQLite', slow: '' }, ...(full ? [{ kind: 'PostgreSQL', slow: ' (slow)' }] : [])])(
  'an application without the probe on $kind, recorded through the proxy$slow',
  ({ kind }) => {
    let server: Postgres | undefined;
    let database: string;
    let folder: string;
    beforeAll(async () => {
      folder = temporary('board');
      database = join(folder, 'board.db');
      if (kind !== 'PostgreSQL') return;
      server = await startPostgres();
      await server.create('board');
      database = server.url('board');
    });
    afterAll(() => server?.stop());

    async function board(bug = ''): Promise<{ app: Running; url: string }> {
      const app = run(process.execPath, [join(root, 'tests/e2e/apps/board.mjs')], { env: { BOARD_DB: database, BOARD_BUG: bug } });
      await app.prints('board at');
      return { app, url: /board at (\S+)/.exec(app.output())?.[1] ?? '' };
    }

    async function replayed(url: string): Promise<PlaywrightRun> {
      const home = join(root, '.socket-replay', 'e2e', `board-${kind}-${new URL(url).port}`);
      mkdirSync(home, { recursive: true });
      cpSync(join(root, 'scenarios'), join(home, 'scenarios'), { recursive: true });
      writeFileSync(
        join(home, 'playwright.config.ts'),
        `import { defineReplayConfig } from 'socket-replay';
export default defineReplayConfig({ recordings: '${join(folder, 'recordings')}', use: { baseURL: '${url}', watch: '${database}' } });
`,
      );
      return playwrightTest([`--config=${join(home, 'playwright.config.ts')}`, '--project=regression']);
    }

    it('has its rows in the recording, replays green, and red where a row is missing or another', { timeout: 120_000 }, async () => {
      const { app, url } = await board();
      const recordings = join(folder, 'recordings');
      const recorder = run(
        process.execPath,
        [cli, 'record', '--name', 'cards', '--target', url, '--watch', database, '--all', '--out', recordings, '--no-replay'],
        {
          stdin: 'pipe',
        },
      );
      await recorder.prints('Recording.');
      const address = /Open (http:\S+) in place/.exec(recorder.output())?.[1] ?? '';
      const alice = io(address, { transports: ['websocket'] });
      await new Promise<void>((done) => alice.once('connect', done));
      // A person is slower than the looks at the database.
      const pause = () => new Promise((done) => setTimeout(done, 300));
      const ask = async (...args: [string, unknown]): Promise<unknown> => {
        await pause();
        return alice.emitWithAck(...args);
      };
      const card = await ask('addCard', 'Buy Milk');
      await ask('moveCard', card);
      await ask('removeCard', card);
      await pause();
      alice.disconnect();
      recorder.child.stdin?.write('stop\n');
      const { code, output } = await recorder.ended;
      expect(code, output).toBe(0);
      const { recording } = readRecording(readFileSync(join(recordings, 'cards.yaml'), 'utf8'), { file: 'cards', readBinary: () => undefined });
      expect(recording?.sessions[0]?.traces.map(({ changes }) => (changes ?? []).map((change) => change.insert ?? change.update ?? change.delete))).toEqual([
        [],
        ['card', 'history'],
        ['card'],
        ['card'],
        [],
      ]);
      expect(recording?.unattributed).toBeUndefined();

      const good = await replayed(url);
      expect(good.code, good.output).toBe(0);
      expect(good.results.tests[0]).toMatchObject({ rows: 'time', unattributed: { changes: 0 } });
      app.child.kill('SIGTERM');
      await app.ended;
      const broken = await board('not-written,other-value');
      const { code: exit, results } = await replayed(broken.url);
      broken.app.child.kill('SIGTERM');
      await broken.app.ended;
      expect(exit).toBe(1);
      expect(results.traces.flatMap(({ differences = [] }) => differences.map(({ path }) => path)).sort()).toEqual([
        'changes.card.insert.title',
        'changes.history.insert',
      ]);
    });
  },
);
