import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { probeFileSchema } from '../../src/wire/messages.js';
import { nodeOptions } from '../../src/wire/preload.js';
import { processBegan } from '../../src/wire/process.js';
import { App, bundlePreload, emitAck, root, TOKEN, temporary } from './helper.js';

const directory = temporary();
let preload = '';
let app: App;
beforeAll(() => {
  preload = bundlePreload(directory);
});
afterEach(() => app?.stop());
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** One event with everything: its row, push and acknowledgement belong to it. */
async function works(rows = true): Promise<void> {
  const heard = await app.reader();
  const client = await app.client();
  expect(await emitAck(client, 'write', 'hello')).toEqual(['hello']);
  await heard.drain();
  expect(heard.of('push').find(({ event }) => event === 'written')).toMatchObject({ cause: `${client.id}:1`, to: [client.id] });
  expect(heard.of('ack')).toMatchObject([{ n: 1, args: ['hello'] }]);
  if (rows) expect(heard.of('change')).toMatchObject([{ cause: `${client.id}:1`, table: 'note', after: { id: 1, text: 'hello' } }]);
}

const preloaded = (): string[] => ['--import', pathToFileURL(preload).href];

it('is preloaded into CommonJS', async () => {
  app = await App.start('app.cjs', preload);
  await works();
});

it('is preloaded by NODE_OPTIONS, from a path with spaces and quotes too', async () => {
  const odd = join(directory, 'a "b" \\c');
  mkdirSync(odd);
  copyFileSync(preload, join(odd, 'preload.mjs'));
  app = await App.start('app.cjs', preload, { execArgv: [], env: { NODE_OPTIONS: nodeOptions('--enable-source-maps', join(odd, 'preload.mjs')) } });
  await works();
});

it('leaves an entry to the hooks for require that load it, such as those of ts-node', async () => {
  const folder = join(directory, 'hooked');
  mkdirSync(folder);
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(
    join(folder, 'hook.cjs'),
    `require.extensions['.odd'] = (module, file) => module._compile(require('node:fs').readFileSync(file, 'utf8'), file);`,
  );
  writeFileSync(join(folder, 'server.odd'), readFileSync(join(root, 'tests/probe/apps/app.cjs'), 'utf8').replaceAll('../../../', `${root}/`));
  app = await App.start(join(folder, 'server.odd'), preload, {
    execArgv: ['--require', join(folder, 'hook.cjs')],
    env: { NODE_OPTIONS: nodeOptions(undefined, preload) },
  });
  await works();
});

it('is preloaded into TypeScript under tsx, before and after it', async () => {
  app = await App.start('app.mts', preload, { execArgv: ['--import', 'tsx', ...preloaded()] });
  await works();
  await app.stop();
  app = await App.start('app.mts', preload, { execArgv: [...preloaded(), '--import', 'tsx'] });
  await works();
});

it('runs from its own TypeScript sources', async () => {
  app = await App.start('app.cjs', preload, { execArgv: ['--import', 'tsx', '--import', pathToFileURL(join(root, 'src/probe/preload.ts')).href] });
  await works();
});

it('recognises Socket.IO in a minified bundle, before the first connection', async () => {
  const bundle = join(directory, 'bundled.cjs');
  buildSync({
    entryPoints: [join(root, 'tests/probe/apps/app.cjs')],
    bundle: true,
    minify: true,
    platform: 'node',
    outfile: bundle,
    external: ['better-sqlite3', 'better-sqlite3-13'],
    logLevel: 'error',
  });
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'));
  app = await App.start(bundle, preload);
  await works();
});

it('is attached by one line, also to what was loaded and opened before', async () => {
  app = await App.start('attached.mjs', preload, { execArgv: [], args: [pathToFileURL(preload).href] });
  // The connection to the database is known from its next prepare() on.
  const client = await app.client();
  await emitAck(client, 'write', 'not seen');
  client.close();
  const heard = await app.reader();
  const next = await app.client();
  await emitAck(next, 'write', 'seen');
  await heard.drain();
  expect(heard.of('change')).toMatchObject([{ cause: `${next.id}:1`, after: { text: 'seen' } }]);
  expect(heard.of('push')).toMatchObject([{ event: 'written', cause: `${next.id}:1` }]);
  expect(heard.connection.hello.listening).toEqual([`127.0.0.1:${app.port}`]);
});

it('leaves its address for readers of the same user, and takes it away', async () => {
  app = await App.start('app.cjs', preload);
  const runtime = join(app.runtime, 'run');
  const file = join(runtime, `probe-${app.child.pid}.json`);
  expect(probeFileSchema.parse(JSON.parse(readFileSync(file, 'utf8')))).toMatchObject({
    pid: app.child.pid,
    began: processBegan(app.child.pid!),
    port: app.probePort,
    token: TOKEN,
    app: 'socket-replay',
    listening: [`127.0.0.1:${app.port}`],
  });
  expect([statSync(runtime).mode & 0o777, statSync(file).mode & 0o777]).toEqual([0o700, 0o600]);
  const exit = once(app.child, 'exit');
  app.child.send({ exit: 3 });
  expect((await exit)[0]).toBe(3);
  expect(existsSync(file)).toBe(false);
});

it('does not keep an application alive that has finished', async () => {
  app = await App.start('app.cjs', preload);
  const heard = await app.reader();
  const exit = once(app.child, 'exit');
  app.child.send({ close: true });
  expect((await exit)[0]).toBe(0);
  await heard.connection.closed;
});

it('is silent and idle where there is no Socket.IO: process, child process, worker', async () => {
  app = await App.start('quiet.mjs', preload, { execArgv: [], env: { NODE_OPTIONS: `--import ${pathToFileURL(preload).href}`, LATE_PROBE: '1' } });
  expect(app.messages[0]).toMatchObject({ codes: [0, 0], handles: [] });
  const [code] = app.child.exitCode === null ? await once(app.child, 'exit') : [app.child.exitCode];
  expect(code).toBe(0);
  expect(app.stderr.join('')).toBe('');
  expect(existsSync(join(app.runtime, 'run')) ? readdirSync(join(app.runtime, 'run')) : []).toEqual([]);
});
