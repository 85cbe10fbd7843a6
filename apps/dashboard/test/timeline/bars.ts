/** Bars and rows of steps as tests write them down. */
import type { TimelineBar } from "heddle/client";
import type { LiveStep } from "heddle/view";

export function bar(
  step: string,
  startedAt: number,
  endedAt: number | null,
  more: Partial<TimelineBar> = {},
): TimelineBar {
  return {
    step,
    attempt: 1,
    kind: "attempt",
    slot: 0,
    startedAt,
    endedAt,
    status: endedAt === null ? "running" : "succeeded",
    durationMs: endedAt === null ? null : endedAt - startedAt,
    readyAt: startedAt,
    blockedMs: 0,
    blockedBy: null,
    queuedMs: 0,
    queuedBy: null,
    ranMs: endedAt === null ? null : endedAt - startedAt,
    ...more,
  };
}

export function liveStep(id: string, more: Partial<LiveStep> = {}): LiveStep {
  return {
    id,
    parent: null,
    layer: 1,
    queue: 0,
    status: "succeeded",
    attempts: 1,
    readyAt: 0,
    startedAt: 0,
    endedAt: 1,
    durationMs: 1,
    waits: null,
    until: null,
    cost: null,
    note: null,
    files: null,
    ...more,
  };
}
