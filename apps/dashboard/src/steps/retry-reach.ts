/** Retry reach: which steps run again when some are named. Pure. What did not succeed runs again in any case: a run goes on as a whole. */
import type { LiveRun, RunGraph, StepStatus } from "heddle/view";
import { FINE } from "../run/statuses.ts";

const UNDONE: ReadonlySet<StepStatus> = new Set<StepStatus>(["failed", "cancelled", "interrupted"]);

export interface RetryReach {
  /** Of the named steps. */
  readonly named: number;
  /** Others that have ended well and come after a named one. */
  readonly behind: number;
  /** Others that failed, were cancelled or interrupted. */
  readonly undone: number;
}

export function retryReach({ steps }: LiveRun, { deps, after }: RunGraph, ids: readonly string[]): RetryReach {
  const wanted = new Set(ids);
  const next = dependentsOf(deps, after);
  const starts = steps.flatMap(({ id }, at) => (wanted.has(id) ? [at] : []));
  const reached = new Set(starts);
  // A set is visited in the order in which it grows.
  for (const at of reached) for (const one of next[at] ?? []) reached.add(one);
  let behind = 0;
  let undone = 0;
  for (const [at, { id, status }] of steps.entries()) {
    if (wanted.has(id)) continue;
    if (UNDONE.has(status)) undone++;
    else if (reached.has(at) && FINE.has(status)) behind++;
  }
  return { named: starts.length, behind, undone };
}

function dependentsOf(...sides: readonly (readonly (readonly number[])[])[]): readonly (readonly number[])[] {
  const next: number[][] = [];
  for (const side of sides)
    for (const [at, before] of side.entries()) for (const one of before) (next[one] ??= []).push(at);
  return next;
}
