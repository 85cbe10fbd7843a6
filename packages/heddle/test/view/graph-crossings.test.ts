/**
 * How many edges cross: the layout beside that of elkjs 0.12.1 (layered, to the right, 56 and 26 apart), whose figures were measured once on
 * the same graphs. Edges count as straight lines, which favours neither.
 */
import { expect, test } from "vitest";
import { seededRandom } from "../../src/base/random.ts";
import { buildGraph } from "../../src/graph/build.ts";
import type { Step } from "../../src/plan/plan.ts";
import { layoutGraph, type GraphPoint, type LayoutSize } from "../../src/view/graph-layout.ts";

const SIZE: LayoutSize = { boxWidth: 178, boxHeight: 44, gapX: 56, gapY: 26 };

/** Deps by step. */
type Deps = readonly (readonly number[])[];

const sorted = (set: Iterable<number>): readonly number[] => [...new Set(set)].toSorted((a, b) => a - b);

/** Most deps in the layer before, at about the same height. */
function layered(count: number, seed: number): Deps {
  const random = seededRandom(seed);
  const width = Math.max(4, Math.round(Math.sqrt(count) * 1.4));
  return Array.from({ length: count }, (_none, step) => {
    const layer = Math.floor(step / width);
    if (layer === 0) return [];
    return sorted(
      Array.from({ length: random() < 0.28 ? 2 : 1 }, () => {
        const back = random() < 0.8 ? 1 : random() < 0.7 ? 2 : 3;
        const place = Math.round(((step % width) / width + (random() - 0.5) * 0.24) * width);
        return Math.max(0, layer - back) * width + Math.min(width - 1, Math.max(0, place));
      }),
    );
  });
}

/** As the packages of a repository: some that many others need. */
function packages(count: number, seed: number): Deps {
  const random = seededRandom(seed);
  return Array.from({ length: count }, (_none, step) =>
    sorted(
      Array.from({ length: step < 4 ? 0 : 1 + Math.floor(random() * 2.4) }, () =>
        random() < 0.25 ? Math.floor(random() * random() * step) : Math.max(0, step - 1 - Math.floor(random() * 40)),
      ),
    ),
  );
}

/** One start, lines side by side with some edges between neighbours, one end. */
function pipelines(lines: number, length: number): Deps {
  const deps: (readonly number[])[] = [[]];
  for (let line = 0; line < lines; line++) {
    for (let at = 0; at < length; at++) {
      const neighbour = line > 0 && at > 0 && at % 3 === line % 3 ? [deps.length - length - 1] : [];
      deps.push(sorted([at === 0 ? 0 : deps.length - 1, ...neighbour]));
    }
  }
  return [...deps, Array.from({ length: lines }, (_none, line) => (line + 1) * length)];
}

/** Out to many and back to one. */
function tree(levels: number, fan: number): Deps {
  const deps: (readonly number[])[] = [[]];
  let last = [0];
  for (let level = 1; level < levels; level++)
    last = last.flatMap((from) => Array.from({ length: fan }, () => deps.push([from]) - 1));
  while (last.length > 1) {
    const above = last;
    last = Array.from(
      { length: above.length / fan },
      (_none, at) => deps.push(above.slice(at * fan, (at + 1) * fan)) - 1,
    );
  }
  return deps;
}

/** Up to two deps among the eight steps before. */
function near(count: number, seed: number): Deps {
  const random = seededRandom(seed);
  return Array.from({ length: count }, (_none, step) =>
    sorted(
      Array.from(
        { length: step < 6 ? 0 : Math.floor(random() * 3) },
        () => step - 1 - Math.floor(random() * Math.min(step, 8)),
      ),
    ),
  );
}

/** Far and near deps mixed. */
function far(count: number): Deps {
  return Array.from({ length: count }, (_none, step) =>
    step < 10 || step % 3 === 0 ? [] : sorted([step - 10, step >> 1]),
  );
}

interface Contest {
  readonly name: string;
  readonly deps: Deps;
  readonly elk: number;
}

/** `near`: 19 where elk may move steps to other layers; with the layers that batches are, 32 (`LONGEST_PATH_SOURCE`). */
const CONTESTS: readonly Contest[] = [
  { name: "pipelines", deps: pipelines(12, 8), elk: 29 },
  { name: "tree", deps: tree(6, 3), elk: 0 },
  { name: "near", deps: near(200, 7), elk: 32 },
  { name: "far", deps: far(300), elk: 2433 },
  { name: "packages of 200", deps: packages(200, 3), elk: 1508 },
  { name: "packages of 500", deps: packages(500, 4), elk: 10_640 },
  { name: "layered of 200", deps: layered(200, 1), elk: 126 },
  { name: "layered of 500", deps: layered(500, 2), elk: 1060 },
  { name: "layered of 2000", deps: layered(2000, 3), elk: 10_528 },
];

interface Line {
  readonly from: GraphPoint;
  readonly to: GraphPoint;
}

function crossings(lines: readonly Line[]): number {
  const byStart = lines.toSorted((a, b) => a.from.x - b.from.x);
  const at = ({ from, to }: Line, x: number): number => from.y + ((to.y - from.y) * (x - from.x)) / (to.x - from.x);
  let count = 0;
  for (const [index, one] of byStart.entries()) {
    for (let next = index + 1; next < byStart.length; next++) {
      const other = byStart[next] as Line;
      if (other.from.x >= one.to.x) break;
      const [left, right] = [other.from.x, Math.min(one.to.x, other.to.x)];
      const isShared = one.from === other.from || one.to === other.to;
      if (!isShared && (at(one, left) - at(other, left)) * (at(one, right) - at(other, right)) < 0) count++;
    }
  }
  return count;
}

test.each(CONTESTS)("T21 $name: at most a fifth more edges cross than in elk's layout", ({ deps, elk }) => {
  const steps = deps.map((list, step) => ({
    id: `s${step}`,
    action: { kind: "run" as const, command: "x" },
    ...(list.length > 0 && { deps: list.map((dep) => `s${dep}`) }),
  }));
  const graph = buildGraph(steps as readonly Step[]);
  if (!graph.ok) throw new Error("no graph");
  const layout = layoutGraph(graph.value, SIZE);
  const outOf = (layout?.boxes ?? []).map(({ x, y }) => ({ x: x + SIZE.boxWidth, y }));
  const lines = deps.flatMap((list, to) =>
    list.map((from) => ({ from: outOf[from] as GraphPoint, to: layout?.boxes[to] as GraphPoint })),
  );
  expect(lines.length).toBeGreaterThan(deps.length / 2);
  expect(crossings(lines)).toBeLessThanOrEqual(elk * 1.2);
});
