/** Scale of the what-if curve: numbers of workers by their logarithm, times from nothing on; and what is said of a point. Pure. */
import type { Bound, WhatIf, WorkersPoint } from "heddle/client";
import { countOf, durationText } from "../ui/format.ts";

export const MOST_WORKERS = 64;

/** 0 for one worker, 1 for the most. */
export function shareOfWorkers(workers: number): number {
  return Math.log2(Math.max(1, workers)) / Math.log2(MOST_WORKERS);
}

/** The point of a number of workers, or of the next smaller one that is known. */
export function pointAt({ points }: Pick<WhatIf, "points">, workers: number): WorkersPoint | undefined {
  return points.findLast((point) => point.workers <= workers) ?? points[0];
}

const BOUNDS: Readonly<Record<Bound["kind"], string>> = {
  path: "the longest path",
  slot: "the number of workers",
  "agent-slot": "the number of agents at once",
  pool: "the pool",
  lock: "the lock",
  group: "the worktree of the group",
};

/** `the pool gpu`. */
export function boundText({ kind, name }: Bound): string {
  return name === undefined ? BOUNDS[kind] : `${BOUNDS[kind]} ${name}`;
}

/** `6 workers: 9:10; more than 8 gains nothing`. */
export function curveText({ knee }: Pick<WhatIf, "knee">, point: WorkersPoint): string {
  const own = `${countOf(point.workers, "worker")}: ${durationText(point.makespanMs)}`;
  if (knee === null) return own;
  return point.workers >= knee.workers
    ? `${own}; more than ${knee.workers} gains nothing`
    : `${own}; ${knee.workers} would take ${durationText(knee.makespanMs)}, more gains nothing`;
}
