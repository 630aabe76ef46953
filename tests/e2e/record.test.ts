/** People use the page in real Chromium, the recorder writes YAML, and the main job replays it: the product's whole way. */
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readRecording } from '../../src/recording/read.js';
import { flows, hasChromium, openBrowser } from './people.js';
import { playwrightTest, record, root, startAnnotator, temporary } from './support.js';

describe.skipIf(!hasChromium)('recording real use of the page (needs Chromium)', () => {
  it('writes a recording that replays at once, alone and in copies', { timeout: 120_000 }, async () => {
    const name = 'annotate-together';
    const browser = await openBrowser();
    const target = await startAnnotator();
    const folder = temporary('recordings');
    const { code, output } = await record(target, name, folder, async () => {
      await flows[name]?.(browser, target.url);
    });
    await target.stop();
    await browser.close();
    expect(code, output).toBe(0);
    expect(output).toContain('!id annotation1');

    const text = readFileSync(join(folder, `${name}.yaml`), 'utf8');
    const { recording, errors } = readRecording(text, { file: name, readBinary: () => undefined });
    expect(errors).toBeUndefined();
    expect(recording?.sessions.map((session) => session.id)).toEqual(['alice', 'bob']);
    // The committed one came from the same flow: what a reviewer sees of a new recording is times and nothing else.
    expect(withoutTimes(text)).toEqual(withoutTimes(readFileSync(join(root, 'recordings', `${name}.yaml`), 'utf8')));

    cpSync(join(root, 'recordings/recording.schema.json'), join(folder, 'recording.schema.json'));
    const replayed = await playwrightTest([], { ANNOTATOR_RECORDINGS: folder, REPLAY_ITERATIONS: '2' });
    expect(replayed.code, replayed.output).toBe(0);
  });
});

/** Statistics are sent by a timer of the page, wherever it falls. */
const withoutTimes = (text: string): string =>
  text
    .replaceAll(/ +- emit: statistic\n +args: .*\n/g, '')
    .split('\n')
    .filter((line) => !/^\s+times: /.test(line))
    .map((line) => line.replace(/took: \d+/, ''))
    .join('\n');
