/** How tables, columns, events and payload keys are called after each other: `annotations`, `annotation_id`, `annotationUpdate`. */

/** Lower case, no separators. */
export const plain = (word: string): string => word.toLowerCase().replace(/[^a-z0-9]/g, '');

/** `annotations` -> `annotation`, `categories` -> `category`; a word that is no plural stays. */
export const singular = (word: string): string =>
  /ies$/i.test(word)
    ? word.replace(/ies$/i, 'y')
    : /(ss|us|is)$/i.test(word)
      ? word
      : /(x|ch|sh|ss)es$/i.test(word)
        ? word.replace(/es$/i, '')
        : word.replace(/s$/i, '');

export const words = (text: string): string[] =>
  text
    .replace(/([a-z0-9])([A-Z])|([A-Z])(?=[A-Z][a-z]{2})/g, '$1$3 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '')
    .map(singular);

/** Whether `key` is a reference to a row of `table`: `annotationId`, `annotation_id`, `annotationIds`. */
export function keyNames(key: string, table: string): boolean {
  const word = plain(key);
  return [plain(singular(table)), plain(table)].some((name) => word === `${name}id` || word === `${name}ids`);
}

/** The tables that an event or a key speaks of, the most specific ones: `commentVoteRefresh` speaks of comment_vote, not of comment. */
export function tablesIn(text: string, tables: readonly string[]): string[] {
  if (text.length > 64) return [];
  const said = ` ${words(text).join(' ')} `;
  const found = tables
    .map((table) => ({ table, words: ` ${words(table).join(' ')} ` }))
    .filter((entry) => entry.words.trim() !== '' && said.includes(entry.words));
  return found.filter((one) => !found.some((other) => other.words.length > one.words.length && other.words.includes(one.words))).map(({ table }) => table);
}

/** `annotation` -> `annotation1`, then `annotation2`: names that a person can follow through a recording. */
export type Namer = (stem: string) => string;

export function createNamer(): Namer {
  const counts = new Map<string, number>();
  const taken = new Set<string>();
  return (stem) => {
    const word = stem.replace(/[^A-Za-z0-9_]/g, '') || 'value';
    for (;;) {
      const n = (counts.get(word) ?? 0) + 1;
      counts.set(word, n);
      const name = `${word}${n}`;
      if (taken.has(name)) continue;
      taken.add(name);
      return name;
    }
  };
}
