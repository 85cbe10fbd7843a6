/** Steps that are `always` to run, in generated plans: they end in every run, and change nothing of how it ends. */
import { expect, test } from "vitest";
import type { Plan, Step } from "../../src/plan/plan.ts";
import { seededRandom } from "../../src/base/random.ts";
import { DryRun } from "../support/dry-run.ts";
import { generatePlan, pick, whole, type PlanShape, USUAL_SHAPE } from "../support/plans.ts";
import { generatedScript } from "./dry.ts";

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
