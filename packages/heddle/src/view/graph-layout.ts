/**
 * Graph layout: places for the steps of a graph and ways for its edges, layer by layer from left to right. Knows no status and no
 * drawing language. An edge over several layers runs between the boxes of those in between: it has a lane of its own there, shared by
 * all long edges of its step. Without recursion; the work is bounded by steps times layers.
 *
 * Invariants:
 *  1. Boxes do not overlap, and lie wholly in the column of their layer.
 *  2. Inside of a column a way is a straight horizontal line in a lane, at least {@link LANE_GAP} from every box; it goes up or down in
 *     the gaps between columns alone.
 */
import { type Adjacency, type Graph, targetsOf } from "../graph/graph.ts";
import { layersOf } from "../graph/paths.ts";

export interface LayoutSize {
  /** Of a box, and of a column. */
  readonly boxWidth: number;
  readonly boxHeight: number;
  /** Between columns: where ways go up and down. */
  readonly gapX: number;
  /** Between boxes one above the other. */
  readonly gapY: number;
}

/** Coordinates from the top left corner. */
export interface GraphPoint {
  readonly x: number;
  readonly y: number;
}

/** From the left side of a column, or of a gap, to its right one. */
export interface WayPart {
  readonly from: GraphPoint;
  readonly to: GraphPoint;
}

export interface GraphWay {
  readonly from: number;
  readonly to: number;
  /** An edge of `after`. */
  readonly isSoft: boolean;
  /** The gaps and columns that it goes through, from left to right. */
  readonly parts: readonly WayPart[];
}

export interface GraphLayout {
  readonly width: number;
  readonly height: number;
  /** Top left corners of the boxes, by step. */
  readonly boxes: readonly GraphPoint[];
  readonly ways: readonly GraphWay[];
}

/** Least space between a lane and a box. */
export const LANE_GAP = 6;

/** Lanes at most: a graph with more is too large to be looked at. */
const MOST_LANES = 60_000;
const SWEEPS = 8;

/** A box, or the lane of a step's long edges, in a column. */
interface Item {
  readonly layer: number;
  /** The box's step, or the one whose edges run in the lane. */
  readonly step: number;
  readonly isLane: boolean;
  readonly before: Item[];
  readonly behind: Item[];
  /** Its middle. */
  y: number;
}

/** `undefined`: the graph has too many long edges. */
export function layoutGraph(graph: Graph, size: LayoutSize): GraphLayout | undefined {
  const boxes: Item[] = Array.from({ length: graph.size }, (_, step) => item(graph.layerOf[step] ?? 0, step, false));
  const columns = layersOf(graph).map((steps) => steps.flatMap((step) => boxes[step] ?? []));
  const lanes = lanesOf(graph, columns, boxes);
  if (lanes === undefined) return undefined;
  for (let sweep = 0; sweep < SWEEPS; sweep++) orderColumns(columns, sweep % 2 === 0);
  place(columns, size);
  const lowest = columns.reduce(
    (most, column) => Math.max(most, (column.at(-1)?.y ?? 0) + size.boxHeight / 2),
    size.boxHeight,
  );
  const left = (layer: number): number => layer * (size.boxWidth + size.gapX);
  return {
    width: left(graph.layerCount) - size.gapX,
    height: lowest,
    boxes: boxes.map(({ layer, y }) => ({ x: left(layer), y: y - size.boxHeight / 2 })),
    ways: waysOf(graph, boxes, lanes, (layer) => ({ left: left(layer), right: left(layer) + size.boxWidth })),
  };
}

function item(layer: number, step: number, isLane: boolean): Item {
  return { layer, step, isLane, before: [], behind: [], y: 0 };
}

/** The lanes of each step, by layers behind its own; a lane goes as far as the step's longest edge needs it. */
function lanesOf(
  graph: Graph,
  columns: readonly Item[][],
  boxes: readonly Item[],
): ReadonlyMap<number, readonly Item[]> | undefined {
  const lanes = new Map<number, readonly Item[]>();
  let count = 0;
  for (const box of boxes) {
    const targets = [...targetsOf(graph.dependents, box.step), ...targetsOf(graph.followers, box.step)].flatMap(
      (step) => boxes[step] ?? [],
    );
    const last = targets.reduce((most, { layer }) => Math.max(most, layer), 0);
    const own: Item[] = [];
    for (let layer = box.layer + 1; layer < last; layer++) {
      const lane = item(layer, box.step, true);
      own.push(lane);
      columns[layer]?.push(lane);
      link(own.at(-2) ?? box, lane);
    }
    count += own.length;
    if (count > MOST_LANES) return undefined;
    lanes.set(box.step, own);
    for (const target of targets) link(own[target.layer - box.layer - 2] ?? box, target);
  }
  return lanes;
}

