/** Walk: which node an arrow key goes to. Left and right along edges, up and down in the column. Pure. */
import { targetsOf, type Adjacency, type GraphLayout } from "heddle/view";
import type { FoldedGraph } from "./fold.ts";

export type Direction = "left" | "right" | "up" | "down";

/** `undefined`: there is nothing in that direction. */
export function nextNode(
  { edges }: Pick<FoldedGraph, "edges">,
  { boxes }: Pick<GraphLayout, "boxes">,
  from: number,
  direction: Direction,
): number | undefined {
  const own = boxes[from];
  if (own === undefined) return undefined;
  const nearest = (nodes: Iterable<number>, away: (x: number, y: number) => number): number | undefined => {
    let best: number | undefined;
    let least = Infinity;
    for (const node of nodes) {
      const box = boxes[node];
      const distance = box === undefined || node === from ? Infinity : away(box.x, box.y);
      if (distance < least) [best, least] = [node, distance];
    }
    return best;
  };
  const isAhead = (distance: number): boolean =>
    direction === "right" || direction === "down" ? distance > 0 : distance < 0;
  if (direction === "up" || direction === "down")
    return nearest(boxes.keys(), (x, y) => (x === own.x && isAhead(y - own.y) ? Math.abs(y - own.y) : Infinity));
  const lists: readonly Adjacency[] =
    direction === "left" ? [edges.deps, edges.after] : [edges.dependents, edges.followers];
  const joined = nearest(
    lists.flatMap((list) => [...targetsOf(list, from)]),
    (_x, y) => Math.abs(y - own.y),
  );
  if (joined !== undefined) return joined;
  const isLoose = [edges.deps, edges.after, edges.dependents, edges.followers].every(
    (list) => targetsOf(list, from).length === 0,
  );
  // Without edges there is none to walk along: to the next one at the same height.
  return isLoose
    ? nearest(boxes.keys(), (x, y) => (y === own.y && isAhead(x - own.x) ? Math.abs(x - own.x) : Infinity))
    : undefined;
}
