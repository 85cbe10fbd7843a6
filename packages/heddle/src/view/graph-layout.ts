/**
 * Graph layout: places for the steps of a graph and ways for its edges, layer by layer from left to right. Knows no status and no
 * drawing language. An edge over several layers runs between the boxes of those in between: it has a lane of its own there, shared by
 * all long edges of its step. Without recursion; the work is bounded by steps times layers.
 *
 * Invariants:
 *  1. Boxes do not overlap, and lie wholly in a column of their layer. A step without edges may lie below all columns.
 *  2. Inside of a column a way is a straight horizontal line in a lane, at least {@link LANE_GAP} from every box; it goes up or down in
 *     the gaps between columns alone. Only where {@link LayoutSize.mostLanes} are used up, ways pass boxes.
 *  3. The same graph and sizes give the same layout.
 */
import type { LayeredEdges } from "../graph/edges.ts";
import { targetsOf } from "../graph/graph.ts";
import { type LayoutItem, orderColumns, UNNAMED } from "./graph-order.ts";

export interface LayoutSize {
  /** Of a box, and of a column. */
  readonly boxWidth: number;
  readonly boxHeight: number;
  /** Between columns: where ways go up and down. */
  readonly gapX: number;
  /** Between boxes one above the other: at least three times {@link LANE_GAP} where layers have several columns. */
  readonly gapY: number;
  /** A layer with more boxes has several columns. Absent: each layer has one. */
  readonly mostRows?: number;
  /** Edges that need more lanes than this go straight through boxes. Absent: a graph that needs more than 60,000 has no layout. */
  readonly mostLanes?: number;
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

/** `undefined`: the graph has too many long edges. */
export function layoutGraph(graph: LayeredEdges, size: LayoutSize): GraphLayout | undefined {
  const work = layoutWork(graph, size);
  for (;;) {
    const { done, value } = work.next();
    if (done === true) return value;
  }
}

/** The same, for those who have something else to do in between: it gives way often. */
export function* layoutWork(graph: LayeredEdges, size: LayoutSize): Generator<void, GraphLayout | undefined> {
  const boxes: LayoutItem[] = Array.from({ length: graph.size }, (_, step) =>
    item(graph.layerOf[step] ?? 0, step, false),
  );
  const loose = looseSteps(graph, size.mostRows);
  const columns = layerItems(graph, boxes, loose);
  const lanes = lanesOf(graph, columns, boxes, size.mostLanes);
  if (lanes === undefined) return undefined;
  yield;
  yield* orderColumns(columns);
  const table = columns.map((column) => rowsOf(column, size.mostRows));
  yield;
  yield* place(table, size);
  return yield* drawn(graph, boxes, lanes, table, size);
}

function item(layer: number, step: number, isLane: boolean): LayoutItem {
  return { layer, step, isLane, before: [], behind: [], y: 0, rank: 0, place: 0, part: UNNAMED, mean: 0 };
}

/** Steps without edges, where the first layer would have too many rows with them: they lie below the others. */
function looseSteps(graph: LayeredEdges, mostRows = Infinity): ReadonlySet<number> {
  const first = graph.order.subarray(
    0,
    graph.order.findIndex((step) => graph.layerOf[step] !== 0),
  );
  const starts = graph.layerCount === 1 ? graph.order : first;
  if (starts.length <= mostRows) return new Set();
  const edges = [graph.dependents, graph.followers];
  return new Set(starts.filter((step) => edges.every((list) => targetsOf(list, step).length === 0)));
}

function layerItems(graph: LayeredEdges, boxes: readonly LayoutItem[], loose: ReadonlySet<number>): LayoutItem[][] {
  const columns: LayoutItem[][] = Array.from({ length: graph.layerCount }, () => []);
  for (const step of graph.order) {
    const box = boxes[step];
    if (box !== undefined && !loose.has(step)) columns[box.layer]?.push(box);
  }
  return columns;
}

/** The lanes of each step, by layers behind its own; a lane goes as far as the step's longest edge needs it. */
function lanesOf(
  graph: LayeredEdges,
  columns: readonly LayoutItem[][],
  boxes: readonly LayoutItem[],
  mostLanes: number | undefined,
): ReadonlyMap<number, readonly LayoutItem[]> | undefined {
  const lanes = new Map<number, readonly LayoutItem[]>();
  let left = mostLanes ?? MOST_LANES;
  const targetsFrom = [graph.dependents, graph.followers];
  for (const box of boxes) {
    let last = 0;
    for (const edges of targetsFrom)
      for (const target of targetsOf(edges, box.step)) last = Math.max(last, graph.layerOf[target] ?? 0);
    left -= Math.max(0, last - box.layer - 1);
    if (left < 0 && mostLanes === undefined) return undefined;
    const own: LayoutItem[] = [];
    for (let layer = box.layer + 1; layer < last && left >= 0; layer++) {
      const lane = item(layer, box.step, true);
      columns[layer]?.push(lane);
      link(own.at(-1) ?? box, lane);
      own.push(lane);
    }
    if (own.length > 0) lanes.set(box.step, own);
    for (const edges of targetsFrom) {
      for (const step of targetsOf(edges, box.step)) {
        const target = boxes[step];
        if (target === undefined) continue;
        const from = own[target.layer - box.layer - 2] ?? box;
        if (from.layer === target.layer - 1) link(from, target);
      }
    }
  }
  return lanes;
}

function link(from: LayoutItem, to: LayoutItem): void {
  from.behind.push(to);
  to.before.push(from);
}

/** Boxes side by side in the columns of one layer, or one lane. */
interface LayoutRow {
  readonly items: readonly LayoutItem[];
  readonly isLane: boolean;
  readonly before: readonly LayoutItem[];
  readonly behind: readonly LayoutItem[];
}

interface LayerTable {
  readonly rows: readonly LayoutRow[];
  /** How many boxes a row may have. */
  readonly columns: number;
}

/** The boxes of a row stand in the order of the layer from left to right; lanes between them go above. */
function rowsOf(layer: readonly LayoutItem[], mostRows = Infinity): LayerTable {
  const count = layer.filter(({ isLane }) => !isLane).length;
  const columns = Math.max(Math.min(1, count), Math.ceil(count / mostRows));
  const rows: LayoutRow[] = [];
  let open: LayoutItem[] = [];
  const close = (): void => {
    if (open.length > 0) rows.push(row(open));
    open = [];
  };
  for (const each of layer) {
    if (each.isLane) rows.push(row([each]));
    else open.push(each);
    if (open.length === Math.max(1, columns)) close();
  }
  close();
  return { rows, columns };
}

function row(items: readonly LayoutItem[]): LayoutRow {
  const [first] = items;
  if (items.length === 1 && first !== undefined)
    return { items, isLane: first.isLane, before: first.before, behind: first.behind };
  return {
    items,
    isLane: false,
    before: items.flatMap(({ before }) => before),
    behind: items.flatMap(({ behind }) => behind),
  };
}

/** Heights: each row near the mean of what it is linked with, no two closer than they may be. */
function* place(table: readonly LayerTable[], size: LayoutSize): Generator<void, void> {
  const space = (above: LayoutRow, below: LayoutRow): number => {
    if (above.isLane && below.isLane) return 2 * LANE_GAP;
    if (above.isLane || below.isLane) return size.boxHeight / 2 + 2 * LANE_GAP;
    return size.boxHeight + size.gapY;
  };
  for (const { rows } of table) settleRows(rows, () => 0, space);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const isForward = sweep % 2 === 0;
    for (const { rows } of isForward ? table : table.toReversed()) {
      settleRows(rows, (each) => meanHeight(isForward ? each.before : each.behind) ?? heightOf(each), space);
      yield;
    }
  }
  closeBands(
    table.flatMap(({ rows }) => rows),
    size,
  );
}

