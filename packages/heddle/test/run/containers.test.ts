import { describe, expect, test } from "vitest";
import type { Step } from "../../src/plan/plan.ts";
import { canonicalText } from "../../src/run/canonical-history.ts";
import { DryRun } from "../support/dry-run.ts";
import { causes, EXIT, failing, lasting, outputOf, planOf, run, step } from "./dry.ts";

const each = (id: string, items: readonly number[], more: Partial<Step> = {}, maxConcurrency?: number): Step =>
  step(id, { forEach: { items, ...(maxConcurrency !== undefined && { maxConcurrency }) }, ...more });
const nested = (id: string, steps: readonly Step[], more: Partial<Step> = {}): Step =>
  step(id, { action: { kind: "plan", plan: planOf(steps) }, ...more });

/** Most attempts of steps whose id begins with `prefix` at one instant. */
function mostAtOnce(dry: DryRun, prefix: string): number {
  let now = 0;
  let most = 0;
  for (const event of dry.events) {
    if (!("step" in event) || !event.step.startsWith(prefix)) continue;
    if (event.type === "step.started") most = Math.max(most, ++now);
    else if (event.type === "step.succeeded" || event.type === "step.failed") now--;
  }
  return most;
}

describe("forEach", () => {
  test("outputs are in item order, whatever ends first; dependents wait for all", () => {
    const dry = run([each("f", [3, 1, 2]), step("end", { deps: ["f"] })], {
      attempt: (_, __, item) => ({ durationMs: Number(item ?? 0), output: item ?? null }),
    });
    expect(outputOf(dry, "f")).toEqual([3, 1, 2]);
    expect(dry.started).toEqual(["f", "f[0]", "f[1]", "f[2]", "end"]);
  });

  test("a limit bounds the items at once, while other steps use the free slots", () => {
    const dry = run([each("f", [1, 2, 3, 4, 5], {}, 2), step("other")], lasting({}), { maxConcurrency: 8 });
    expect(mostAtOnce(dry, "f[")).toBe(2);
    expect(dry.started.slice(0, 4).toSorted()).toEqual(["f", "f[0]", "f[1]", "other"]);
  });

  test("a limit bounds items that are subplans, and a resume that opens several again keeps it", () => {
    const body = nested("f", [step("a"), step("b", { deps: ["a"] })], {
      forEach: { items: [1, 2, 3], maxConcurrency: 1 },
    });
    const script = failing(["f[0]/b", "f[1]/b"]);
    const first = run(planOf([body], { failure: "continue" }), script, { maxConcurrency: 8 });
    expect(first.started.filter((id) => id !== "f")).toEqual([
      "f[0]",
      "f[0]/a",
      "f[0]/b",
      "f[1]",
      "f[1]/a",
      "f[1]/b",
      "f[2]",
      "f[2]/a",
      "f[2]/b",
    ]);
    const second = DryRun.resume(first.events).run();
    expect(second.started.slice(first.started.length)).toEqual(["f[0]/b", "f[1]/b"]);
    expect(second.state.phase.tag).toBe("succeeded");
  });

  test("a limit bounds items that are questions", () => {
    const dry = run([each("f", [1, 2, 3], { action: { kind: "approve", question: "?" } }, 2)]);
    expect(dry.phases).toMatchObject({ "f[0]": "waiting-for-answer", "f[1]": "waiting-for-answer", "f[2]": "waiting" });
    dry.tell({ type: "approval.given", step: "f[0]", attempt: 1, data: { decision: "approve", by: "me" } });
    expect(dry.run().phases).toMatchObject({
      "f[0]": "succeeded",
      "f[1]": "waiting-for-answer",
      "f[2]": "waiting-for-answer",
    });
  });

  test("an empty list succeeds with an empty output", () => {
    const dry = run([each("f", []), step("end", { deps: ["f"] })]);
    expect(outputOf(dry, "f")).toEqual([]);
    expect(dry.state.phase.tag).toBe("succeeded");
  });

  test("a failing item fails the container, which names it; its dependents are skipped for the container", () => {
    const dry = run(
      planOf([each("f", [1, 2, 3]), step("end", { deps: ["f"] })], { failure: "continue" }),
      failing(["f[1]"]),
    );
    expect(dry.phases).toEqual({
      f: "failed",
      "f[0]": "succeeded",
      "f[1]": "failed",
      "f[2]": "succeeded",
      end: "skipped",
    });
    expect(dry.events.findLast((event) => event.type === "step.failed")).toMatchObject({
      step: "f",
      data: { error: { message: "1 of 3 steps failed: f[1]" } },
    });
    expect(causes(dry)).toEqual({ end: "f" });
  });

  test("an optional container may fail: no fail-fast, no failed run", () => {
    const dry = run([each("f", [1, 2], { optional: true }), step("slow")], failing(["f[0]"], { slow: 100 }));
    expect(dry.phases).toMatchObject({ f: "failed", "f[0]": "failed", "f[1]": "succeeded", slow: "succeeded" });
    expect(dry.state.phase.tag).toBe("succeeded");
  });

  test("an item of null is null, not the item of the container around it", () => {
    const inner = each("x", [7], { forEach: { items: [null] } });
    const dry = run([nested("f", [inner], { forEach: { items: [5] } })]);
    const at = dry.state.index.byId.get("f[0]/x[0]") ?? -1;
    expect(dry.state.items.get(at)).toBeNull();
    expect(dry.state.items.get(dry.state.index.byId.get("f[0]/x") ?? -1)).toBe(5);
  });

  test("fail-fast closes containers from the inside out", () => {
    const dry = run(
      [nested("p", [each("f", [1, 2]), step("later", { deps: ["f"] })])],
      failing(["p/f[0]"], { "p/f[1]": 500 }),
    );
    expect(dry.phases).toEqual({
      p: "failed",
      "p/f": "failed",
      "p/f[0]": "failed",
      "p/f[1]": "cancelled",
      "p/later": "skipped",
    });
  });
});

