/** What is told about plans: layers, critical path, and the time that the scheduler would take. */
import { describe, expect, test } from "vitest";
import { buildGraph } from "../../src/graph/build.ts";
import type { Plan, Step } from "../../src/plan/plan.ts";
import { progressOf } from "../../src/view/progress.ts";
import { planView, type PlanView } from "../../src/view/plan-view.ts";
import { PlanSchema } from "../../src/view/schemas.ts";
import { runLine } from "../../src/view/list.ts";
import { reusable } from "../../src/project/reusable.ts";
import { traceOf } from "../../src/view/trace.ts";
import { htmlReport } from "../../src/view/html.ts";
import { escapeHtml } from "../../src/view/html-text.ts";
import { DIAMOND, history, OPTIONS, read, started, succeeded } from "./histories.ts";

function viewOf(plan: Plan, workers: number, recorded: ReadonlyMap<string, number> = new Map()): PlanView {
  const graph = buildGraph(plan.steps);
  if (!graph.ok) throw new Error("no graph");
  const view = planView({ plan, graph: graph.value, options: { ...OPTIONS, maxConcurrency: workers }, recorded });
  PlanSchema.parse(view);
  return view;
}

function step(id: string, estimateMs: number, deps: readonly string[] = [], more: Partial<Step> = {}): Step {
  return { id, action: { kind: "run", command: "" }, estimateMs, ...(deps.length > 0 ? { deps } : {}), ...more };
}

describe("the expected time", () => {
  test("is the critical path with enough workers and the sum with one", () => {
    const plan = { name: "p", steps: [step("a", 100), step("b", 50), step("c", 30, ["a", "b"]), step("d", 20, ["b"])] };
    expect(viewOf(plan, 1)).toMatchObject({ expectedMakespanMs: 200, criticalPathMs: 130, criticalPath: ["a", "c"] });
    expect(viewOf(plan, 8)).toMatchObject({
      expectedMakespanMs: 130,
      workers: 8,
      layers: [
        ["a", "b"],
        ["c", "d"],
      ],
    });
  });

  test("starts the longest remaining path first: the trap of short steps ahead of a chain", () => {
    const short = Array.from({ length: 48 }, (_, i) => step(`short${i}`, 100));
    const chain = Array.from({ length: 12 }, (_, i) => step(`chain${i}`, 100, i === 0 ? [] : [`chain${i - 1}`]));
    expect(viewOf({ name: "trap", steps: [...short, ...chain] }, 4).expectedMakespanMs).toBe(1500);
  });

  test("counts pools, locks, barriers and people", () => {
    const four = Array.from({ length: 4 }, (_, i) => step(`s${i}`, 10, [], { resources: { gpu: 1 } }));
    expect(viewOf({ name: "p", resources: { gpu: 1 }, steps: four }, 4).expectedMakespanMs).toBe(40);
    const writers = Array.from({ length: 3 }, (_, i) => step(`w${i}`, 10, [], { locks: { write: ["db"] } }));
    expect(viewOf({ name: "p", steps: writers }, 4).expectedMakespanMs).toBe(30);
    const people: Plan = {
      name: "p",
      steps: [
        step("a", 10),
        { id: "ok", action: { kind: "approve", question: "?" }, deps: ["a"] },
        step("b", 10, ["ok"]),
      ],
    };
    expect(viewOf(people, 2)).toMatchObject({ expectedMakespanMs: 20, criticalPathMs: 20, unknownDurations: 0 });
    const slow = new Map([["ok", 60_000]]);
    expect(viewOf(people, 2, slow)).toMatchObject({ expectedMakespanMs: 20, criticalPathMs: 20 });
    const unknown = { ...people, steps: people.steps.map(({ estimateMs: _estimateMs, ...rest }) => rest) };
    expect(viewOf(unknown, 2, slow)).toMatchObject({ criticalPathMs: null, criticalPath: ["a", "ok", "b"] });
    const conditional: Plan = {
      name: "p",
      steps: [step("a", 10, [], { if: "true" }), step("b", 10, ["a"], { forEach: { items: [1, 2] } })],
    };
    expect(viewOf(conditional, 2).expectedMakespanMs).toBe(20);
  });

  test("takes recorded durations before estimates, and says when it knows nothing", () => {
    const plan = {
      name: "p",
      steps: [step("a", 100), { id: "b", action: { kind: "run" as const, command: "" }, deps: ["a"] }],
    };
    expect(viewOf(plan, 1, new Map([["a", 7]]))).toMatchObject({ criticalPathMs: 8, unknownDurations: 1 });
    expect(viewOf(DIAMOND, 2)).toMatchObject({ criticalPathMs: null, expectedMakespanMs: null });
  });
});

