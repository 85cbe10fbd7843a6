/** Deadlines of questions: each for its own question, whatever the step asks next. */
import { expect, test } from "vitest";
import type { Answer } from "../../src/run/control.ts";
import { Timers, Deadlines } from "../../src/engine/timers.ts";
import { apply, createState } from "../../src/run/apply.ts";
import type { EventBody } from "../../src/run/event.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

test("a question without a deadline is not answered by that of the one before it", () => {
  const clock = new VirtualClock(0);
  let seq = 1;
  const envelope = (): { readonly run: string; readonly seq: number; readonly time: number } => ({
    run: "r",
    seq: seq++,
    time: clock.now(),
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
  const answers: Answer[] = [];
  const deadlines = new Deadlines({
    state,
    timers: new Timers(clock),
    wakeUp: () => undefined,
    answer: (_step, answer) => answers.push(answer),
    endSubplan: () => undefined,
  });
  const a = { step: "a", attempt: 1 };
  record({ type: "run.started", data: {} });
  record({ type: "step.started", ...a, data: {} });
  record({ type: "approval.requested", ...a, data: { about: "permission", question: "may it?", deadline: 500 } });
  deadlines.arm(clock.now());
  record({ type: "approval.given", ...a, data: { decision: "approve", by: "ada" } });
  record({ type: "approval.requested", ...a, data: { about: "question", question: "which?" } });
  deadlines.arm(clock.now());
  expect(clock.advance()).toBe(true);
  expect(clock.now()).toBe(500);
  expect(answers).toEqual([]);
  record({ type: "approval.given", ...a, data: { decision: "approve", by: "ada", comment: "this" } });
  record({ type: "step.started", ...a, attempt: 2, data: {} });
  record({
    type: "approval.requested",
    ...a,
    attempt: 2,
    data: { about: "permission", question: "may it?", deadline: 900 },
  });
  deadlines.arm(clock.now());
  clock.advance();
  expect(answers).toEqual([{ decision: "reject", by: "timeout", comment: "nobody answered in time" }]);
});