function heightOf({ items }: Pick<LayoutRow, "items">): number {
  return items[0]?.y ?? 0;
}

function meanHeight(items: readonly LayoutItem[]): number | undefined {
  if (items.length === 0) return undefined;
  let sum = 0;
  for (const { y } of items) sum += y;
  return sum / items.length;
}

function moveTo({ items }: LayoutRow, y: number): void {
  for (const each of items) each.y = y;
}

/** Moves everything up so that no band over the whole width is empty for more than the space between two boxes. */
function closeBands(rows: readonly LayoutRow[], size: LayoutSize): void {
  const half = ({ isLane }: LayoutRow): number => (isLane ? LANE_GAP : size.boxHeight / 2);
  const sorted = rows.toSorted((a, b) => heightOf(a) - half(a) - (heightOf(b) - half(b)));
  const [first] = sorted;
  let bottom = 0;
  let shift = first === undefined ? 0 : heightOf(first) - half(first);
  for (const each of sorted) {
    const top = heightOf(each) - half(each) - shift;
    shift += Math.max(0, top - bottom - size.gapY);
    moveTo(each, heightOf(each) - shift);
    bottom = Math.max(bottom, heightOf(each) + half(each));
  }
}

/** The mean of the two ways to keep the space: pushed down from the top, and pushed up from the bottom. */
function settleRows(
  rows: readonly LayoutRow[],
  wanted: (each: LayoutRow) => number,
  space: (above: LayoutRow, below: LayoutRow) => number,
): void {
  const wish = rows.map(wanted);
  const down = [...wish];
  const up = [...wish];
  for (let at = 1; at < rows.length; at++)
    down[at] = Math.max(wish[at] ?? 0, (down[at - 1] ?? 0) + space(rows[at - 1] as LayoutRow, rows[at] as LayoutRow));
  for (let at = rows.length - 2; at >= 0; at--)
    up[at] = Math.min(wish[at] ?? 0, (up[at + 1] ?? 0) - space(rows[at] as LayoutRow, rows[at + 1] as LayoutRow));
  for (const [at, each] of rows.entries()) moveTo(each, ((down[at] ?? 0) + (up[at] ?? 0)) / 2);
}

