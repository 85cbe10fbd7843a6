/** Signals in the reducer: who takes which, and when none is taken. */
import { expect, test } from "vitest";
import type { Step } from "../../src/plan/plan.ts";
import type { Input } from "../../src/run/input-events.ts";
import { DryRun } from "../support/dry-run.ts";
import { planOf } from "./dry.ts";

const listener = (id: string, more: Partial<Step> = {}): Step => ({
  id,
  action: { kind: "signal", name: "go", onTimeout: "continue" },
  ...more,
});
const sent = (value: number, id?: string): Input => ({
  kind: "signal",
  signal: "go",
  value,
  by: "ada",
  ...(id !== undefined && { id }),
});

/** A run whose signals the test sends. */
function waiting(steps: readonly Step[]): DryRun {
  return DryRun.start(planOf(steps), { sends: () => false }).run(0);
}

const outputs = ({ state }: DryRun): readonly unknown[] =>
  state.phases.map((phase) => (phase.tag === "succeeded" ? phase.output : phase.tag));

test("a signal that comes when the time of a step is over is kept for the next one", () => {
  const dry = waiting([listener("early", { timeoutMs: 100 }), listener("late", { after: ["early"] })]);
  dry.now = 100;
  dry.give(sent(1));
  expect(outputs(dry.run())).toEqual([null, 1]);
});

test("one that came in time is taken, whatever is over since", () => {
  const dry = waiting([listener("early", { timeoutMs: 100 })]);
  dry.now = 99;
  dry.give(sent(1));
  expect(outputs(dry.run())).toEqual([1]);
});

test("a request that is delivered twice counts once", () => {
  const dry = waiting([listener("a"), listener("b", { deps: ["a"] })]);
  dry.give(sent(1, "r1"));
  dry.give(sent(1, "r1"));
  expect(outputs(dry.run())).toEqual([1, "waiting-for-signal"]);
  dry.give(sent(2, "r2"));
  expect(outputs(dry.run())).toEqual([1, 2]);
});

test("what was sent before anybody waited is taken in its order", () => {
  const dry = waiting([
    { id: "nap", action: { kind: "sleep", time: "1s" } },
    listener("a", { deps: ["nap"] }),
    listener("b", { deps: ["a"] }),
  ]);
  dry.give(sent(1));
  dry.give(sent(2));
  expect(outputs(dry.run())).toEqual([null, 1, 2]);
});
