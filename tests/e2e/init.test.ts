/** `npx socket-replay init` in an empty project with an application of its own, up to the first green run. */
import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { slow } from '../slow.js';
import { initialise, newcomer, recordNotes } from './newcomer.js';
import { readResults, root, temporary } from './support.js';

describe('a new project', () => {
  slow('init, record -- npm start, playwright test: green; red when the application changes', { timeout: 120_000 }, async () => {
    const folder = temporary('init');
    link(folder, 'socket-replay', root);
    for (const name of ['@playwright/test', 'playwright', 'playwright-core', 'socket.io', 'socket.io-client'])
      link(folder, name, join(root, 'node_modules', name));
    mkdirSync(join(folder, 'node_modules/.bin'));
    symlinkSync(join(root, 'dist/src/cli/main.js'), join(folder, 'node_modules/.bin/socket-replay'));
    symlinkSync(join(root, 'node_modules/@playwright/test/cli.js'), join(folder, 'node_modules/.bin/playwright'));
    const project = await newcomer(folder);

    const init = await initialise(project);
    expect(init.code, init.output).toBe(0);
    expect(init.output).toContain('npx socket-replay record');
    for (const file of ['playwright.config.ts', 'scenarios/recordings.spec.ts', '.gitignore', '.vscode/settings.json', 'recordings/recording.schema.json'])
      expect(existsSync(join(folder, file)), file).toBe(true);

    const empty = await project.npx(['playwright', 'test']);
    expect(empty.code).toBe(1);
    expect(empty.output).toContain('REPLAY_NO_RECORDINGS');

    const recorded = await recordNotes(project);
    expect(recorded.code, recorded.output).toBe(0);
    expect(readFileSync(join(folder, 'recordings/notes.yaml'), 'utf8')).toContain('!id id1');

    const green = await project.npx(['playwright', 'test']);
    expect(green.code, green.output).toBe(0);
    expect(readResults(join(folder, 'replay-report')).verdict).toBe('passed');

    const red = await project.npx(['playwright', 'test'], { NOTES_BUG: '1' });
    expect(red.code, red.output).toBe(1);
    expect(readResults(join(folder, 'replay-report')).headline).toContain('ack[0].text is "BUY INK", recorded "Buy ink"');
  });
});

function link(folder: string, name: string, to: string): void {
  const from = join(folder, 'node_modules', name);
  mkdirSync(join(from, '..'), { recursive: true });
  symlinkSync(to, from);
}
