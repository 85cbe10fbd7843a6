/** P6: a clock that was set while no engine worked makes no wait longer than it was meant to be. */
import { expect, test } from "vitest";
import { present } from "../../src/base/assert.ts";
import { fold } from "../../src/run/apply.ts";
import { nextDue } from "../../src/run/decide.ts";
import type { Event, EventBody } from "../../src/run/event.ts";
import { phaseOf, type RunState } from "../../src/run/state.ts";
import { planOf, retry, step } from "./dry.ts";

const THEN = Date.UTC(2026, 10, 21);
const BACK = Date.UTC(1970, 0, 2);
const OPTIONS = { maxConcurrency: 1, maxAgents: 1, schedule: "ready", failure: "fail-fast", rollback: "none" } as const;

function folded(bodies: readonly (EventBody & { readonly time: number })[]): RunState {
  return present(
    fold(bodies.map((body, index) => ({ run: "r", seq: index + 1, ...body }) as Event)),
    "the run's beginning",
  );
}

const plan = planOf([
  step("a", { retry: retry(3, { delayMs: 2000 }) }),
  step("q", { action: { kind: "approve", question: "?" }, timeoutMs: 60_000 }),
]);
const past = [
  { time: THEN, type: "run.created", data: { plan, options: OPTIONS, engine: "0" } },
  { time: THEN, type: "run.started", data: {} },
  { time: THEN, type: "step.started", step: "a", attempt: 1, data: {} },
  {
    time: THEN,
    type: "approval.requested",
    step: "q",
    attempt: 1,
    data: { about: "step", question: "?", deadline: THEN + 60_000 },
  },
  {
    time: THEN,
    type: "step.failed",
    step: "a",
    attempt: 1,
    data: {
      error: { code: "exit", message: "1" },
      durationMs: 1,
      willRetry: true,
      retryAt: THEN + 2000,
      retryDelayMs: 2000,
    },
  },
] as const;

function resumedAt(time: number): RunState {
  return folded([...past, { time, type: "run.resumed", data: { engine: "0", interrupted: [], reset: [] } }] as never);
}

test("set back by decades: the whole wait is left, not the decades", () => {
  const state = resumedAt(BACK);
  expect(nextDue(state)).toBe(BACK + 2000);
  expect(phaseOf(state, 1)).toMatchObject({ tag: "waiting-for-answer", deadline: BACK + 60_000 });
});

test("as it was: what is left of the wait; set forward: nothing is left", () => {
  expect(nextDue(resumedAt(THEN + 500))).toBe(THEN + 2000);
  expect(nextDue(resumedAt(THEN + 3e11))).toBe(THEN + 2000);
  expect(phaseOf(resumedAt(THEN + 500), 1)).toMatchObject({ deadline: THEN + 60_000 });
});