test("progress: the longest path left, or the work shared by the slots", () => {
  const plan: Plan = {
    name: "p",
    steps: [step("a", 1000), step("b", 1000), step("c", 1000), step("d", 1000), step("e", 500, ["d"])],
  };
  const { state } = read(
    history(plan, [
      [1000, started("a")],
      [1000, started("d")],
    ]),
  );
  if (state === undefined) throw new Error("no state");
  expect(progressOf(state, new Map(), 1400)).toMatchObject({
    ended: 0,
    total: 5,
    leftMs: (600 + 1000 + 1000 + 600 + 500) / 2,
  });
  expect(progressOf(state, new Map([["e", 9000]]), 1400).leftMs).toBe(600 + 9000);
  const unknown = read(history(DIAMOND, [])).state;
  expect(unknown && progressOf(unknown, new Map(), 1000).leftMs).toBeUndefined();
});

test("a run's line: what the engine said last, seen without it", () => {
  const counts = { succeeded: 1, failed: 0, cancelled: 0, skipped: 0, cached: 0, waiting: 2, running: 1 };
  const entry = {
    run: "r",
    plan: "p",
    createdAt: 5,
    summary: { status: "running", startedAt: 6, endedAt: null, counts },
  };
  expect(runLine({ ...entry, holder: {} })).toEqual({
    run: "r",
    plan: "p",
    status: "running",
    startedAt: 6,
    endedAt: null,
    counts,
  });
  expect(runLine({ ...entry, holder: null })).toMatchObject({
    status: "interrupted",
    counts: { running: 0, waiting: 3 },
  });
  expect(runLine({ ...entry, summary: { ...entry.summary, status: "waiting" }, holder: null }).status).toBe("waiting");
  expect(runLine({ ...entry, summary: null, holder: null })).toMatchObject({ status: "interrupted", startedAt: 5 });
});

test("results stand for steps of the same definition alone", () => {
  const { state } = read(
    history(DIAMOND, [
      [1, started("a")],
      [2, succeeded("a", 1)],
      [3, started("b")],
      [4, succeeded("b", 1)],
    ]),
  );
  if (state === undefined) throw new Error("no state");
  const changed = DIAMOND.steps.map((each) => (each.id === "b" ? { ...each, description: "new" } : each));
  const found = reusable(state, { ...DIAMOND, steps: changed });
  expect([...found.results]).toEqual([["a", { output: { of: "a" }, madeAt: 2 }]]);
  expect([...found.changed]).toEqual([["b", "its definition has changed"]]);
});

test("a trace has one row per slot and microseconds", () => {
  const reader = read(
    history(DIAMOND, [
      [1010, started("a")],
      [1010, started("b")],
      [1030, succeeded("b", 20)],
    ]),
  );
  if (reader.state === undefined) throw new Error("no state");
  const { traceEvents } = traceOf({ state: reader.state, timeline: reader.timeline, now: 1050 });
  const spans = traceEvents.filter((event) => event.ph === "X");
  expect(spans.map(({ name, tid, ts, dur }) => [name, tid, ts, dur])).toEqual([
    ["a", 1, 10_000, 40_000],
    ["b", 2, 10_000, 20_000],
  ]);
});

test("the page holds names as text", () => {
  const evil = `"><script>alert('x')</script>&`;
  expect(escapeHtml(evil)).not.toMatch(/[<>"']/);
  const plan: Plan = { name: evil, steps: [{ id: "a", description: evil, action: { kind: "run", command: "" } }] };
  const reader = read(
    history(plan, [
      [1010, started("a")],
      [1030, succeeded("a", 20)],
    ]),
  );
  if (reader.state === undefined) throw new Error("no state");
  const page = [
    ...htmlReport({ state: reader.state, timeline: reader.timeline, live: false, now: 0, logFile: () => null }),
  ].join("");
  expect(page).not.toContain("<script");
  expect(page).toContain("&#60;script&#62;");
  expect(page).toContain("default-src 'none'");
});
