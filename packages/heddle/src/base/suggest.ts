/**
 * Did-you-mean: finds the candidate nearest to a misspelt name. Bounded: names longer than {@link LONGEST_NAME} get
 * none, and one call costs at most one short comparison per candidate.
 */

const LONGEST_NAME = 100;

/** Most edits between a name and what is offered for it; short names allow fewer. */
const MOST_EDITS = 3;

/**
 * The candidate with the fewest edits from `name` (insert, delete, replace, swap of neighbours; upper and lower case count
 * as equal), the first of several; `undefined` where none is near enough to be worth a guess.
 */
export function suggest(name: string, candidates: Iterable<string>): string | undefined {
  if (name === "" || name.length > LONGEST_NAME) return undefined;
  const wanted = name.toLowerCase();
  let best: string | undefined;
  let limit = Math.min(MOST_EDITS, Math.max(1, Math.floor(name.length / 3)));
  for (const candidate of candidates) {
    if (candidate === name || Math.abs(candidate.length - name.length) > limit) continue;
    const edits = editsWithin(wanted, candidate.toLowerCase(), limit);
    if (edits > limit) continue;
    best = candidate;
    if (edits === 0) break;
    limit = edits - 1;
  }
  return best;
}

/** Edits between `a` and `b`, or any number above `limit` once it is clear that there are more. */
function editsWithin(a: string, b: string, limit: number): number {
  const end = commonEnds(a, b);
  const from = end.prefix;
  const rows = a.length - end.suffix - from;
  const columns = b.length - end.suffix - from;
  if (rows === 0 || columns === 0) return Math.max(rows, columns);
  if (limit === 0) return 1;
  let beforeLast: number[] = [];
  let last: number[] = Array.from({ length: columns + 1 }, (_, column) => column);
  for (let row = 1; row <= rows; row++) {
    const current: number[] = [row];
    let least = row;
    for (let column = 1; column <= columns; column++) {
      const x = a.charCodeAt(from + row - 1);
      const y = b.charCodeAt(from + column - 1);
      let edits = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (x === y ? 0 : 1),
      );
      const swapped =
        row > 1 && column > 1 && x === b.charCodeAt(from + column - 2) && y === a.charCodeAt(from + row - 2);
      if (swapped) edits = Math.min(edits, (beforeLast[column - 2] ?? 0) + 1);
      current.push(edits);
      if (edits < least) least = edits;
    }
    if (least > limit) return limit + 1;
    beforeLast = last;
    last = current;
  }
  return last[columns] ?? limit + 1;
}

/** Lengths of the common prefix and suffix of `a` and `b`: they need no edit. */
function commonEnds(a: string, b: string): { readonly prefix: number; readonly suffix: number } {
  const shorter = Math.min(a.length, b.length);
  let prefix = 0;
  while (prefix < shorter && a.charCodeAt(prefix) === b.charCodeAt(prefix)) prefix++;
  let suffix = 0;
  while (suffix < shorter - prefix && a.charCodeAt(a.length - 1 - suffix) === b.charCodeAt(b.length - 1 - suffix))
    suffix++;
  return { prefix, suffix };
}
