/** Assertions of a scenario in a real run: they pass, and where they fail Playwright shows the line and what was seen. */

import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { configFor, playwrightTest, startAnnotator } from './support.js';

const spec = `import { expect, test } from 'socket-replay';
test.use({ reset: { post: '/reset' } });
test('annotate-together', async ({ replay }) => {
  const result = await replay('annotate-together');
  expect(result).toHaveTrace({ session: 'alice', emit: 'documentOpen', ack: [{ success: true }] });
  expect(result).toHaveChange({ insert: 'annotation', row: { text: 'Is it really lonely?', shareKey: expect.any(String) } });
  expect(result).toHaveReceived('bob', 'annotationRefresh', [[{ text: 'Is it really lonely?' }]]);
  expect(result).not.toHaveReceived('bob', 'commentRefresh', [[{ private: true }]]);
  expect(result).toAckWithin(2000, { emit: 'documentOpen' });
  expect.soft(result).toHaveReceived('bob', 'annotationRefresh', [[{ text: 'Is it lonely?' }]]);
  expect.soft(result).not.toHaveReceived('nobody', 'annotationRefresh');
});
`;

it('assertions of a scenario', { timeout: 60_000 }, async () => {
  const target = await startAnnotator();
  const config = configFor(target.port);
  const folder = dirname(config.replace('--config=', ''));
  writeFileSync(join(folder, 'scenarios', 'recordings.spec.ts'), spec);
  const { code, output, results } = await playwrightTest([config, '--project=regression']);
  await target.stop();
  expect(code, output).toBe(1);
  expect(output.match(/Error: /g), output).toHaveLength(2 + results.errors.length);
  expect(output).toContain('args[0][0].text is "Is it really lonely?", wanted "Is it lonely?"');
  expect(output).toContain("> 10 |   expect.soft(result).toHaveReceived('bob'");
  expect(output).toContain('REPLAY_SESSION_NOT_FOUND: no recording of this replay has a session nobody');
  expect(output).toContain("> 11 |   expect.soft(result).not.toHaveReceived('nobody'");
  expect(results.verdict).toBe('failed');
  expect(results.failures).toEqual([]);
});
