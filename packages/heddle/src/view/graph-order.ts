/**
 * Graph order: which item of a column of a layout lies above which, so that few edges cross. Knows no sizes.
 *
 * Invariants:
 *  1. Items that no edge joins, not over others either, are not mixed: each part of a graph is a block in every column.
 *  2. The same columns give the same order.
 */
import { seededRandom } from "../base/random.ts";

/** A box, or the lane of a step's long edges, in a column. */
export interface LayoutItem {
  readonly layer: number;
  /** The box's step, or the one whose edges run in the lane. */
  readonly step: number;
  readonly isLane: boolean;
  /** Linked ones, in the column before it and in the one behind it. */
  readonly before: LayoutItem[];
  readonly behind: LayoutItem[];
  /** Its middle. */
  y: number;
  /** Place in its column, from 0. */
  rank: number;
  /** The part of the graph that it belongs to: the largest is 0. At first {@link UNNAMED}. */
  part: number;
  /** The same, from 0 for the first one to 1 for the last one. */
  place: number;
  /** What it is sorted by. */
  mean: number;
}

export const UNNAMED = -1;

/** Orders to begin with beside three that follow the graph: small graphs have the time for some more. */
const SHUFFLED_STARTS = 20;
/** Sweeps from one start, and how many of them without a gain end it. */
const SWEEPS = 60;
const IDLE_SWEEPS = 6;
/** Items that are sorted, over all sweeps: smaller graphs get more of them. */
const MOST_WORK = 60_000;
const FEWEST_SWEEPS = 4;
const SWAP_ROUNDS = 6;

/** Sorts the columns. Gives way after each column, so that a caller can do something else in between. */
export function* orderColumns(columns: LayoutItem[][]): Generator<void, void> {
  nameParts(columns);
  yield;
  const size = columns.reduce((sum, column) => sum + column.length, 0);
  let left = Math.max(FEWEST_SWEEPS, Math.floor(MOST_WORK / Math.max(1, size)));
  let best: readonly (readonly LayoutItem[])[] = columns;
  let fewest = Infinity;
  for (const order of starts(columns)) {
    if (left === 0 || fewest === 0) break;
    order();
    yield;
    let last = Infinity;
    for (let sweep = 0, idle = 0; sweep < SWEEPS && idle < IDLE_SWEEPS && left > 0 && fewest > 0; sweep++) {
      left--;
      yield* sweepOver(columns, sweep);
      const crossings = yield* crossingsIn(columns);
      idle = crossings < last ? 0 : idle + 1;
      last = Math.min(last, crossings);
      if (crossings >= fewest) continue;
      fewest = crossings;
      best = columns.map((column) => [...column]);
    }
  }
  for (const [at, column] of best.entries()) {
    columns[at] = [...column];
    rankAll(column);
  }
  for (let round = 0, gain = 1; round < SWAP_ROUNDS && gain > 0 && fewest > 0; round++) {
    gain = 0;
    for (const column of columns) {
      gain += swapNeighbours(column);
      yield;
    }
  }
}

function* starts(columns: readonly LayoutItem[][]): Generator<() => void, void> {
  yield () => inPlanOrder(columns);
  yield () => inVisitedOrder(columns, columns.flat());
  yield () => inVisitedOrder(columns, columns.toReversed().flat());
  const random = seededRandom(1);
  for (let start = 0; start < SHUFFLED_STARTS; start++) {
    yield () => {
      const keys = new Map(columns.flat().map((item) => [item, random()]));
      inVisitedOrder(
        columns,
        columns.flat().toSorted((a, b) => (keys.get(a) ?? 0) - (keys.get(b) ?? 0)),
      );
    };
  }
}

/** Forwards and backwards in turns; every other pair of sweeps swaps neighbours as well. */
function* sweepOver(columns: readonly LayoutItem[][], sweep: number): Generator<void, void> {
  const isForward = sweep % 2 === 0;
  const swaps = sweep % 4 >= 2;
  for (const column of isForward ? columns : columns.toReversed()) {
    sortByMean(column, isForward);
    if (swaps) swapNeighbours(column);
    yield;
  }
}

function inPlanOrder(columns: readonly LayoutItem[][]): void {
  for (const column of columns) {
    column.sort((a, b) => a.part - b.part || a.step - b.step);
    rankAll(column);
  }
}

/** Items as they are come to from the first of `from` on, along links: what hangs together lies together. */
function inVisitedOrder(columns: readonly LayoutItem[][], from: readonly LayoutItem[]): void {
  const visited = new Map<LayoutItem, number>();
  for (const start of from) {
    const stack = [start];
    for (let item = stack.pop(); item !== undefined; item = stack.pop()) {
      if (visited.has(item)) continue;
      visited.set(item, visited.size);
      for (const near of [item.before, item.behind])
        for (const other of near) if (!visited.has(other)) stack.push(other);
    }
  }
  for (const column of columns) {
    column.sort((a, b) => a.part - b.part || (visited.get(a) ?? 0) - (visited.get(b) ?? 0));
    rankAll(column);
  }
}

