/** The package as users get it: packed, installed in an empty project, used as the README says. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { slow } from '../slow.js';
import { initialise, newcomer, recordNotes } from './newcomer.js';
import { readResults, root, run, temporary } from './support.js';

describe('the packed package', () => {
  slow('installs in an empty project, and records and replays there', { timeout: 300_000 }, async () => {
    const packed = temporary('packed');
    const pack = await run('npm', ['pack', '--ignore-scripts', '--pack-destination', packed]).ended;
    expect(pack.code, pack.output).toBe(0);
    const tarball = join(packed, readdirSync(packed).find((name) => name.endsWith('.tgz')) ?? '');
    const folder = temporary('installed');
    const project = await newcomer(folder);
    const install = await run('npm', ['install', '--no-audit', '--no-fund', tarball, '@playwright/test', 'socket.io', 'socket.io-client'], { cwd: folder })
      .ended;
    expect(install.code, install.output).toBe(0);

    const init = await initialise(project);
    expect(init.code, init.output).toBe(0);
    const recorded = await recordNotes(project);
    expect(recorded.code, recorded.output).toBe(0);
    const green = await project.npx(['playwright', 'test']);
    expect(green.code, green.output).toBe(0);
    expect(readResults(join(folder, 'replay-report')).verdict).toBe('passed');

    // What the package promises to TypeScript.
    writeFileSync(join(folder, 'types.ts'), "import { test, defineReplayConfig } from 'socket-replay';\nexport const both = [test, defineReplayConfig];\n");
    const compilerOptions = { noEmit: true, strict: true, skipLibCheck: true, module: 'nodenext', target: 'es2022', types: [] };
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ compilerOptions, files: ['types.ts', 'playwright.config.ts', 'scenarios/recordings.spec.ts'] }),
    );
    const types = await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc')], { cwd: folder }).ended;
    expect(types.code, types.output).toBe(0);
  });
});
