/** What other numbers of workers would bring, and what is left of a run, by the rules of real runs. */
import { describe, expect, test } from "vitest";
import { buildGraph } from "../../src/graph/build.ts";
import type { Plan, Step } from "../../src/plan/plan.ts";
import type { EventBody } from "../../src/run/event.ts";
import { forecastOf } from "../../src/view/forecast.ts";
import { expectedMakespan, simulatedRun } from "../../src/view/makespan.ts";
import { remainingWork } from "../../src/view/remaining.ts";
import { whatIf, WORKER_COUNTS, type Bound, type WhatIf } from "../../src/view/what-if.ts";
import { failed, history, OPTIONS, read, started, succeeded, type Happening } from "./histories.ts";

function step(id: string, ms: number, more: Partial<Step> = {}): Step {
  return { id, action: { kind: "run", command: id }, estimateMs: ms, ...more };
}

function simulated(plan: Plan, workers: readonly number[], maxAgents = 1): WhatIf {
  const graph = graphOf(plan);
  const durationOf = (at: number): number => plan.steps[at]?.estimateMs ?? 1;
  return whatIf({ plan, graph, options: { ...OPTIONS, maxAgents }, durationOf, unknownDurations: 0, workers });
}

function graphOf({ steps }: Plan) {
  const graph = buildGraph(steps);
  if (!graph.ok) throw new Error("no graph");
  return graph.value;
}

/** Ten of a hundred side by side, one behind each other of three more. */
const PLAN: Plan = {
  name: "p",
  steps: [
    ...Array.from({ length: 10 }, (_, at) => step(`w${at}`, 100)),
    step("x", 150),
    step("y", 150, { deps: ["x"] }),
    step("z", 50, { deps: ["y", "w0"] }),
  ],
};

test("each count is what the scheduler's own simulation says, and never shorter than what binds", () => {
  const { points } = simulated(PLAN, WORKER_COUNTS);
  expect(points.map(({ workers }) => workers)).toEqual(WORKER_COUNTS);
  for (const { workers, makespanMs, binds } of points) {
    const options = { ...OPTIONS, maxConcurrency: workers };
    const durationOf = (at: number): number => PLAN.steps[at]?.estimateMs ?? 1;
    expect(makespanMs).toBe(expectedMakespan({ plan: PLAN, graph: graphOf(PLAN), options, durationOf }));
    expect(makespanMs).toBeGreaterThanOrEqual(binds.ms);
  }
  expect(points[0]).toMatchObject({ makespanMs: 1350, binds: { kind: "slot", ms: 1350 }, utilisation: 1 });
  expect(points.at(-1)).toMatchObject({ makespanMs: 350, binds: { kind: "path", ms: 350 }, path: ["x", "y", "z"] });
});

test("several workers are meant also of a run that began with one step at a time", () => {
  const options = { ...OPTIONS, maxConcurrency: 1, sequential: true };
  const input = { plan: PLAN, graph: graphOf(PLAN), durationOf: (at: number) => PLAN.steps[at]?.estimateMs ?? 1 };
  const workers = WORKER_COUNTS.filter((count) => count > 1);
  const { points } = whatIf({ ...input, options, unknownDurations: 0, workers });
  expect(points).toEqual(simulated(PLAN, workers).points);
});

test("the path of a count is what one after another takes as long as the run", () => {
  for (const { path, makespanMs } of simulated(PLAN, [1, 2, 3, 4]).points) {
    const ms = path.reduce((sum, id) => sum + (PLAN.steps.find((one) => one.id === id)?.estimateMs ?? 0), 0);
    expect(ms).toBe(makespanMs);
  }
});

test.each<readonly [string, Plan, Bound]>([
  [
    "a pool",
    { name: "", resources: { gpu: 2 }, steps: PLAN.steps.map((one) => ({ ...one, resources: { gpu: 2 } })) },
    { kind: "pool", name: "gpu", ms: 1350 },
  ],
  [
    "a lock",
    { name: "", steps: PLAN.steps.map((one) => ({ ...one, locks: { write: ["db"] } })) },
    { kind: "lock", name: "db", ms: 1350 },
  ],
  [
    "places of agents",
    { name: "", steps: PLAN.steps.map((one) => ({ ...one, action: { kind: "agent", prompt: "" } as const })) },
    { kind: "agent-slot", ms: 1350 },
  ],
  [
    "a worktree",
    {
      name: "",
      steps: PLAN.steps.map((one) => ({ ...one, group: "g", action: { kind: "agent", prompt: "" } as const })),
    },
    { kind: "group", name: "g", ms: 1350 },
  ],
])("%s binds where it is what is short", (_name, plan, binds) => {
  expect(simulated(plan, [8], binds.kind === "group" ? 4 : 1).points[0]).toMatchObject({ makespanMs: 1350, binds });
});

