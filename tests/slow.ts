/** Tests that only .ci/run takes the time for: `REPLAY_FULL=1 npx vitest run -t "\(slow\)"`. */
import { it, type TestOptions } from 'vitest';

export const full = process.env.REPLAY_FULL === '1';

/** Its name ends with (slow), by which .ci/run finds it. */
export function slow(name: string, options: TestOptions, test: () => Promise<void>): void {
  it.skipIf(!full)(`${name} (slow)`, options, test);
}
