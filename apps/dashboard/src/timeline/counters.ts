/** Counters over time: how many slots were in use, and how many attempts were ready and waited for their turn. Pure. */
import type { TimelineBar } from "heddle/client";

/** From `at` on, until the next one. */
export interface CountStep {
  readonly at: number;
  readonly used: number;
  readonly queued: number;
}

/** Ascending. What goes on has no end. */
export function countSteps(bars: readonly TimelineBar[]): readonly CountStep[] {
  const changes: (readonly [time: number, used: number, queued: number])[] = [];
  for (const { kind, slot, startedAt, endedAt, readyAt, queuedMs } of bars) {
    if (kind !== "attempt" || slot < 0) continue;
    changes.push([startedAt, 1, 0]);
    if (endedAt !== null) changes.push([endedAt, -1, 0]);
    if (readyAt !== null && queuedMs !== null && queuedMs > 0) changes.push([readyAt, 0, 1], [startedAt, 0, -1]);
  }
  changes.sort(([a], [b]) => a - b);
  const steps: CountStep[] = [];
  let used = 0;
  let queued = 0;
  for (const [at, inUse, waiting] of changes) {
    used += inUse;
    queued += waiting;
    if (steps.at(-1)?.at === at) steps.pop();
    const last = steps.at(-1);
    if (last?.used !== used || last.queued !== queued) steps.push({ at, used, queued });
  }
  return steps;
}
