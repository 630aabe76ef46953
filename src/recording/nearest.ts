/** The nearest spelling, for error messages. */
import leven from 'leven';

/** The candidate that a person most likely meant by `word`; undefined when none is near. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  // A third of the word may be wrong, and two letters always: `argz` is near `args`, `foo` is not near `emit`.
  let limit = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = leven(word.toLowerCase(), candidate.toLowerCase());
    if (distance >= limit || distance >= candidate.length) continue;
    limit = distance;
    best = candidate;
    if (distance === 0) break;
  }
  return best;
}

/** `, did you mean \`args\`?`, or what is known instead; empty when nothing is known. */
export function suggestion(word: string, candidates: Iterable<string>): string {
  const known = [...new Set(candidates)];
  const near = nearest(word, known);
  if (near !== undefined) return `, did you mean \`${near}\`?`;
  if (known.length === 0) return '';
  return `; known here: ${known.slice(0, 20).join(', ')}${known.length > 20 ? ', …' : ''}`;
}
