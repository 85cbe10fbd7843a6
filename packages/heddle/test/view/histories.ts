/** Histories written by hand: a plan, and what happened, at times that the test names. */
import type { Event, EventBody, RunOptions } from "../../src/run/event.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { HistoryReader } from "../../src/view/history.ts";

export const OPTIONS: RunOptions = {
  maxConcurrency: 2,
  maxAgents: 1,
  schedule: "ready",
  failure: "continue",
  rollback: "none",
};

export type Happening = readonly [time: number, body: EventBody];

export function history(plan: Plan, happenings: readonly Happening[], options: RunOptions = OPTIONS): readonly Event[] {
  const all: readonly Happening[] = [
    [1000, { type: "run.created", data: { plan, options, engine: "test" } }],
    [1000, { type: "run.started", data: {} }],
    ...happenings,
  ];
  return all.map(([time, body], at) => ({ run: "r1", seq: at + 1, time, ...body }) as Event);
}

export function read(events: readonly Event[]): HistoryReader {
  const reader = new HistoryReader();
  for (const event of events) reader.add(event);
  return reader;
}

export function started(step: string, attempt = 1): EventBody {
  return { type: "step.started", step, attempt, data: {} };
}

export function succeeded(step: string, durationMs: number, attempt = 1): EventBody {
  return { type: "step.succeeded", step, attempt, data: { output: { of: step }, durationMs } };
}

export function failed(step: string, durationMs: number, attempt = 1, retryDelayMs?: number): EventBody {
  const error = { code: "exit", message: "exit code 2", exitCode: 2 } as const;
  const again = retryDelayMs === undefined ? { willRetry: false } : { willRetry: true, retryDelayMs, retryAt: 0 };
  return { type: "step.failed", step, attempt, data: { error, durationMs, ...again } };
}

/** `a` and `b` side by side, `c` behind both, `d` behind `c`. */
export const DIAMOND: Plan = {
  name: "diamond",
  steps: [
    { id: "a", action: { kind: "run", command: "a" } },
    { id: "b", action: { kind: "run", command: "b" } },
    { id: "c", action: { kind: "run", command: "c" }, deps: ["a", "b"] },
    { id: "d", action: { kind: "approve", question: "ship?" }, deps: ["c"] },
  ],
};
