/** Two runs beside each other: what a step moved, what of its definition changed, and which one differs first. */
import { expect, test } from "vitest";
import type { Plan } from "../../src/plan/plan.ts";
import { compareRuns, type CompareInput, type RunComparison } from "../../src/view/compare.ts";
import { failed, history, read, started, succeeded, type Happening } from "./histories.ts";

/** `long` beside `short`, `end` behind both. */
const PLAN: Plan = {
  name: "p",
  steps: [
    { id: "long", action: { kind: "run", command: "l" } },
    { id: "short", action: { kind: "run", command: "s" } },
    { id: "end", action: { kind: "run", command: "e" }, deps: ["long", "short"] },
  ],
};

function ran(plan: Plan, times: { readonly [id: string]: number }, more: readonly Happening[] = []): CompareInput {
  const happened: Happening[] = [];
  const before = Math.max(times["long"] ?? 0, times["short"] ?? 0);
  for (const [id, ms] of Object.entries(times)) {
    const from = 1000 + (id === "end" ? before : 0);
    happened.push([from, started(id)], [from + ms, succeeded(id, ms)]);
  }
  const events = history(plan, [...happened.toSorted(([a], [b]) => a - b), ...more]);
  const { state, timeline } = read(events);
  if (state === undefined) throw new Error("no state");
  return { state, timeline, live: true };
}

function compared(a: CompareInput, b: CompareInput): RunComparison {
  return compareRuns(a, b, { limit: 100, now: 9000 });
}

function effects({ steps }: RunComparison): Record<string, number> {
  return Object.fromEntries(steps.map(({ step, effectMs }) => [step, effectMs]));
}

const BASE = ran(PLAN, { long: 500, short: 100, end: 50 });

test("what moved the makespan comes first, with how much, and what was hidden behind others moved nothing", () => {
  const slower = compared(BASE, ran(PLAN, { long: 700, short: 300, end: 50 }));
  expect(effects(slower)).toEqual({ long: 200, short: 0, end: 0 });
  expect(slower.steps[0]?.step).toBe("long");
  expect(slower.first).toEqual({
    step: "long",
    sentence: "All 3 steps are defined alike and ended alike; long moved the makespan most, by 0.2s more.",
  });
  // Only what was more than the step beside it took.
  expect(effects(compared(BASE, ran(PLAN, { long: 500, short: 800, end: 50 })))).toEqual({
    short: 300,
    long: 0,
    end: 0,
  });
  expect(effects(compared(BASE, ran(PLAN, { long: 200, short: 100, end: 40 })))).toEqual({
    long: -300,
    end: -10,
    short: 0,
  });
});

test("the other way round it is the opposite", () => {
  const other = ran(PLAN, { long: 200, short: 900, end: 70 });
  const [one, two] = [effects(compared(BASE, other)), effects(compared(other, BASE))];
  for (const [step, ms] of Object.entries(one)) expect([step, two[step]]).toEqual([step, 0 - ms]);
});

test("steps of one alone, changed definitions and other statuses are said", () => {
  const plan: Plan = {
    ...PLAN,
    steps: [
      { id: "long", action: { kind: "run", command: "other" }, env: { A: "1" } },
      { id: "new", action: { kind: "run", command: "n" } },
      { id: "end", action: { kind: "run", command: "e" }, deps: ["long"] },
    ],
  };
  const b = ran(plan, { long: 500, new: 900 }, [
    [2000, started("end")],
    [2010, failed("end", 10)],
  ]);
  const { steps, counts, first } = compared(BASE, b);
  expect(counts).toEqual({ same: 0, changed: 2, onlyInA: 1, onlyInB: 1, otherStatus: 1 });
  const by = Object.fromEntries(steps.map((step) => [step.step, step]));
  expect(by["long"]).toMatchObject({ definition: "changed", changed: ["action", "env"] });
  expect(by["end"]).toMatchObject({ a: { status: "succeeded" }, b: { status: "failed", tookMs: expect.any(Number) } });
  expect([by["new"]?.a, by["short"]?.b]).toEqual([undefined, undefined]);
  expect(by["new"]?.definition).toBeUndefined();
  expect(first.sentence).toBe(
    "long is the first step that differs: its definition changed (action, env), succeeded in both.",
  );
});

test("a time in which no engine had a run is no time that a step took", () => {
  const events = history(PLAN, [
    [1010, started("long")],
    [1060, { type: "run.resumed", data: { engine: "", interrupted: ["long"], reset: [] } }],
    [9000, { type: "run.resumed", data: { engine: "", interrupted: [], reset: [] } }],
    [9000, started("long", 2)],
    [9100, succeeded("long", 100, 2)],
  ]);
  const { state, timeline } = read(events);
  if (state === undefined) throw new Error("no state");
  const { steps } = compared(BASE, { state, timeline, live: true });
  expect(steps.find(({ step }) => step === "long")?.b?.tookMs).toBeLessThan(500);
});

test("the list comes in parts", () => {
  const other = ran(PLAN, { long: 700, short: 300, end: 90 });
  const first = compareRuns(BASE, other, { limit: 2, now: 0 });
  const second = compareRuns(BASE, other, { limit: 2, cursor: Number(first.next), now: 0 });
  expect([...first.steps, ...second.steps]).toEqual(compared(BASE, other).steps);
  expect(second.next).toBeUndefined();
});
