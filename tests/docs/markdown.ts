/** The documentation as its tests see it: files, fenced blocks, links, headings. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { root } from '../e2e/support.js';

export interface Page {
  /** relative to the root of the repository */
  file: string;
  text: string;
}

export interface Block {
  file: string;
  /** of its first line, from 1 */
  line: number;
  language: string;
  text: string;
  /** what an HTML comment on the line before says of it: `fragment: traces`, `not a recording` */
  mark: string | undefined;
}

export const pages: Page[] = ['README.md', 'CHANGELOG.md', ...markdownIn('docs')].map((file) => ({ file, text: readFileSync(join(root, file), 'utf8') }));

function markdownIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => relative(root, join(root, folder, name)))
    .sort();
}

const blocks: Block[] = pages.flatMap(({ file, text }) => {
  const lines = text.split('\n');
  const found: Block[] = [];
  for (let at = 0; at < lines.length; at++) {
    const language = /^```(\w+)$/.exec(lines[at] ?? '')?.[1];
    if (language === undefined) continue;
    const end = lines.indexOf('```', at + 1);
    if (end < 0) throw new Error(`${file}:${at + 1}: the block has no end`);
    found.push({ file, line: at + 2, language, text: `${lines.slice(at + 1, end).join('\n')}\n`, mark: /^<!-- (.+) -->$/.exec(lines[at - 1] ?? '')?.[1] });
    at = end;
  }
  return found;
});

export const blocksOf = (language: string): Block[] => blocks.filter((block) => block.language === language);
export const placeOf = ({ file, line }: Block): string => `${file}:${line}`;

/** Without what stands in fenced blocks. */
export const proseOf = ({ text }: Page): string => text.replace(/^```[\s\S]*?^```$/gm, '');

/** As GitHub makes them of headings. */
export const anchorsOf = (page: Page): Set<string> =>
  new Set(
    [...proseOf(page).matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
      title
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );

export const pageOf = (file: string): Page => {
  const page = pages.find((candidate) => candidate.file === file);
  if (!page) throw new Error(`there is no ${file}`);
  return page;
};
