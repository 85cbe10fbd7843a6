/** Differences of plain data: which members of a document are not as they were. Of data whose members come in one order. */

/** The members of `after` that are not as in `before`; `undefined`: none. */
export function differences<T extends object>(before: T, after: T): Partial<T> | undefined {
  let set: Partial<T> | undefined;
  for (const name in after) {
    if (before[name] === after[name] || isSame(before[name], after[name])) continue;
    set ??= {};
    set[name] = after[name];
  }
  return set;
}

export function isSame(a: unknown, b: unknown): boolean {
  if (typeof a !== "object" || typeof b !== "object") return a === b;
  return JSON.stringify(a) === JSON.stringify(b);
}
