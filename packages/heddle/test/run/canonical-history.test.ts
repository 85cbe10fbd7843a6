import { describe, expect, test } from "vitest";
import { canonicalHistory, canonicalText } from "../../src/run/canonical-history.ts";
import { DryRun } from "../support/dry-run.ts";
import { generatePlan, USUAL_SHAPE } from "../support/plans.ts";
import { EXIT, failing, generatedScript, planOf, retry, run, step, steps } from "./dry.ts";

describe("canonical history", () => {
  test("is ordered by layer, place, attempt and kind, numbered from 1, without times", () => {
    const plan = planOf([step("late", { deps: ["b"] }), step("b", { retry: retry(2) }), step("a")]);
    const dry = run(plan, {
      attempt: ({ id }, attempt) => ({
        durationMs: id === "b" ? 50 : 1,
        ...(id === "b" && attempt === 1 && { error: EXIT }),
      }),
    });
    const events = canonicalHistory(dry.events);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, at) => at + 1));
    expect(events.map(({ type, step: id = "", attempt = "" }) => `${type} ${id} ${attempt}`.trim())).toEqual([
      "run.created",
      "run.started",
      "step.started b 1",
      "step.failed b 1",
      "step.started b 2",
      "step.succeeded b 2",
      "step.started a 1",
      "step.succeeded a 1",
      "step.started late 1",
      "step.succeeded late 1",
      "run.succeeded",
    ]);
    expect(canonicalText(dry.events)).not.toMatch(/durationMs|retryAt|"time"|"run":|maxConcurrency/);
  });

  test("is the same over concurrency 1 to 16, both schedules and every order of ends (R4)", () => {
    for (let seed = 1; seed <= 60; seed++) {
      // What ends by its time limit depends on timing.
      const shape = { ...USUAL_SHAPE, timeouts: 0 };
      const plan = { ...generatePlan(seed, shape), failure: "continue" as const };
      const texts = new Set<string>();
      for (let maxConcurrency = 1; maxConcurrency <= 16; maxConcurrency += 3) {
        for (const schedule of ["ready", "layers"] as const) {
          texts.add(
            canonicalText(
              DryRun.start(plan, generatedScript(seed, shape), {
                seed: seed + maxConcurrency,
                maxConcurrency,
                schedule,
              }).run().events,
            ),
          );
        }
      }
      expect([seed, texts.size]).toEqual([seed, 1]);
    }
  });

  test("differs where an outcome differs", () => {
    const plan = planOf(steps({ a: [], b: ["a"] }), { failure: "continue" });
    expect(canonicalText(run(plan).events)).not.toBe(canonicalText(run(plan, failing(["b"])).events));
    expect(canonicalText(run(plan).events)).toBe(
      canonicalText(run(plan, { attempt: () => ({ durationMs: 99 }) }).events),
    );
  });

  test("the order in which steps succeeded does not show in their rollback", () => {
    const plan = planOf([step("a", { undo: "true" }), step("b", { undo: "true" }), step("bad", { deps: ["a", "b"] })], {
      rollback: "all",
    });
    const texts = [failing(["bad"], { a: 1, b: 9 }), failing(["bad"], { a: 9, b: 1 })].map((script) =>
      canonicalText(run(plan, script).events),
    );
    expect(texts[0]).toBe(texts[1]);
  });
});
