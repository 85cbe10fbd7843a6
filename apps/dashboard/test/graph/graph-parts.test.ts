/** The parts of the graph that only compute: what nodes show, where the camera stands, where arrows go. */
import { describe, expect, test } from "vitest";
import { adjacencyOf, layeredEdges } from "heddle/view";
import { centred, fitted, moved, revealing, seen, zoomed, MOST_ZOOM } from "../../src/graph/camera.ts";
import { foldedGraph } from "../../src/graph/fold.ts";
import { slicedLayout } from "../../src/graph/layout-slices.ts";
import { nodeState } from "../../src/graph/node-state.ts";
import { packedWays } from "../../src/graph/paint.ts";
import { nextNode } from "../../src/graph/walk.ts";
import { fan, liveStep, runGraph, type StepDraft } from "./plans.ts";

describe("a node shows", () => {
  const folded = foldedGraph(runGraph(fan(9)), new Set());
  const [first, all] = folded.nodes;
  const steps = (
    own: "running" | "succeeded",
    children: readonly ("failed" | "succeeded" | "waiting" | "needs-approval")[],
  ) => [
    liveStep("first", "succeeded", { durationMs: 1200, cost: 2 }),
    liveStep("all", own),
    liveStep("last", "waiting"),
    ...children.map((status, at) => liveStep(`all[${at}]`, status, { cost: 1 })),
  ];

  test("its step's status, time and cost", () => {
    if (first === undefined) throw new Error("no node");
    expect(nodeState(first, steps("running", []))).toMatchObject({
      status: "succeeded",
      durationMs: 1200,
      cost: 2,
      runsSince: null,
    });
    expect(nodeState(first, [liveStep("first", "running", { startedAt: 7 })])?.runsSince).toBe(7);
  });

  test("of many steps the status that somebody has to look at, and how many have each", () => {
    if (all === undefined) throw new Error("no node");
    const state = nodeState(all, steps("running", ["succeeded", "failed", "waiting", "waiting"]));
    expect(state).toMatchObject({ status: "failed", cost: 4 });
    expect([...(state?.counts ?? [])].toSorted()).toEqual([
      ["failed", 1],
      ["succeeded", 1],
      ["waiting", 2],
    ]);
    expect(nodeState(all, steps("running", ["failed", "needs-approval"]))?.status).toBe("needs-approval");
    // A failure in a container that succeeded did not matter.
    expect(nodeState(all, steps("succeeded", ["failed", "succeeded"]))?.status).toBe("succeeded");
  });
});

describe("the camera", () => {
  const view = { width: 800, height: 600 };
  const drawing = { width: 4000, height: 1000 };

  test("fits the whole drawing into the view, and no drawing larger than it is", () => {
    const camera = fitted(view, drawing);
    const { x, y, width, height } = seen(camera, view);
    expect([x < 0, y < 0, x + width > 4000, y + height > 1000]).toEqual([true, true, true, true]);
    expect(fitted(view, { width: 10, height: 10 }).zoom).toBe(1);
    expect(fitted(view, drawing, 0.8)).toMatchObject({ zoom: 0.8, x: -30 });
  });

  test("zooms around a point, which stays, within bounds", () => {
    const camera = { x: 100, y: 50, zoom: 1 };
    const at = { x: 200, y: 300 };
    const next = zoomed(camera, 1.5, at, 0.1);
    expect([next.x + at.x / next.zoom, next.y + at.y / next.zoom]).toEqual([300, 350]);
    expect(zoomed(camera, 100, at, 0.1).zoom).toBe(MOST_ZOOM);
    expect(zoomed(camera, 0.001, at, 0.1).zoom).toBe(0.1);
  });

  test("is moved as far as something stays in view", () => {
    const camera = moved({ x: 0, y: 0, zoom: 1 }, 1e6, -1e6, view, drawing);
    expect([camera.x, camera.y]).toEqual([4000 - 80, 80 - 600]);
  });

  test("moves no more than a box needs to be seen", () => {
    const camera = { x: 0, y: 0, zoom: 1 };
    const box = { x: 100, y: 100, width: 50, height: 20 };
    expect(revealing(camera, box, view)).toEqual(camera);
    expect(revealing(camera, { ...box, x: 900 }, view)).toMatchObject({ x: 900 + 50 + 24 - 800, y: 0 });
    expect(revealing({ ...camera, x: 500 }, box, view).x).toBe(100 - 24);
    const middle = { ...box, x: 2000, y: 500 };
    expect(centred(camera, middle, view, drawing, 2)).toEqual({ zoom: 2, x: 2025 - 200, y: 510 - 150 });
    // Not further than the drawing goes.
    expect(centred(camera, box, view, drawing, 1)).toEqual({ zoom: 1, x: -24, y: -24 });
  });
});

