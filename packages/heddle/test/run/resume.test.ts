import { describe, expect, test } from "vitest";
import { fold } from "../../src/run/apply.ts";
import type { Event } from "../../src/run/event.ts";
import { hasAgentWork } from "../../src/run/state.ts";
import { DryRun } from "../support/dry-run.ts";
import { generatePlan, USUAL_SHAPE } from "../support/plans.ts";
import { EXIT, failing, generatedScript, planOf, run, step, steps } from "./dry.ts";

const upTo = (dry: DryRun, type: string, id: string): readonly Event[] =>
  dry.events.slice(0, dry.events.findIndex((event) => event.type === type && "step" in event && event.step === id) + 1);
const since = (second: DryRun, before: readonly Event[]): readonly string[] =>
  second.events.slice(before.length).flatMap((event) => (event.type === "step.started" ? [event.step] : []));

describe("resume", () => {
  test("a step found started without an end is interrupted and runs again", () => {
    const before = upTo(run(steps({ a: [], b: ["a"], c: ["b"] })), "step.started", "b");
    const second = DryRun.resume(before).run();
    expect(second.events[before.length]).toMatchObject({ type: "run.resumed", data: { interrupted: ["b"] } });
    expect(since(second, before)).toEqual(["b", "c"]);
  });

  test("onInterrupt: fail ends it, ask waits for a person", () => {
    for (const [onInterrupt, decision, expected] of [
      ["fail", "approve", { a: "failed", b: "skipped" }],
      ["ask", "approve", { a: "succeeded", b: "succeeded" }],
      ["ask", "reject", { a: "failed", b: "skipped" }],
    ] as const) {
      const before = upTo(
        run(planOf([step("a", { onInterrupt }), step("b", { deps: ["a"] })], { failure: "continue" })),
        "step.started",
        "a",
      );
      expect(DryRun.resume(before, { answer: () => decision }).run().phases).toEqual(expected);
    }
  });

  test("what is reset runs again with its dependents' results kept unless they are reset too", () => {
    const whole = run(steps({ a: [], b: ["a"], c: [] }));
    const second = DryRun.resume(whole.events, {}, { reset: ["a", "b"] }).run();
    expect(since(second, whole.events)).toEqual(["a", "b"]);
  });

  test("a run whose agent's step is reset has had agents, whether it starts again or not", () => {
    const agent = step("a", { action: { kind: "agent", prompt: "do a" } });
    const whole = run([agent]);
    const resumed = { type: "run.resumed", data: { engine: "e", interrupted: [], reset: ["a"] } } as const;
    const last = whole.events.at(-1) as Event;
    const state = fold([...whole.events, { ...last, ...resumed, seq: last.seq + 1 }]);
    expect([state !== undefined && hasAgentWork(state), state?.agentRecords]).toEqual([true, new Map([["a", {}]])]);
  });

  test("an agent's step that was asked about since its engine died still has no end of its attempt", () => {
    const agent = step("a", { action: { kind: "agent", prompt: "do a" }, onInterrupt: "ask" });
    const before = upTo(run([agent]), "step.started", "a");
    const asked = upTo(DryRun.resume(before, { answer: () => "approve" }).run(), "approval.given", "a");
    expect(fold(asked)?.agentRecords.get("a")).toEqual({ open: 1, openSince: 1 });
  });

  test("a changed plan: results stay with their steps, new ones run, removed ones are gone", () => {
    const whole = run(steps({ a: [], b: ["a"], gone: [], c: ["b"] }), failing(["c"]));
    const plan = planOf(steps({ c: ["b", "fresh"], b: ["a"], fresh: ["a"], a: [] }));
    const second = DryRun.resume(whole.events, {}, { plan }).run();
    expect(since(second, whole.events)).toEqual(["fresh", "c"]);
    expect(second.phases).toEqual({ a: "succeeded", b: "succeeded", c: "succeeded", fresh: "succeeded" });
  });

  test("a changed plan takes with it what a removed step had added, and keeps what the others had", () => {
    const plan = planOf(steps({ a: [], b: [] }), { failure: "continue" });
    const adds = (id: string) => ({ adds: [step(`${id}2`, { deps: [`${id}1`] }), step(`${id}1`)] });
    const script = {
      attempt: ({ id }: { readonly id: string }) => ({
        durationMs: 1,
        ...(id.length === 1 && adds(id)),
        ...(id === "b1" && { error: EXIT }),
      }),
    };
    const whole = run(plan, script);
    const second = DryRun.resume(
      whole.events,
      {},
      { plan: planOf(steps({ b: [], top: [], z: ["top"] })), schedule: "layers" },
    ).run();
    expect(second.phases).toEqual({
      b: "succeeded",
      top: "succeeded",
      z: "succeeded",
      b2: "succeeded",
      b1: "succeeded",
    });
    expect(since(second, whole.events).toSorted()).toEqual(["b1", "b2", "top", "z"]);
  });

  test("an expanded container goes on with its children, an interrupted expansion begins anew", () => {
    const body = step("f", { forEach: { items: [1, 2, 3] } });
    const whole = run([body, step("end", { deps: ["f"] })], {}, { maxConcurrency: 1 });
    const expanded = upTo(whole, "step.succeeded", "f[0]");
    expect(since(DryRun.resume(expanded).run(), expanded)).toEqual(["f[1]", "f[2]", "end"]);
    const expanding = upTo(whole, "step.started", "f");
    expect(since(DryRun.resume(expanding).run(), expanding)).toEqual(["f", "f[0]", "f[1]", "f[2]", "end"]);
    expect(since(DryRun.resume(whole.events, {}, { reset: ["f", "end"] }).run(), whole.events)).toEqual([
      "f",
      "f[0]",
      "f[1]",
      "f[2]",
      "end",
    ]);
  });

  test("a step skipped for a failure runs when the failure is mended, one skipped by its condition stays so", () => {
    const plan = planOf([step("a"), step("b", { deps: ["a"] }), step("c", { if: "false" })], { failure: "continue" });
    const whole = run(plan, { ...failing(["a"]), holds: () => false });
    expect(DryRun.resume(whole.events, { holds: () => true }).run().phases).toEqual({
      a: "succeeded",
      b: "succeeded",
      c: "skipped",
    });
  });

  test("a generated history, cut anywhere, folds to a state that ends; recorded successes do not run again", () => {
    for (let seed = 500; seed < 560; seed++) {
      const script = generatedScript(seed, USUAL_SHAPE);
      const whole = DryRun.start({ ...generatePlan(seed), rollback: "none" }, script, { seed }).run();
      for (let cut = 2; cut <= whole.events.length; cut += 1 + Math.floor(whole.events.length / 12)) {
        const last = whole.events[cut - 1];
        if (last?.type === "steps.added" && last.data.kind === "siblings") continue;
        const before = whole.events.slice(0, cut);
        const succeeded = new Set(before.flatMap((event) => (event.type === "step.succeeded" ? [event.step] : [])));
        const second = DryRun.resume(before, script, { seed }).run();
        expect([seed, cut, second.isOver]).toEqual([seed, cut, true]);
        expect(since(second, before).filter((id) => succeeded.has(id))).toEqual([]);
        expect(fold(second.events)?.phase).toEqual(second.state.phase);
      }
    }
  });
});

