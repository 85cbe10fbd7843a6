/** Where steps and edges are drawn: boxes beside each other, edges around them. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { buildGraph } from "../../src/graph/build.ts";
import type { Graph } from "../../src/graph/graph.ts";
import type { Step } from "../../src/plan/plan.ts";
import { type GraphLayout, LANE_GAP, layoutGraph, type LayoutSize } from "../../src/view/graph-layout.ts";

const SIZE: LayoutSize = { boxWidth: 100, boxHeight: 40, gapX: 50, gapY: 12 };

function graphOf(edges: readonly (readonly number[])[], soft: readonly (readonly number[])[] = []): Graph {
  const named = (list: readonly number[] = []): readonly string[] | undefined =>
    list.length === 0 ? undefined : [...new Set(list)].map((one) => `s${one}`);
  const graph = buildGraph(
    edges.map((deps, i) => ({
      id: `s${i}`,
      action: { kind: "run", command: "x" },
      ...(named(deps) && { deps: named(deps) }),
      ...(named(soft[i]) && { after: named(soft[i]) }),
    })) as Step[],
  );
  if (!graph.ok) throw new Error(JSON.stringify(graph.error));
  return graph.value;
}

function laidOut(graph: Graph, more: Partial<LayoutSize> = {}): GraphLayout {
  const layout = layoutGraph(graph, { ...SIZE, ...more });
  if (layout === undefined) throw new Error("too large");
  return layout;
}

/** Everything that is wrong with a layout. `hasLoose`: steps without edges may lie below the gaps in which ways go up and down. */
function faults(graph: Graph, { boxes, ways, width, height }: GraphLayout, hasLoose = false): readonly string[] {
  const found: string[] = [];
  for (const [a, box] of boxes.entries()) {
    if (box.x < 0 || box.y < -0.001 || box.x + SIZE.boxWidth > width || box.y + SIZE.boxHeight > height + 0.001)
      found.push(`s${a} is outside`);
    for (const [b, other] of boxes.slice(0, a).entries()) {
      const isClear = Math.abs(other.x - box.x) >= SIZE.boxWidth || Math.abs(other.y - box.y) >= SIZE.boxHeight;
      if (!isClear) found.push(`s${a} is on s${b}`);
    }
  }
  for (const { from, to, parts } of ways) {
    const [start, end] = [boxes[from], boxes[to]];
    const [first, last] = [parts[0], parts.at(-1)];
    if (first?.from.x !== (start?.x ?? 0) + SIZE.boxWidth || first.from.y !== (start?.y ?? 0) + SIZE.boxHeight / 2)
      found.push(`${from}->${to} does not begin at its box`);
    if (last?.to.x !== end?.x || last?.to.y !== (end?.y ?? 0) + SIZE.boxHeight / 2)
      found.push(`${from}->${to} does not end at its box`);
    if ((start?.x ?? 0) + SIZE.boxWidth > (end?.x ?? 0)) found.push(`${from}->${to} does not go to the right`);
    for (const [at, part] of parts.entries()) {
      if (part.from.x > part.to.x) found.push(`${from}->${to} goes back`);
      const before = parts[at - 1];
      if (before !== undefined && (before.to.x !== part.from.x || before.to.y !== part.from.y))
        found.push(`${from}->${to} has a gap`);
      for (const [step, box] of boxes.entries()) {
        const isBeside = part.to.x <= box.x || part.from.x >= box.x + SIZE.boxWidth;
        const isClear =
          Math.max(part.from.y, part.to.y) <= box.y - LANE_GAP + 0.001 ||
          Math.min(part.from.y, part.to.y) >= box.y + SIZE.boxHeight + LANE_GAP - 0.001;
        const isLevel = part.from.y === part.to.y || hasLoose;
        if (!isBeside && !(isClear && isLevel)) found.push(`${from}->${to} passes s${step}`);
      }
    }
  }
  const edges = graph.deps.targets.length + graph.after.targets.length;
  if (boxes.length !== graph.size) found.push(`${boxes.length} of ${graph.size} steps`);
  if (ways.length !== edges) found.push(`${ways.length} of ${edges} edges`);
  return found;
}

