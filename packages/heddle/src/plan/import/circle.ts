/** Circle finder: the first circle among nodes of any kind, for files whose graph is larger than that of their steps. */

/** Nodes of which each leads to the next, and the last to the first. `keyOf`: the same for the same node. */
export function findCircle<T>(
  nodes: readonly T[],
  next: (node: T) => readonly T[],
  keyOf: (node: T) => unknown,
): readonly T[] | undefined {
  const ended = new Set<unknown>();
  const path: { readonly node: T; readonly rest: T[] }[] = [];
  for (const start of nodes) {
    if (ended.has(keyOf(start))) continue;
    path.push({ node: start, rest: [...next(start)] });
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const node = top.rest.shift();
      if (node === undefined) {
        ended.add(keyOf(top.node));
        path.pop();
        continue;
      }
      const key = keyOf(node);
      const at = path.findIndex((each) => keyOf(each.node) === key);
      if (at >= 0) return path.slice(at).map((each) => each.node);
      if (!ended.has(key)) path.push({ node, rest: [...next(node)] });
    }
  }
  return undefined;
}