/** Where a box stands in its layer, from the left side of the drawing. */
interface BoxPlace {
  readonly left: number;
  readonly middle: number;
  /** Of its layer. */
  readonly layerLeft: number;
  readonly layerRight: number;
  /** Boxes in its row stand left of it, or right of it. */
  readonly isFirst: boolean;
  readonly isLast: boolean;
}

function* drawn(
  graph: LayeredEdges,
  boxes: readonly LayoutItem[],
  lanes: ReadonlyMap<number, readonly LayoutItem[]>,
  table: readonly LayerTable[],
  size: LayoutSize,
): Generator<void, GraphLayout> {
  const { boxWidth, boxHeight, gapX, gapY } = size;
  const pitch = boxWidth + gapX / 2;
  const places: BoxPlace[] = [];
  const sides: (readonly [left: number, right: number])[] = [];
  let [right, bottom] = [-gapX, 0];
  for (const { rows, columns } of table) {
    if (columns === 0) continue;
    const layerLeft = right + gapX;
    right = layerLeft + columns * pitch - gapX / 2;
    sides.push([layerLeft, right]);
    for (const { items, isLane } of rows) {
      if (isLane) continue;
      bottom = Math.max(bottom, heightOf({ items }) + boxHeight / 2);
      for (const [at, { step, y }] of items.entries()) {
        const [isFirst, isLast] = [at === 0, at === items.length - 1];
        places[step] = { left: layerLeft + at * pitch, middle: y, layerLeft, layerRight: right, isFirst, isLast };
      }
    }
  }
  yield;
  const loose = boxes.filter(({ step }) => places[step] === undefined);
  const perRow = Math.max(
    Math.floor((right + gapX / 2) / pitch),
    Math.ceil(Math.sqrt((loose.length * (boxHeight + gapY)) / pitch)),
  );
  for (const [at, { step }] of loose.entries()) {
    const left = (at % perRow) * pitch;
    const middle =
      (bottom === 0 ? 0 : bottom + 2 * gapY) + Math.floor(at / perRow) * (boxHeight + gapY) + boxHeight / 2;
    places[step] = { left, middle, layerLeft: left, layerRight: left + boxWidth, isFirst: true, isLast: true };
  }
  const drawnBoxes = places.map(({ left, middle }) => ({ x: left, y: middle - boxHeight / 2 }));
  return {
    width: drawnBoxes.reduce((most, { x }) => Math.max(most, x + boxWidth), 0),
    height: drawnBoxes.reduce((most, { y }) => Math.max(most, y + boxHeight), 0),
    boxes: drawnBoxes,
    ways: yield* waysOf(graph, { places, lanes, sides, size }),
  };
}

interface PlacedItems {
  readonly places: readonly BoxPlace[];
  readonly lanes: ReadonlyMap<number, readonly LayoutItem[]>;
  /** By layer. */
  readonly sides: readonly (readonly [left: number, right: number])[];
  readonly size: LayoutSize;
}

function* waysOf(graph: LayeredEdges, placed: PlacedItems): Generator<void, readonly GraphWay[]> {
  const ways: GraphWay[] = [];
  for (const [edges, isSoft] of [
    [graph.deps, false],
    [graph.after, true],
  ] as const) {
    for (let to = 0; to < graph.size; to++) {
      for (const from of targetsOf(edges, to))
        ways.push({ from, to, isSoft, parts: wayParts(graph, from, to, placed) });
      if (to % 256 === 255) yield;
    }
  }
  return ways;
}

function wayParts(
  graph: LayeredEdges,
  from: number,
  to: number,
  { places, lanes, sides, size }: PlacedItems,
): WayPart[] {
  const [start, end] = [places[from], places[to]];
  if (start === undefined || end === undefined) return [];
  const { boxWidth, boxHeight, gapX } = size;
  const points: GraphPoint[] = [{ x: start.left + boxWidth, y: start.middle }];
  if (!start.isLast) {
    // Below its row, as those that come to a row do so above it.
    const y = start.middle + boxHeight / 2 + LANE_GAP;
    points.push({ x: start.left + boxWidth + gapX / 2, y }, { x: start.layerRight, y });
  } else if (start.left + boxWidth < start.layerRight) points.push({ x: start.layerRight, y: start.middle });
  const between = (graph.layerOf[to] ?? 0) - (graph.layerOf[from] ?? 0) - 1;
  for (const { layer, y } of (lanes.get(from) ?? []).slice(0, between)) {
    const [left, right] = sides[layer] ?? [0, 0];
    points.push({ x: left, y }, { x: right, y });
  }
  if (!end.isFirst) {
    const y = end.middle - boxHeight / 2 - LANE_GAP;
    points.push({ x: end.layerLeft, y }, { x: end.left - gapX / 2, y });
  }
  points.push({ x: end.left, y: end.middle });
  return points.slice(1).map((point, at) => ({ from: points[at] as GraphPoint, to: point }));
}
