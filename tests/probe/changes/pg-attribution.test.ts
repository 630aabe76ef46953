import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { root } from '../helper.js';

it('the attribution benchmark finds nothing wrong, at a small size', { timeout: 120_000 }, () => {
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--import', import.meta.resolve('tsx'), 'bench/attribution-pg.ts', '600'], {
    cwd: root,
    encoding: 'utf8',
  });
  expect(stdout, stderr).toContain('pg: wrong 0, missing 0, phantom 0, unattributed 0, lost 0, open 0\n');
  expect(stdout).toContain('left in the database: 0');
  expect(status).toBe(0);
});
