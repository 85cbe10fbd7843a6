/** Rows of steps for tests, with what matters in them. */
import type { LiveStep } from "../../../../packages/heddle/src/view/live-run.ts";

export function row(id: string, more: Partial<LiveStep> = {}): LiveStep {
  return {
    id,
    parent: null,
    layer: 1,
    queue: 0,
    status: "waiting",
    attempts: 0,
    readyAt: null,
    startedAt: null,
    endedAt: null,
    durationMs: null,
    waits: null,
    until: null,
    cost: null,
    files: null,
    note: null,
    ...more,
  };
}