/** Any graph: steps with their deps and what they come after, all of them earlier ones. */
const anyGraph: fc.Arbitrary<Graph> = fc
  .array(fc.tuple(fc.array(fc.nat(), { maxLength: 4 }), fc.array(fc.nat(), { maxLength: 2 })), {
    minLength: 1,
    maxLength: 25,
  })
  .map((list) => {
    const before = (at: number, given: readonly number[]): readonly number[] =>
      at === 0 ? [] : given.map((one) => one % at);
    return graphOf(
      list.map(([deps], at) => before(at, deps)),
      list.map(([, after], at) => before(at, after)),
    );
  });

test("no edge passes a box, and no box is on another, whatever the graph", () => {
  fc.assert(
    fc.property(anyGraph, (graph) => {
      expect(faults(graph, laidOut(graph))).toEqual([]);
    }),
    { numRuns: 100 },
  );
});

test("nor where layers have several columns; and the same graph is laid out alike", () => {
  fc.assert(
    fc.property(anyGraph, fc.integer({ min: 1, max: 5 }), (graph, mostRows) => {
      const layout = laidOut(graph, { mostRows });
      expect(faults(graph, layout, true)).toEqual([]);
      expect(laidOut(graph, { mostRows })).toEqual(layout);
    }),
    { numRuns: 100 },
  );
});

test("a layer with many steps is as wide as it is high, and so are steps without edges", () => {
  const fan = laidOut(graphOf([[], ...Array.from({ length: 40 }, () => [0])]), { mostRows: 8 });
  expect(new Set(fan.boxes.map(({ x }) => x)).size).toBe(1 + 5);
  const loose = laidOut(graphOf([[], [0], ...Array.from({ length: 40 }, () => [])]), { mostRows: 8 });
  expect(new Set(loose.boxes.slice(2).map(({ x }) => x)).size).toBeGreaterThan(3);
  // Below the others.
  const lowest = Math.max(...loose.boxes.slice(0, 2).map(({ y }) => y));
  expect(loose.boxes.slice(2).every(({ y }) => y > lowest)).toBe(true);
});

test("parts of a graph that no edge joins do not cross each other", () => {
  const graph = graphOf([[], [], [0], [1], [2], [3], [4], [5]]);
  const { boxes } = laidOut(graph);
  const heights = (first: number): readonly number[] => boxes.filter((_, step) => step % 2 === first).map(({ y }) => y);
  const [one, other] = [heights(0), heights(1)];
  const isAbove = Math.max(...one) < Math.min(...other);
  expect(isAbove || Math.max(...other) < Math.min(...one)).toBe(true);
});

test("a chain is a straight line, and what skips a layer goes around its box", () => {
  const chain = laidOut(graphOf([[], [0], [1]]));
  expect(new Set(chain.boxes.map(({ y }) => y)).size).toBe(1);
  const graph = graphOf([[], [0], [0, 1]]);
  const layout = laidOut(graph);
  expect(faults(graph, layout)).toEqual([]);
  const long = layout.ways.find(({ from, to }) => from === 0 && to === 2);
  expect(long?.parts).toHaveLength(3);
});

test("long edges of one step share their lane, and a graph with too many lanes has no layout", () => {
  // The first step is a dep of every other one of a chain.
  const fan = (size: number): Graph => graphOf(Array.from({ length: size }, (_, i) => (i === 0 ? [] : [0, i - 1])));
  const layout = laidOut(fan(60));
  const lanes = new Set(
    layout.ways.flatMap(({ parts }) => parts.map(({ from, to }) => `${from.x} ${from.y} ${to.x} ${to.y}`)),
  );
  expect(lanes.size).toBeLessThan(60 * 4);
  // Each step reaches far: lanes grow with the square.
  const wide = graphOf(Array.from({ length: 700 }, (_, i) => (i === 0 ? [] : i < 350 ? [i - 1] : [i - 350, i - 1])));
  expect(layoutGraph(wide, SIZE)).toBeUndefined();
  const whole = laidOut(wide, { mostLanes: 1000 });
  expect(whole.boxes).toHaveLength(700);
  expect(whole.ways.every(({ parts }) => parts.length > 0)).toBe(true);
});