function link(from: Item, to: Item): void {
  from.behind.push(to);
  to.before.push(from);
}

/** Sorts each column by the mean place of what its items are linked with in the columns before (or behind) it. */
function orderColumns(columns: readonly Item[][], isForward: boolean): void {
  const rank = new Map<Item, number>();
  const note = (column: readonly Item[]): void => {
    for (const [at, each] of column.entries()) rank.set(each, at / Math.max(1, column.length - 1));
  };
  for (const column of columns) note(column);
  for (const column of isForward ? columns : columns.toReversed()) {
    const mean = new Map(
      column.map((each) => {
        const near = isForward ? each.before : each.behind;
        const sum = near.reduce((total, other) => total + (rank.get(other) ?? 0), 0);
        return [each, near.length === 0 ? (rank.get(each) ?? 0) : sum / near.length] as const;
      }),
    );
    column.sort((a, b) => (mean.get(a) ?? 0) - (mean.get(b) ?? 0));
    note(column);
  }
}

/** Heights: each item near the mean of what it is linked with, no two closer than they may be. */
function place(columns: readonly Item[][], size: LayoutSize): void {
  const space = (above: Item, below: Item): number => {
    if (above.isLane && below.isLane) return 2 * LANE_GAP;
    if (above.isLane || below.isLane) return size.boxHeight / 2 + 2 * LANE_GAP;
    return size.boxHeight + size.gapY;
  };
  for (const column of columns) settleColumn(column, () => 0, space);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const isForward = sweep % 2 === 0;
    for (const column of isForward ? columns : columns.toReversed()) {
      settleColumn(
        column,
        (each) => {
          const near = isForward ? each.before : each.behind;
          return near.length === 0 ? each.y : near.reduce((total, { y }) => total + y, 0) / near.length;
        },
        space,
      );
    }
  }
  closeBands(columns.flat(), size);
}

/** Moves everything up so that no band over the whole width is empty for more than the space between two boxes. */
function closeBands(items: readonly Item[], size: LayoutSize): void {
  const half = ({ isLane }: Item): number => (isLane ? LANE_GAP : size.boxHeight / 2);
  const sorted = items.toSorted((a, b) => a.y - half(a) - (b.y - half(b)));
  const [first] = sorted;
  let bottom = 0;
  let shift = first === undefined ? 0 : first.y - half(first);
  for (const each of sorted) {
    const top = each.y - half(each) - shift;
    shift += Math.max(0, top - bottom - size.gapY);
    each.y -= shift;
    bottom = Math.max(bottom, each.y + half(each));
  }
}

/** The mean of the two ways to keep the space: pushed down from the top, and pushed up from the bottom. */
function settleColumn(
  column: readonly Item[],
  wanted: (each: Item) => number,
  space: (above: Item, below: Item) => number,
): void {
  const wish = column.map(wanted);
  const down = [...wish];
  const up = [...wish];
  for (let at = 1; at < column.length; at++)
    down[at] = Math.max(wish[at] ?? 0, (down[at - 1] ?? 0) + space(column[at - 1] as Item, column[at] as Item));
  for (let at = column.length - 2; at >= 0; at--)
    up[at] = Math.min(wish[at] ?? 0, (up[at + 1] ?? 0) - space(column[at] as Item, column[at + 1] as Item));
  for (const [at, each] of column.entries()) each.y = ((down[at] ?? 0) + (up[at] ?? 0)) / 2;
}

function waysOf(
  graph: Graph,
  boxes: readonly Item[],
  lanes: ReadonlyMap<number, readonly Item[]>,
  sides: (layer: number) => { readonly left: number; readonly right: number },
): readonly GraphWay[] {
  const ways: GraphWay[] = [];
  const add = (edges: Adjacency, isSoft: boolean): void => {
    for (const to of boxes) {
      for (const dep of targetsOf(edges, to.step)) {
        const from = boxes[dep];
        if (from === undefined) continue;
        const through = (lanes.get(dep) ?? []).slice(0, to.layer - from.layer - 1);
        const parts: WayPart[] = [];
        let at: GraphPoint = { x: sides(from.layer).right, y: from.y };
        for (const each of [...through, to]) {
          const { left, right } = sides(each.layer);
          const entry = { x: left, y: each.y };
          parts.push({ from: at, to: entry });
          if (each === to) break;
          at = { x: right, y: each.y };
          parts.push({ from: entry, to: at });
        }
        ways.push({ from: dep, to: to.step, isSoft, parts });
      }
    }
  };
  add(graph.deps, false);
  add(graph.after, true);
  return ways;
}
