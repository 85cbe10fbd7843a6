/**
 * Run replay for pages: a live run as it was at an event, and what changed from one event to another, forwards or backwards. Pure.
 *
 * Invariant: the run at one event with the patch between two of them is the run at the other.
 */
import { differences, isSame } from "./differences.ts";
import type { LiveRun, LiveStep, RunOp, RunPatch } from "./live-run.ts";

/** `GET .../runs/{run}/live`. */
export interface LiveRunAt extends LiveRun {
  /** Of the event that it is shown at, in milliseconds since the epoch. */
  readonly time: number;
}

/** `GET .../runs/{run}/live/patch`. `from` may be behind `to`. */
export interface ReplayPatch extends RunPatch {
  /** Of the event that it ends at. */
  readonly time: number;
}

export function replayPatch(before: LiveRunAt, after: LiveRunAt): ReplayPatch {
  const head = differences(before.head, after.head);
  const ops: readonly RunOp[] = [
    ...(head === undefined ? [] : [{ op: "head", set: head } as const]),
    ...stepOps(before.steps, after.steps),
    ...queueOps(before.queues, after.queues),
  ];
  return { from: before.seq, to: after.seq, time: after.time, ops };
}

function stepOps(before: readonly LiveStep[], after: readonly LiveStep[]): readonly RunOp[] {
  if (after.length < before.length) return [{ op: "steps", steps: after }];
  const rows: (readonly [number, Partial<LiveStep>])[] = [];
  for (const [step, row] of before.entries()) {
    const now = after[step] as LiveStep;
    if (now.id !== row.id) return [{ op: "steps", steps: after }];
    const set = differences(row, now);
    if (set !== undefined) rows.push([step, set]);
  }
  const ops: RunOp[] = [];
  if (rows.length > 0) ops.push({ op: "rows", rows });
  if (after.length > before.length) ops.push({ op: "added", steps: after.slice(before.length) });
  return ops;
}

function queueOps(before: LiveRun["queues"], after: LiveRun["queues"]): readonly RunOp[] {
  const queues: (readonly [number, LiveRun["queues"][number]])[] = [];
  for (const name of Object.keys(before)) if (!(name in after)) queues.push([Number(name), []]);
  for (const [name, reasons] of Object.entries(after))
    if (!isSame(before[Number(name)] ?? [], reasons)) queues.push([Number(name), reasons]);
  return queues.length === 0 ? [] : [{ op: "queues", queues }];
}
