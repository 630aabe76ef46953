/** `npx playwright test` with the modes, against the annotator: one run of all three, one verdict everywhere. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { slow } from '../slow.js';
import { configFor, playwrightTest, startAnnotator } from './support.js';

slow('ceiling, soak and behavioural are projects: a level that breaks is green, a soak that is too short to tell is red', { timeout: 120_000 }, async () => {
  const target = await startAnnotator();
  const scale = [
    'ceiling: { from: 1, step: 1, max: 2, latencyThreshold: 20_000, min: 1 },',
    "soak: { copies: 1, duration: '1ms' },",
    'behavioural: { copies: 1, speed: 20 },',
  ].join(' ');
  const config = configFor(target.port, { scale, use: "reset: { post: '/reset' }," });
  const { code, results, output, report } = await playwrightTest([config, '--project=ceiling', '--project=soak', '--project=behavioural', '--no-deps']);
  await target.stop();
  const [ceiling, soak, behavioural] = results.tests;
  expect(results.tests.map(({ kind }) => kind)).toEqual(['ceiling', 'soak', 'behavioural']);

  // A busy machine may end the climb, and then says so; that is no failure.
  expect(ceiling, output).toMatchObject({ verdict: 'finished', errors: [], ceiling: { min: 1 }, climb: { lastGood: expect.anything() } });
  expect(ceiling?.samples?.map(({ copies, clients }) => clients / copies)).toEqual(ceiling?.samples?.map(() => 5));
  expect(ceiling?.samples?.[0]).toMatchObject({ copies: 1, failed: 0, rss: expect.any(Number), outcomes: { passed: 64 } });
  expect(behavioural).toMatchObject({ verdict: 'finished', speed: '20', outcomes: { passed: 64 } });
  expect(soak).toMatchObject({ verdict: 'failed', drift: { early: null }, samples: [{ number: 1, failed: 0 }], errors: [{ code: 'REPLAY_SOAK' }] });

  expect(code).toBe(1);
  expect(results).toMatchObject({ verdict: 'failed', failures: [], headline: expect.stringContaining('run longer') });
  expect(output).toContain('ceiling: The last good level is');
  expect(output).toContain('REPLAY_SOAK: drift is not measured: 1 round in this time, run longer');
  expect(readFileSync(join(report, 'index.html'), 'utf8')).toContain('run longer');
});
