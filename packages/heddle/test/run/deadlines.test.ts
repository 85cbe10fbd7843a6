/** Deadlines: each for its own question, whatever the step asks next; what comes as the time of a plan is over is too late for it. */
import { expect, test } from "vitest";
import { ok } from "../../src/base/result.ts";
import { apply, createState } from "../../src/run/apply.ts";
import { nextDue } from "../../src/run/decide.ts";
import type { Event, EventBody } from "../../src/run/event.ts";
import { advance } from "../../src/run/transition.ts";
import { DryRun } from "../support/dry-run.ts";
import { planOf, step } from "./dry.ts";

test("a question without a deadline is not answered by that of the one before it", () => {
  let seq = 1;
  const envelope = (): { readonly run: string; readonly seq: number; readonly time: number } => ({
    run: "r",
    seq: seq++,
    time: 0,
  });
  const created = createState({
    ...envelope(),
    type: "run.created",
    data: {
      plan: { name: "p", steps: [{ id: "a", action: { kind: "agent", prompt: "do" } }] },
      options: { maxConcurrency: 1, maxAgents: 1, schedule: "ready", failure: "fail-fast", rollback: "none" },
      engine: "test",
    },
  });
  if (!created.ok) throw new Error("no graph");
  const state = created.value;
  const record = (event: EventBody): void => apply(state, { ...event, ...envelope() });
  const answersAt = (now: number): readonly Event[] =>
    advance(state, [], {
      now,
      load: undefined,
      locks: new Set(),
      random: () => 0,
      expressions: { holds: () => ok(true), text: () => ok("") },
      outputProblem: () => undefined,
      environment: {},
    }).events.filter(({ type }) => type === "approval.given");
  const a = { step: "a", attempt: 1 };
  record({ type: "run.started", data: {} });
  record({ type: "step.started", ...a, data: {} });
  record({ type: "approval.requested", ...a, data: { about: "permission", question: "may it?", deadline: 500 } });
  record({ type: "approval.given", ...a, data: { decision: "approve", by: "ada" } });
  record({ type: "approval.requested", ...a, data: { about: "question", question: "which?" } });
  expect(answersAt(500)).toEqual([]);
  record({ type: "approval.given", ...a, data: { decision: "approve", by: "ada", comment: "this" } });
  record({ type: "step.started", ...a, attempt: 2, data: {} });
  record({
    type: "approval.requested",
    ...a,
    attempt: 2,
    data: { about: "permission", question: "may it?", deadline: 900 },
  });
  expect(nextDue(state)).toBe(900);
  expect(answersAt(899)).toEqual([]);
  expect(answersAt(900).map(({ data }) => data)).toEqual([
    { decision: "reject", by: "timeout", comment: "nobody answered in time" },
  ]);
});

test.each([
  ["14 ms", 14, false, { p: "succeeded", "p/s": "succeeded" }],
  ["15 ms", 15, false, { p: "failed", "p/s": "cancelled" }],
  ["15 ms, to a step that is always to run", 15, true, { p: "failed", "p/s": "succeeded" }],
] as const)("a signal into a plan with a timeout of 15 ms, after %s", (_, at, always, phases) => {
  const waits = step("s", { action: { kind: "signal", name: "go" }, ...(always && { always }) });
  const plan = step("p", { action: { kind: "plan", plan: planOf([waits], { timeoutMs: 15 }) } });
  const dry = DryRun.start(planOf([plan]), { sends: () => false }).run(0);
  dry.now = at;
  dry.give({ kind: "signal", signal: "go", value: 1, by: "ada" });
  dry.run();
  expect(dry.phases).toEqual(phases);
});
