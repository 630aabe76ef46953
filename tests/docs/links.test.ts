/** What the documentation points at is there: files, headings, variables of the environment, options of commands. */
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../e2e/support.js';
import { anchorsOf, pageOf, pages, proseOf } from './markdown.js';
import { sources } from './sources.js';

describe.each(pages)('$file', (page) => {
  it('links to files and headings that exist', () => {
    const broken: string[] = [];
    for (const [, target = ''] of proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? page.file : normalize(join(dirname(page.file), path));
      if (!existsSync(join(root, file))) broken.push(`${target}: there is no ${file}`);
      else if (anchor !== undefined && !anchorsOf(pageOf(file)).has(anchor)) broken.push(`${target}: ${file} has no heading #${anchor}`);
    }
    expect(broken).toEqual([]);
  });

  it('names files of the repository that exist', () => {
    const named = [...proseOf(page).matchAll(/`((?:src|tests|reporters|examples|scenarios|docs)\/[\w./-]+)`/g)].map(([, file = '']) => file);
    // `scenarios/` of a user's project is that of this one.
    expect(named.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });

  it('has no path of a machine', () => {
    expect(page.text).not.toMatch(/\/(?:work|home|root|Users)\//);
  });
});

describe('docs/architecture.md', () => {
  const rooms = [...pageOf('docs/architecture.md').text.matchAll(/^\| `([\w/]+\/)` \| (.+) \|$/gm)].map(
    ([, folder = '', what = '']) => [folder, what] as const,
  );

  it('has every room of src', () => {
    const built = readdirSync(join(root, 'src'), { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [`src/${entry.name}/`] : []));
    expect(rooms.map(([folder]) => folder)).toEqual(expect.arrayContaining(built));
  });

  it.each(rooms)('%s has the files that are named', (folder, what) => {
    const named = [...what.matchAll(/`([\w-]+(?:\/[\w-]+)*(?:\.ts|\/))`/g)].map(([, file = '']) => file);
    expect(named.filter((file) => !existsSync(join(root, folder, file)))).toEqual([]);
  });
});

describe('the environment', () => {
  const documented = pageOf('docs/reference/options.md').text;
  const read = new Set(
    sources.flatMap(({ text }) => [...text.matchAll(/(?:\benv(?:ironment)?\.|\benv\[['"]|^ {2}|[{,] )(REPLAY_[A-Z_]+)(?=\b)/gm)].map(([, name = '']) => name)),
  );
  const errors = new Set(
    sources
      .find(({ file }) => file === 'src/errors.ts')
      ?.text.match(/^ {2}REPLAY_[A-Z_]+(?=:)/gm)
      ?.map((name) => name.trim()),
  );
  const variables = [...read].filter((name) => !errors.has(name) && !name.endsWith('_')).sort();

  it('is found in the sources', () => {
    expect(variables).toEqual(
      expect.arrayContaining(['REPLAY_ITERATIONS', 'REPLAY_PROBE_TOKEN', 'REPLAY_RECORDINGS', 'REPLAY_REPORT_DIR', 'REPLAY_RUNTIME_DIR', 'REPLAY_SPEED']),
    );
  });

  it.each(variables)('%s is documented', (name) => expect(documented).toMatch(new RegExp(`\`${name}\``)));

  it.each(['REPLAY_SECRET_', 'REPLAY_USER_'])('%s… is documented', (prefix) => expect(documented).toContain(`\`${prefix}`));

  it('has nothing documented that is not read', () => {
    const named = new Set([...documented.matchAll(/^\| `(REPLAY_[A-Z0-9_]+)`/gm)].map(([, name = '']) => name));
    const known = (name: string): boolean => variables.includes(name) || name.startsWith('REPLAY_SECRET_') || name.startsWith('REPLAY_USER_');
    expect([...named].filter((name) => !known(name))).toEqual([]);
  });
});
