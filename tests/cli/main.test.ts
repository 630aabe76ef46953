import { readdirSync, readFileSync } from 'node:fs';
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

  it('has each command in its help, and suggests one for a slip', async () => {
    const commands = readdirSync(new URL('../../src/cli/commands', import.meta.url)).map((file) => file.replace('.ts', ''));
    const help = await ran('--help');
    expect(help.code).toBe(0);
    const listed = [...help.text.matchAll(/^ {2}(\w+) .*/gm)].map(([, name]) => name);
    expect(listed).toEqual(expect.arrayContaining(commands));
    expect(await ran('lnt')).toEqual({ code: 2, text: expect.stringContaining('Did you mean lint?') });
  });

  it('an option that is not known is wrong use', async () => {
    const { code, text } = await ran('--colour');
    expect(code).toBe(2);
    expect(text).toMatch(/unknown option '--colour'/);
  });
});