test("there is a knee: more workers gain nothing", () => {
  expect(simulated(PLAN, WORKER_COUNTS).knee).toEqual({ workers: 6, makespanMs: 350 });
});

test("each step of a simulation begins after what it comes after", () => {
  const graph = graphOf(PLAN);
  const run = simulatedRun({
    plan: PLAN,
    graph,
    options: OPTIONS,
    durationOf: (at) => PLAN.steps[at]?.estimateMs ?? 1,
  });
  const at = (id: string): number => PLAN.steps.findIndex((one) => one.id === id);
  expect(run?.startsAt[at("y")]).toBeGreaterThanOrEqual(run?.endsAt[at("x")] ?? NaN);
  expect([...(run?.startsAt ?? [])].every((ms) => ms >= 0)).toBe(true);
});

describe("what is left of a run", () => {
  const STEPS: Plan = {
    name: "p",
    steps: [step("a", 100), step("b", 400), step("c", 100, { deps: ["a"] }), step("d", 50, { deps: ["b", "c"] })],
  };
  const stateOf = (plan: Plan, happenings: readonly Happening[]) => {
    const { state } = read(history(plan, happenings));
    if (state === undefined) throw new Error("no state");
    return state;
  };
  const NOTHING = new Map<string, number>();

  test("is what has not ended, of what runs the rest", () => {
    const state = stateOf(STEPS, [
      [1000, started("a")],
      [1000, started("b")],
      [1100, succeeded("a", 100)],
      [1100, started("c")],
    ]);
    const work = remainingWork(state, { expected: NOTHING, now: 1150 });
    expect(work?.plan.steps.map(({ id, deps }) => [id, deps])).toEqual([
      ["b", []],
      ["c", []],
      ["d", ["b", "c"]],
    ]);
    expect([0, 1, 2].map((at) => work?.durationOf(at))).toEqual([250, 50, 50]);
    const { bars, endsAt } = forecastOf(state, { expected: NOTHING, now: 1150 });
    expect(bars).toEqual([
      { step: "b", startsAt: 1000, endsAt: 1400 },
      { step: "c", startsAt: 1100, endsAt: 1200 },
      { step: "d", startsAt: 1400, endsAt: 1450 },
    ]);
    expect(endsAt).toBe(1450);
  });

  test("takes recorded times before what the plan says, and the average where nothing is known", () => {
    const plan: Plan = { name: "p", steps: [step("a", 100), { id: "b", action: { kind: "run", command: "b" } }] };
    const work = remainingWork(stateOf(plan, []), { expected: new Map([["a", 700]]), now: 1000 });
    expect([0, 1].map((at) => work?.durationOf(at))).toEqual([700, 700]);
    expect(work?.unknownDurations).toBe(1);
  });

  test("counts the wait for another attempt, and children of an open container by themselves", () => {
    const retrying = stateOf(STEPS, [
      [1000, started("a")],
      [1010, failed("a", 10, 1, 500)],
    ]);
    expect(remainingWork(retrying, { expected: NOTHING, now: 1010 })?.durationOf(0)).toBe(100);
    const plan: Plan = {
      name: "p",
      steps: [
        { id: "each", action: { kind: "run", command: "x" }, forEach: { items: [1, 2, 3] } },
        step("end", 10, { deps: ["each"] }),
      ],
    };
    const children = [0, 1, 2].map((at) => step(`each[${at}]`, 200));
    const added = { type: "steps.added", step: "each", attempt: 1, data: { kind: "children", steps: children } };
    const open = stateOf(plan, [
      [1000, started("each")],
      [1000, added as EventBody],
    ]);
    const work = remainingWork(open, { expected: NOTHING, now: 1000 });
    if (work === undefined) throw new Error("nothing is left");
    const of = (workers: number): number | undefined =>
      expectedMakespan({ ...work, options: { ...OPTIONS, maxConcurrency: workers } });
    expect([of(1), of(2), of(3)]).toEqual([610, 410, 210]);
  });

  test("of a run that has ended is nothing", () => {
    const plan: Plan = { name: "p", steps: [step("a", 1)] };
    const state = stateOf(plan, [
      [1000, started("a")],
      [1001, succeeded("a", 1)],
      [1001, { type: "run.succeeded", data: { durationMs: 1 } }],
    ]);
    expect(remainingWork(state, { expected: NOTHING, now: 2000 })).toBeUndefined();
    expect(forecastOf(state, { expected: NOTHING, now: 2000 })).toMatchObject({ endsAt: null, bars: [] });
  });
});
