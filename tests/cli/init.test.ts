import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { mergeSettings, withLines } from '../../src/cli/commands/init.js';
import { hintsFrom } from '../../src/cli/templates.js';
import { createWorld, type World } from './run.js';

let world: World;
beforeEach(() => {
  world = createWorld();
});
afterEach(() => world.clean());

const path = (...parts: string[]) => join(world.folder, ...parts);
const read = (...parts: string[]) => readFileSync(path(...parts), 'utf8');
async function init(...args: string[]): Promise<string> {
  const cli = world.cli('init', ...args);
  expect(await cli.ends()).toBe(0);
  return cli.text();
}

describe('init', () => {
  test('writes what a project needs, nothing else, and says the next step', async () => {
    const present = readdirSync(world.folder);
    const said = await init();
    expect(
      readdirSync(world.folder)
        .filter((name) => !present.includes(name))
        .sort(),
    ).toEqual(['.gitignore', '.vscode', 'playwright.config.ts', 'recordings', 'scenarios']);
    expect(read('playwright.config.ts')).toContain("baseURL: 'http://127.0.0.1:3000'");
    expect(read('scenarios', 'recordings.spec.ts')).toMatch(/for \(const name of recordings\(\)\)\s+test\(name/);
    expect(JSON.parse(read('recordings', 'recording.schema.json'))).toHaveProperty('$schema');
    expect(JSON.parse(read('.vscode', 'settings.json'))).toMatchObject({ 'yaml.schemas': { './recordings/recording.schema.json': 'recordings/*.yaml' } });
    expect(said).toMatch(/Next: edit baseURL, login and webServer in playwright\.config\.ts, then npx socket-replay record\n$/);
  });

  test('a second time changes nothing', async () => {
    await init();
    const all = () => ['playwright.config.ts', '.gitignore', join('.vscode', 'settings.json')].map((file) => read(file));
    const first = all();
    expect(await init()).not.toMatch(/wrote|changed|kept/);
    expect(all()).toEqual(first);
  });

  test('what is there stays, and is listed; --force replaces it', async () => {
    writeFileSync(path('playwright.config.ts'), 'mine');
    writeFileSync(path('.gitignore'), 'node_modules\n.socket-replay');
    writeFileSync(path('package.json'), JSON.stringify({ scripts: { dev: 'PORT=4711 node app.js' } }));
    mkdirSync(path('.vscode'));
    writeFileSync(path('.vscode', 'settings.json'), '// a comment\n{}');
    const said = await init();
    expect(said).toMatch(/kept +playwright\.config\.ts/);
    expect(said).toMatch(/kept +\.vscode.settings\.json/);
    expect(read('playwright.config.ts')).toBe('mine');
    expect(read('.vscode', 'settings.json')).toBe('// a comment\n{}');
    expect(read('.gitignore')).toBe('node_modules\n.socket-replay\nreplay-report/\ntest-results/\nplaywright-report/\n');
    await init('--force');
    expect(read('playwright.config.ts')).toContain("webServer: { command: 'npm run dev', url: 'http://127.0.0.1:4711' }");
    expect(existsSync(path('.vscode', 'settings.json'))).toBe(true);
  });
});

test('settings keep what is in them', () => {
  const merged = mergeSettings('{"editor.tabSize": 2, "yaml.customTags": ["!mine scalar"], "yaml.schemas": {"a": "b"}}') ?? '';
  expect(JSON.parse(merged)).toMatchObject({ 'editor.tabSize': 2, 'yaml.schemas': { a: 'b' } });
  expect((JSON.parse(merged) as { 'yaml.customTags': string[] })['yaml.customTags'][0]).toBe('!mine scalar');
  expect(mergeSettings(merged)).toBe(merged);
  expect(mergeSettings('[]')).toBeUndefined();
});

test.each([
  ['', ['a/'], 'a/\n'],
  ['a\n', ['a/'], 'a\n'],
  ['/a/\r\nb', ['a/', 'c/'], '/a/\r\nb\nc/\n'],
])('lines are added once: %j', (text, lines, expected) => expect(withLines(text, lines)).toBe(expected));

test.each([
  [{}, { start: 'npm start', port: 3000 }],
  [{ start: 'node server.js --port 8080' }, { start: 'npm start', port: 8080 }],
  [{ dev: 'vite' }, { start: 'npm run dev', port: 3000 }],
])('hints of %j', (scripts, hints) => expect(hintsFrom(scripts)).toEqual(hints));
