import { describe, expect, test } from "vitest";
import { causes, failing, lasting, planOf, run, step, steps, timeOf } from "./dry.ts";

describe("order", () => {
  test("a diamond: both sides start when the top has ended, the bottom when both have", () => {
    const dry = run(
      steps({ top: [], left: ["top"], right: ["top"], bottom: ["left", "right"] }),
      lasting({ top: 5, left: 10, right: 30, bottom: 1 }),
    );
    expect(dry.started).toEqual(["top", "left", "right", "bottom"]);
    expect([timeOf(dry, "step.started", "right"), timeOf(dry, "step.started", "bottom"), dry.makespan]).toEqual([
      5, 35, 36,
    ]);
    expect(dry.state.phase.tag).toBe("succeeded");
  });

  test("there is no barrier: a step starts although others of an earlier layer still run", () => {
    const dry = run(steps({ slow: [], quick: [], next: ["quick"] }), lasting({ slow: 100, quick: 10, next: 10 }));
    expect(timeOf(dry, "step.started", "next")).toBe(10);
  });

  test("schedule: layers keeps the barrier, with the same outcome", () => {
    const plan = planOf(steps({ slow: [], quick: [], next: ["quick"], last: ["next"] }));
    const dry = run(plan, lasting({ slow: 100, quick: 10 }), { schedule: "layers" });
    expect(timeOf(dry, "step.started", "next")).toBe(100);
    expect(dry.phases).toEqual(run(plan, lasting({ slow: 100, quick: 10 })).phases);
  });

  test("layers: skipped, failed and condition-skipped steps end their layer too", () => {
    const plan = planOf(
      [
        step("a"),
        step("b", { if: "false" }),
        step("c", { deps: ["a"] }),
        step("d", { deps: ["c"] }),
        step("e", { after: ["c", "b"] }),
      ],
      { failure: "continue" },
    );
    const dry = run(plan, { ...failing(["a"]), holds: () => false }, { schedule: "layers" });
    expect(dry.phases).toEqual({ a: "failed", b: "skipped", c: "skipped", d: "skipped", e: "succeeded" });
    expect(causes(dry)).toEqual({ c: "a", d: "a" });
  });

  test("after is order only: a failed or skipped one does not stop the step", () => {
    const plan = planOf([step("a"), step("b", { deps: ["a"] }), step("c", { after: ["a", "b"] })], {
      failure: "continue",
    });
    const dry = run(plan, failing(["a"]));
    expect(dry.phases).toEqual({ a: "failed", b: "skipped", c: "succeeded" });
    expect(dry.started).toEqual(["a", "c"]);
  });

  test("an edge written twice, hard and soft, counts once", () => {
    const dry = run([step("a"), step("b", { deps: ["a", "a"], after: ["a"] })]);
    expect(dry.phases).toEqual({ a: "succeeded", b: "succeeded" });
  });

  test("fan-out and fan-in of 500 with a limit of 7 slots", () => {
    const middle = Array.from({ length: 500 }, (_, at) => step(`m${at}`, { deps: ["in"] }));
    const dry = run([step("in"), ...middle, step("out", { deps: middle.map(({ id }) => id) })], lasting({}), {
      maxConcurrency: 7,
    });
    expect(dry.state.index.counts.succeeded).toBe(502);
    expect(dry.makespan).toBe(10 * (1 + Math.ceil(500 / 7) + 1));
  });

  test("the longest remaining path goes first, then the place in the plan", () => {
    const dry = run(
      [
        step("short1"),
        step("short2"),
        step("head"),
        step("tail", { deps: ["head"], estimateMs: 100 }),
        step("urgent", { priority: 1 }),
      ],
      {},
      { maxConcurrency: 1 },
    );
    expect(dry.started).toEqual(["urgent", "head", "tail", "short1", "short2"]);
  });

  test("sequential goes by layer and place, whatever the weights", () => {
    const plan = planOf([
      step("z", { deps: ["b"], estimateMs: 900 }),
      step("a"),
      step("b", { priority: 5 }),
      step("c", { deps: ["a"] }),
    ]);
    expect(run(plan, {}, { sequential: true, maxConcurrency: 1 }).started).toEqual(["a", "b", "z", "c"]);
  });

  test("a chain of 20,000 steps needs no recursion", () => {
    const chain = Array.from({ length: 20_000 }, (_, at) => step(`s${at}`, at === 0 ? {} : { deps: [`s${at - 1}`] }));
    expect(run(chain, {}, { maxConcurrency: 4 }).state.index.counts.succeeded).toBe(20_000);
    const broken = run(planOf(chain, { failure: "continue" }), failing(["s0"], { s0: 0 }));
    expect(broken.state.index.counts.skipped).toBe(19_999);
    expect(causes(broken)["s19999"]).toBe("s0");
    const halted = run(chain, failing(["s0"], { s0: 0 }), { schedule: "layers" });
    expect(halted.state.index.counts.skipped).toBe(19_999);
  });
});

describe("conditions", () => {
  const plan = planOf(
    [
      step("a", { if: "x" }),
      step("b", { deps: ["a"] }),
      step("c", { deps: ["a"], reads: ["a"] }),
      step("d", { deps: ["c"] }),
    ],
    { failure: "continue" },
  );

  test("a false one skips the step; dependents run unless they need its output", () => {
    const dry = run(plan, { holds: () => false });
    expect(dry.phases).toEqual({ a: "skipped", b: "succeeded", c: "skipped", d: "skipped" });
    expect(causes(dry)).toEqual({ c: "a", d: "a" });
    expect(dry.state.phase.tag).toBe("succeeded");
  });

  test("one that holds is asked once", () => {
    let asked = 0;
    const dry = run(plan, {
      holds: () => {
        asked++;
        return true;
      },
    });
    expect(asked).toBe(1);
    expect(dry.state.index.counts.succeeded).toBe(4);
  });
});
