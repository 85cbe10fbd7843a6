/** The concurrency of a run that is under way is changed: what starts from then on, and in which order. */
import { describe, expect, test } from "vitest";
import { checkHistory } from "../../src/run/check/history-checker.ts";
import { fold } from "../../src/run/apply.ts";
import type { Step } from "../../src/plan/plan.ts";
import { DryRun, type DryOptions } from "../support/dry-run.ts";
import { lasting, planOf, step, timeOf } from "./dry.ts";

const FOUR = ["a", "b", "c", "d"];

function begun(steps: readonly Step[], options: DryOptions): DryRun {
  const durations = Object.fromEntries(steps.map(({ id }) => [id, 100]));
  return DryRun.start(planOf(steps), lasting(durations), options).run(0);
}

function set(dry: DryRun, maxConcurrency: number): DryRun {
  dry.give({ kind: "set-concurrency", maxConcurrency, by: "ada" });
  return dry.run(0);
}

describe("a run under way", () => {
  test("starts ready steps at once where more may run", () => {
    const dry = begun(
      FOUR.map((id) => step(id)),
      { maxConcurrency: 1 },
    );
    expect(dry.started).toEqual(["a"]);
    set(dry, 3);
    expect(dry.started).toEqual(["a", "b", "c"]);
    expect(dry.now).toBe(0);
    expect(dry.state.options.maxConcurrency).toBe(3);
  });

  test("ends nothing where fewer may run, and starts nothing until fewer do", () => {
    const steps = [...FOUR, "e"].map((id) => step(id));
    const durations = { a: 100, b: 200, c: 300, d: 400, e: 10 };
    const dry = DryRun.start(planOf(steps), lasting(durations), { maxConcurrency: 4 }).run(0);
    set(dry, 2).run();
    expect(dry.phases).toEqual({ a: "succeeded", b: "succeeded", c: "succeeded", d: "succeeded", e: "succeeded" });
    // Two still ran at 200, one at 300.
    expect(timeOf(dry, "step.started", "e")).toBe(300);
  });

  test("that began with one step at a time starts the others by their priority, as any other does", () => {
    const steps = [step("a"), step("b"), step("c"), step("d", { priority: 5 })];
    const dry = begun(steps, { maxConcurrency: 1, sequential: true });
    set(dry, 2);
    expect(dry.started).toEqual(["a", "d"]);
  });

  test("records nothing where it has as many already, or has ended", () => {
    const dry = begun([step("a")], { maxConcurrency: 2 });
    set(dry, 2).run();
    set(dry, 3);
    expect(dry.events.map(({ type }) => type)).not.toContain("run.options");
  });

  test("keeps what was set last, over its end too", () => {
    const dry = begun(
      FOUR.map((id) => step(id)),
      { maxConcurrency: 1 },
    );
    set(dry, 2);
    const { events } = set(dry, 3);
    expect(fold(events)?.options.maxConcurrency).toBe(3);
    expect(DryRun.resume(events, lasting({})).run().state.options.maxConcurrency).toBe(3);
  });
});

test("the checker of histories holds a start against what was set last", () => {
  const dry = set(
    begun(
      FOUR.map((id) => step(id)),
      { maxConcurrency: 1 },
    ),
    2,
  );
  expect(checkHistory(dry.events)).toEqual([]);
  const unset = dry.events.filter(({ type }) => type !== "run.options").map((event, at) => ({ ...event, seq: at + 1 }));
  expect(checkHistory(unset)).toMatchObject([{ rule: "concurrency" }]);
});