describe("rollback", () => {
  const undone = (dry: DryRun): readonly string[] =>
    dry.events.flatMap((event) => (event.type === "step.rolledback" ? [event.step] : []));
  const plan = (rollback: "none" | "dependents" | "all") =>
    planOf(
      [
        step("a", { undo: "true" }),
        step("plain"),
        step("b", { undo: "true", deps: ["a"] }),
        step("other", { undo: "true" }),
        step("bad", { deps: ["b"] }),
      ],
      { rollback, failure: "continue" },
    );

  test("undoes succeeded steps, newest success first, and the run ends after it", () => {
    const dry = run(plan("all"), failing(["bad"], { other: 15 }));
    expect(undone(dry)).toEqual(["b", "other", "a"]);
    expect(dry.events.at(-1)?.type).toBe("run.failed");
    expect(undone(run(plan("none"), failing(["bad"])))).toEqual([]);
  });

  test("dependents: only what the failure depends on", () => {
    expect(undone(run(plan("dependents"), failing(["bad"])))).toEqual(["b", "a"]);
  });

  test("an undo that fails does not stop the others; what was undone runs again on resume", () => {
    const first = run(plan("all"), { ...failing(["bad"]), undo: ({ id }) => id !== "b" });
    expect(undone(first)).toEqual(["other", "a"]);
    expect(first.events.find((event) => event.type === "rollback.ended")).toMatchObject({
      data: { undone: 2, failed: 1 },
    });
    const second = DryRun.resume(first.events).run();
    expect(since(second, first.events)).toEqual(["a", "other", "bad"]);
    expect(second.state.phase.tag).toBe("succeeded");
  });
});
