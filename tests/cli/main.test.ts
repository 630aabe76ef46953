import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createWorld, type World } from './run.js';

let world: World;
beforeAll(() => {
  world = createWorld();
});
afterAll(() => world.clean());

const ran = async (...args: string[]): Promise<{ code: number | null; text: string }> => {
  const running = world.cli(...args);
  const code = await running.ends();
  return { code, text: running.text() };
};

describe('the command line', () => {
  it('tells its version', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
    expect(await ran('--version')).toEqual({ code: 0, text: `${version}\n` });
  });

  it('an option that is not known is wrong use', async () => {
    const { code, text } = await ran('--colour');
    expect(code).toBe(2);
    expect(text).toMatch(/unknown option '--colour'/);
  });
});
