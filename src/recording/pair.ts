/**
 * Pairs as many of `left` items as possible with one of `right` each, so that every pair fits: a greedy choice could give
 * `!any number` the only 5 that a literal 5 needs. The nearest position is tried first.
 */
export function pairUp(left: number, right: number, fits: (item: number, at: number) => boolean): Map<number, number> {
  const owners = new Map<number, number>();
  const place = (item: number, tried: Set<number>): boolean => {
    for (let offset = 0; offset < right; offset++) {
      const at = (item + offset) % right;
      if (tried.has(at) || !fits(item, at)) continue;
      tried.add(at);
      const owner = owners.get(at);
      if (owner !== undefined && !place(owner, tried)) continue;
      owners.set(at, item);
      return true;
    }
    return false;
  };
  for (let item = 0; item < left; item++) place(item, new Set());
  return new Map([...owners].map(([at, item]) => [item, at]));
}