function rankAll(column: readonly LayoutItem[]): void {
  for (const [at, item] of column.entries()) {
    item.rank = at;
    item.place = at / Math.max(1, column.length - 1);
  }
}

/** The larger a part, the smaller its number; of equals, the one with the earlier step has the smaller one. */
function nameParts(columns: readonly (readonly LayoutItem[])[]): void {
  const parts: (readonly LayoutItem[])[] = [];
  for (const column of columns)
    for (const item of column) if (item.part === UNNAMED) parts.push(partFrom(item, parts.length));
  const ordered = parts.toSorted((a, b) => b.length - a.length);
  for (const [name, part] of ordered.entries()) for (const item of part) item.part = name;
}

/** All that is linked with the item, directly or not; it gets the name. */
function partFrom(first: LayoutItem, name: number): readonly LayoutItem[] {
  const part: LayoutItem[] = [];
  const add = (item: LayoutItem): void => {
    if (item.part !== UNNAMED) return;
    item.part = name;
    part.push(item);
  };
  add(first);
  for (const { before, behind } of part) for (const near of [before, behind]) for (const other of near) add(other);
  return part;
}

/** By the mean place of what the items are linked with in the column before, or behind; those that are linked with nothing there stay. */
function sortByMean(column: LayoutItem[], isForward: boolean): void {
  for (const item of column) {
    const near = isForward ? item.before : item.behind;
    let sum = 0;
    for (const { place } of near) sum += place;
    item.mean = near.length === 0 ? item.place : sum / near.length;
  }
  column.sort((a, b) => a.part - b.part || a.mean - b.mean || a.rank - b.rank);
  rankAll(column);
}

/** Crossings of links between columns. */
function* crossingsIn(columns: readonly (readonly LayoutItem[])[]): Generator<void, number> {
  let crossings = 0;
  for (const [at, column] of columns.entries()) {
    const size = columns[at + 1]?.length ?? 0;
    // Counts of ends by rank, as a tree of sums: how many ends lie below a rank takes a few steps.
    const sums = new Int32Array(size + 1);
    let ends = 0;
    for (const { behind } of column) {
      for (const { rank } of behind) crossings += ends - sumUpTo(sums, rank);
      for (const { rank } of behind) add(sums, rank);
      ends += behind.length;
    }
    yield;
  }
  return crossings;
}

function add(sums: Int32Array, rank: number): void {
  for (let at = rank + 1; at < sums.length; at += at & -at) sums[at] = (sums[at] ?? 0) + 1;
}

/** How many ends lie at the rank or above it. */
function sumUpTo(sums: Int32Array, rank: number): number {
  let sum = 0;
  for (let at = rank + 1; at > 0; at -= at & -at) sum += sums[at] ?? 0;
  return sum;
}

/** Swaps items that lie side by side where that makes fewer crossings. Returns how many fewer. */
function swapNeighbours(column: LayoutItem[]): number {
  let gain = 0;
  let [before, behind] = endsOf(column[0]);
  for (let at = 0; at + 1 < column.length; at++) {
    const above = column[at] as LayoutItem;
    const below = column[at + 1] as LayoutItem;
    const [nextBefore, nextBehind] = endsOf(below);
    const less =
      above.part === below.part
        ? crossingsOf(before, nextBefore) +
          crossingsOf(behind, nextBehind) -
          crossingsOf(nextBefore, before) -
          crossingsOf(nextBehind, behind)
        : 0;
    if (less > 0) {
      gain += less;
      column[at] = below;
      column[at + 1] = above;
    } else [before, behind] = [nextBefore, nextBehind];
  }
  rankAll(column);
  return gain;
}

/** Ranks of what the item is linked with, sorted. */
function endsOf(item: LayoutItem | undefined): readonly [before: Int32Array, behind: Int32Array] {
  return [ranksOf(item?.before ?? []), ranksOf(item?.behind ?? [])];
}

function ranksOf(items: readonly LayoutItem[]): Int32Array {
  const ranks = new Int32Array(items.length);
  for (let at = 0; at < ranks.length; at++) ranks[at] = items[at]?.rank ?? 0;
  return ranks.length > 1 ? ranks.sort() : ranks;
}

/** Pairs of ends, both sorted, of which the upper item's one lies below the lower item's. */
function crossingsOf(upper: Int32Array, lower: Int32Array): number {
  let pairs = 0;
  let below = 0;
  for (const end of upper) {
    while (below < lower.length && (lower[below] ?? 0) < end) below++;
    pairs += below;
  }
  return pairs;
}
