/** Steps that are `always` to run, in generated plans: they end in every run, and change nothing of how it ends. */
import { expect, test } from "vitest";
import type { Plan, Step } from "../../src/plan/plan.ts";
import { seededRandom } from "../../src/base/random.ts";
import { SHELTER_MS } from "../../src/run/shelter.ts";
import { DryRun, type Script } from "../support/dry-run.ts";
import { generatePlan, pick, whole, type PlanShape, USUAL_SHAPE } from "../support/plans.ts";
import { EXIT, failing, generatedScript, lasting, planOf, retry, step, timeOf } from "./dry.ts";

const SHAPE: PlanShape = { ...USUAL_SHAPE, timeouts: 0, interrupts: 0, approvals: 0, undos: 0 };

/** The plan with steps that come after some of its own, and fail if `fails`. */
function withAlways(plan: Plan, seed: number): Plan {
  const random = seededRandom(seed * 7);
  const ids = plan.steps.map(({ id }) => id);
  const added = Array.from({ length: 1 + whole(random, 2) }, (_, at): Step => {
    const key = random() < 0.5 ? "deps" : "after";
    const before = [...new Set([pick(random, ids), pick(random, ids)])];
    return { id: `always-${at}`, action: { kind: "run", command: "true" }, [key]: before, always: true };
  });
  return { ...plan, rollback: "none", steps: [...plan.steps, ...added] };
}

function lived(plan: Plan, seed: number, cancelAfter: number | undefined): DryRun {
  const script = generatedScript(seed, SHAPE);
  const attempt = script.attempt;
  const dry = DryRun.start(
    plan,
    {
      ...script,
      attempt: (step, number, item) =>
        step.id.startsWith("always-") ? { durationMs: 50 } : (attempt?.(step, number, item) ?? { durationMs: 1 }),
    },
    { seed, maxConcurrency: 100, schedule: seed % 3 === 0 ? "layers" : "ready", failure: plan.failure ?? "fail-fast" },
  );
  if (cancelAfter === undefined) return dry.run();
  dry.run(cancelAfter);
  dry.halt = "cancel";
  return dry.run();
}

test.each([
  ["to its end", undefined],
  ["cancelled at once", 0],
  ["cancelled on the way", 3],
] as const)("a run %s ends as it would without them, and they have run", (_, cancelAfter) => {
  const ends = new Set<string>();
  for (let seed = 1; seed <= 60; seed++) {
    const plain: Plan = { ...generatePlan(seed, SHAPE), rollback: "none" };
    const plan = withAlways(plain, seed);
    const with_ = lived(plan, seed, cancelAfter);
    const without = lived(plain, seed, cancelAfter);
    expect([seed, with_.isOver]).toEqual([seed, true]);
    // What went on after the cancel may have ended otherwise.
    if (!(cancelAfter !== undefined && without.events.at(-1)?.type !== "run.cancelled"))
      expect([seed, with_.events.at(-1)?.type]).toEqual([seed, without.events.at(-1)?.type]);
    ends.add(with_.events.at(-1)?.type ?? "");
    const ran = plan.steps.filter(({ always }) => always === true).map(({ id }) => [id, with_.phases[id]]);
    expect([seed, ran]).toEqual([seed, ran.map(([id]) => [id, "succeeded"])]);
  }
  expect(ends.size).toBeGreaterThan(1 - Number(cancelAfter === 0));
});

/** The plan, and every plan inside, with a step that is always to run; every second plan step of its own holds a lock. */
function withAlwaysInside(plan: Plan, seed: number, depth = 0): Plan {
  const steps = plan.steps.map((one, at): Step => {
    const { action, locks: _locks, resources: _resources, ...rest } = one;
    if (action.kind !== "plan" || action.plan === undefined) return { ...rest, action };
    const inner = withAlwaysInside(action.plan, seed + at, depth + 1);
    const isHolder = depth === 0 && (seed + at) % 2 === 0 && one.forEach === undefined;
    return { ...rest, action: { ...action, plan: inner }, ...(isHolder && { locks: { write: ["x"] } }) };
  });
  const before = plan.steps[seed % plan.steps.length]?.id ?? "";
  const always: Step = { id: "always-", action: { kind: "run", command: "true" }, after: [before], always: true };
  return { ...plan, rollback: "none", steps: [...steps, always] };
}