describe("added steps", () => {
  const adding = (adds: readonly Step[]) => ({
    attempt: ({ id }: Step) => ({ durationMs: 5, ...(id === "a" && { adds }) }),
  });

  test("join the run when their adder succeeded, in whatever order they name each other", () => {
    const dry = run([step("a"), step("z")], adding([step("n2", { deps: ["n1", "z"] }), step("n1")]));
    expect(dry.started).toEqual(["a", "z", "n1", "n2"]);
    expect(dry.state.phase.tag).toBe("succeeded");
  });

  test("keep their layers under schedule: layers", () => {
    const dry = run(
      [step("a"), step("b", { deps: ["a"] }), step("slow")],
      adding([step("n2", { deps: ["n1"] }), step("n1")]),
      { schedule: "layers" },
    );
    expect(dry.started).toEqual(["a", "slow", "b", "n1", "n2"]);
  });

  test("are forgotten when their adder is undone, and made anew by the next resume", () => {
    const plan = planOf([step("a", { undo: "true" }), step("bad", { deps: ["a"] })], {
      rollback: "all",
      failure: "continue",
    });
    const first = run(plan, {
      attempt: ({ id }) => ({
        durationMs: 1,
        ...(id === "a" && { adds: [step("n")] }),
        ...(id === "bad" && { error: EXIT }),
      }),
    });
    expect(first.phases).toMatchObject({ a: "waiting", n: "succeeded" });
    const second = DryRun.resume(first.events, adding([step("n")])).run();
    expect(second.state.phase.tag).toBe("succeeded");
    expect(second.started.slice(first.started.length)).toEqual(["a", "bad", "n"]);
  });

  test("of two adders that end in any order give the same canonical history", () => {
    const plan = planOf([step("x"), step("y"), step("end", { deps: ["x", "y"] })], { failure: "continue" });
    const texts = [1, 50].map((durationMs) =>
      canonicalText(
        run(plan, {
          attempt: ({ id }) => ({
            durationMs: id === "x" ? durationMs : 20,
            ...(id === "x" || id === "y" ? { adds: [step(`${id}2`, { deps: [`${id}1`] }), step(`${id}1`)] } : {}),
            ...(id.length > 1 && id !== "end" && { error: EXIT }),
          }),
        }).events,
      ),
    );
    expect(texts[0]).toBe(texts[1]);
  });
});

describe("a step inside a container that was undone", () => {
  test("runs again on resume, and so does the container's end", () => {
    const plan = planOf([each("f", [1, 2], { undo: "true" }), step("bad", { deps: ["f"] })], { rollback: "all" });
    const first = run(plan, failing(["bad"]));
    expect(first.phases).toMatchObject({ f: "succeeded", "f[0]": "waiting", "f[1]": "waiting" });
    const second = DryRun.resume(first.events).run();
    expect(second.started.slice(first.started.length)).toEqual(["f[0]", "f[1]", "bad"]);
    expect(second.state.phase.tag).toBe("succeeded");
  });
});