test("edges side by side have the points and bounds of their ways", () => {
  const point = (x: number, y: number) => ({ x, y });
  const parts = [
    { from: point(0, 5), to: point(10, 5) },
    { from: point(10, 5), to: point(20, -3) },
  ];
  const packed = packedWays({ width: 0, height: 0, boxes: [], ways: [{ from: 3, to: 4, isSoft: true, parts }] });
  expect([...packed.points]).toEqual([0, 5, 10, 5, 20, -3]);
  expect([...packed.bounds]).toEqual([0, -3, 20, 5]);
  expect([packed.count, packed.from[0], packed.to[0], packed.isSoft[0]]).toEqual([1, 3, 4, 1]);
});

describe("arrow keys go", () => {
  const drafts: readonly StepDraft[] = [
    { id: "a" },
    { id: "b", deps: ["a"] },
    { id: "c", deps: ["a"] },
    { id: "d", deps: ["b", "c"] },
  ];
  const folded = foldedGraph(runGraph(drafts), new Set());

  test("left and right along edges, up and down in a column, and stop where there is nothing", async () => {
    const layout = await slicedLayout(folded.edges, new AbortController().signal);
    if (layout === undefined) throw new Error("no layout");
    const go = (from: number, direction: "left" | "right" | "up" | "down") => nextNode(folded, layout, from, direction);
    const [upper, lower] = (layout.boxes[1]?.y ?? 0) < (layout.boxes[2]?.y ?? 0) ? [1, 2] : [2, 1];
    expect([go(upper, "down"), go(lower, "up"), go(upper, "up")]).toEqual([lower, upper, undefined]);
    expect([go(3, "left"), go(1, "right"), go(1, "left"), go(0, "left")]).toEqual([
      expect.any(Number),
      3,
      0,
      undefined,
    ]);
    expect([1, 2]).toContain(go(0, "right"));
  });

  test("among steps without edges to the next one", () => {
    const boxes = [
      { x: 0, y: 0 },
      { x: 200, y: 0 },
      { x: 0, y: 70 },
    ];
    const loose = foldedGraph(runGraph([{ id: "a" }, { id: "b" }, { id: "c" }]), new Set());
    expect(nextNode(loose, { boxes }, 0, "right")).toBe(1);
    expect(nextNode(loose, { boxes }, 0, "down")).toBe(2);
  });
});

describe("a large graph is laid out in slices", () => {
  // A chain of stars: much to do.
  const size = 6000;
  const edges = layeredEdges(
    adjacencyOf(Array.from({ length: size }, (_none, at) => (at < 60 ? [] : [at - 60, at - 1 - (at % 53)]))),
    adjacencyOf(Array.from({ length: size }, () => [])),
  );

  test("which are given up when nobody waits for it", async () => {
    const given = new AbortController();
    const made = slicedLayout(edges, given.signal);
    expect(made).toBeInstanceOf(Promise);
    given.abort();
    expect(await made).toBeUndefined();
  });

  test("and is whole in the end", async () => {
    expect((await slicedLayout(edges, new AbortController().signal))?.boxes).toHaveLength(size);
  });
});