test.each(["cancel", undefined] as const)("taken up by another engine at any point, they run (%s)", (halt) => {
  const shape: PlanShape = { ...USUAL_SHAPE, interrupts: 0, approvals: 0, undos: 0, stops: 0.5, containers: 0.6 };
  let inside = 0;
  for (let seed = 1; seed <= 40; seed++) {
    const script = generatedScript(seed, shape);
    const plan = withAlwaysInside(generatePlan(seed, shape), seed);
    const { events } = DryRun.start(plan, script, { seed, schedule: seed % 3 === 0 ? "layers" : "ready" }).run();
    for (let cut = 2 + (seed % 5); cut < events.length; cut += 1 + Math.ceil(events.length / 4)) {
      const again = DryRun.resume(events.slice(0, cut), script, { seed });
      again.halt = halt;
      again.run();
      expect([seed, cut, again.isOver]).toEqual([seed, cut, true]);
      again.state.steps.forEach(({ id, always }, at) => {
        if (always !== true) return;
        inside += Number(again.state.parents[at] !== -1);
        expect([seed, cut, id, again.phases[id]]).toEqual([seed, cut, id, expect.stringMatching(/succeeded|failed/)]);
      });
    }
  }
  expect(inside).toBeGreaterThan(100);
});

test.each(["ask", "fail", "rerun"] as const)(
  "cut short after a failure (onInterrupt: %s), they keep no cancel waiting",
  (onInterrupt) => {
    const steps = [step("bad"), step("clean", { deps: ["bad"], always: true, onInterrupt })];
    const first = DryRun.start(planOf(steps), failing(["bad"])).run(1);
    expect(first.phases).toEqual({ bad: "failed", clean: "running" });
    const second = DryRun.resume(first.events, { answer: () => "approve" });
    second.halt = "cancel";
    second.run();
    expect(second.state.phase.tag).toBe("cancelled");
    expect(second.phases).toEqual({ bad: "cancelled", clean: onInterrupt === "fail" ? "failed" : "succeeded" });
  },
);

test("what begins late in a run that was cancelled has its time too", () => {
  const always = { always: true };
  const each = step("each", { deps: ["slow"], forEach: { items: [1, 2] }, ...always });
  const inner = planOf([step("a"), step("b", { deps: ["a"] })]);
  const sub = step("sub", { deps: ["slow"], action: { kind: "plan", plan: inner }, ...always });
  const asks = step("asks", { deps: ["slow"], action: { kind: "approve", question: "?" }, ...always });
  const hour = 3_600_000;
  const slow = step("slow", { timeoutMs: 2 * hour, ...always });
  const dry = DryRun.start(planOf([step("work"), slow, each, sub, asks]), lasting({ slow: hour }));
  dry.halt = "cancel";
  dry.run();
  expect(dry.phases).toMatchObject({ slow: "succeeded", each: "succeeded", sub: "succeeded", asks: "cancelled" });
  expect(timeOf(dry, "step.cancelled", "asks")).toBe(hour + SHELTER_MS);
  expect(dry.state.phase.tag).toBe("cancelled");
});

test.each([
  ["longer than that", 3_600_000, SHELTER_MS],
  ["less", 1000, 1000],
])(
  "a next attempt that is due in %s is waited for no longer than its time in a cancelled run",
  (_, delayMs, waited) => {
    const again = { retry: retry(2, { delayMs, maxDelayMs: delayMs }), always: true };
    const inner = planOf([step("bad", again), step("long")]);
    const sub = step("sub", { action: { kind: "plan", plan: inner } });
    const plan = planOf([step("clean", again), sub, step("work")]);
    const script: Script = {
      attempt: ({ id }, attempt) =>
        id.endsWith("work") || id.endsWith("long")
          ? { durationMs: 20_000_000 }
          : { durationMs: 0, ...(attempt === 1 && { error: EXIT }) },
    };
    const dry = DryRun.start(plan, script).run(1);
    expect(dry.phases).toMatchObject({ clean: "retrying", "sub/bad": "retrying", work: "running" });
    const cancelled = dry.state.lastTime;
    dry.halt = "cancel";
    dry.run();
    expect(dry.state.phase.tag).toBe("cancelled");
    expect(dry.phases).toMatchObject({ clean: "succeeded", "sub/bad": "succeeded", work: "cancelled" });
    for (const id of ["clean", "sub/bad"]) expect(timeOf(dry, "step.started", id) - cancelled).toBe(waited);
  },
);

test("the next attempt of one that wants what an open plan holds ends that in a cancelled run", () => {
  const cpu = { resources: { cpu: 1 } };
  const clean = step("clean", { always: true, retry: retry(2, { delayMs: 5 }), ...cpu });
  const inner = planOf([step("a"), step("b", { deps: ["a"] })]);
  const holder = step("p", { action: { kind: "plan", plan: inner }, deps: ["clock"], ...cpu });
  const dry = DryRun.start(planOf([clean, step("clock"), holder], cpu), {
    attempt: ({ id }, attempt) => ({ durationMs: 10, ...(id === "clean" && attempt === 1 && { error: EXIT }) }),
  }).run(1);
  expect(dry.phases).toMatchObject({ clean: "retrying", "p/a": "running" });
  dry.halt = "cancel";
  dry.run();
  expect(dry.phases).toEqual({
    clean: "succeeded",
    clock: "succeeded",
    p: "cancelled",
    "p/a": "cancelled",
    "p/b": "waiting",
  });
  expect(dry.state.phase.tag).toBe("cancelled");
});
