/** What edits change in a text, as `git diff` shows it. */
import { applySplices, type Splice } from './edit.js';

const CONTEXT = 3;

interface Block {
  /** numbers of lines, from 0; `end` is behind the last */
  start: number;
  end: number;
  lines: string[];
}

/** The hunks under a header of two lines; none where nothing changes. `splices` are in the order of the text. */
export function lineDiff(file: string, text: string, splices: readonly Splice[]): string[] {
  const old = linesOf(text);
  const blocks = blocksOf(text, old, splices);
  if (blocks.length === 0) return [];
  const out = [`--- a/${file}`, `+++ b/${file}`];
  let shift = 0;
  for (let i = 0; i < blocks.length; ) {
    const hunk = [blocks[i] as Block];
    while (hunk.length + i < blocks.length && (blocks[i + hunk.length] as Block).start - (hunk.at(-1) as Block).end <= 2 * CONTEXT)
      hunk.push(blocks[i + hunk.length] as Block);
    i += hunk.length;
    const from = Math.max(0, (hunk[0] as Block).start - CONTEXT);
    const to = Math.min(old.length, (hunk.at(-1) as Block).end + CONTEXT);
    const body: string[] = [];
    let at = from;
    let grown = 0;
    for (const { start, end, lines } of hunk) {
      body.push(...old.slice(at, start).map((line) => ` ${line}`), ...old.slice(start, end).map((line) => `-${line}`), ...lines.map((line) => `+${line}`));
      grown += lines.length - (end - start);
      at = end;
    }
    body.push(...old.slice(at, to).map((line) => ` ${line}`));
    out.push(`@@ -${range(from, to - from)} +${range(from + shift, to - from + grown)} @@`, ...body);
    shift += grown;
  }
  return out;
}

const range = (start: number, length: number): string => `${length === 0 ? start : start + 1},${length}`;

/** The lines that each splice touches, without those that stay at its ends; neighbours are joined. */
function blocksOf(text: string, old: readonly string[], splices: readonly Splice[]): Block[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  const lineAt = (offset: number): number => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] as number) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  };
  const groups: { start: number; end: number; splices: Splice[] }[] = [];
  for (const splice of splices) {
    const start = lineAt(splice.start);
    const end = Math.min(old.length, lineAt(splice.end) + 1);
    const last = groups.at(-1);
    if (last && start <= last.end) {
      last.end = Math.max(last.end, end);
      last.splices.push(splice);
    } else groups.push({ start, end, splices: [splice] });
  }
  return groups.flatMap(({ start, end, splices: own }) => {
    const base = starts[start] ?? text.length;
    const part = text.slice(base, starts[end] ?? text.length);
    const lines = linesOf(
      applySplices(
        part,
        own.map((splice) => ({ ...splice, start: splice.start - base, end: splice.end - base })),
      ),
    );
    return trimmed(old, { start, end, lines });
  });
}

function trimmed(old: readonly string[], { start, end, lines }: Block): Block[] {
  let head = 0;
  while (start + head < end && head < lines.length && old[start + head] === lines[head]) head++;
  let tail = 0;
  while (end - tail > start + head && lines.length - tail > head && old[end - tail - 1] === lines[lines.length - tail - 1]) tail++;
  const block = { start: start + head, end: end - tail, lines: lines.slice(head, lines.length - tail) };
  return block.start === block.end && block.lines.length === 0 ? [] : [block];
}

function linesOf(text: string): string[] {
  const lines = text.split('\n').map((line) => line.replace(/\r$/, ''));
  if (lines.at(-1) === '') lines.pop();
  return lines;
}
