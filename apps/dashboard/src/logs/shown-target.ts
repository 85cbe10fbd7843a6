/** Shown target: which log a run's page shows: that of the address, else of what matters most in the run. Pure. */
import type { LiveRun, LiveStep } from "heddle/view";
import type { MergedStep } from "./merged-log.ts";

export type ShownTarget =
  /** All that run now. */
  | { readonly kind: "merged" }
  | { readonly kind: "attempt"; readonly step: LiveStep; readonly attempt: number }
  /** The address names a step that is not there. */
  | { readonly kind: "unknown"; readonly step: string }
  /** No step has begun. */
  | { readonly kind: "none" };

/** Steps that stand for others: their steps have the logs. */
export function containersOf({ steps }: Pick<LiveRun, "steps">): ReadonlySet<number> {
  return new Set(steps.flatMap(({ parent }) => parent ?? []));
}

/** `was`: what was shown before without being asked for: it stays, so that nothing is taken away from under the reader's eyes. */
export function shownTarget(
  run: Pick<LiveRun, "steps" | "head">,
  { step: id, attempt }: { readonly step?: string | undefined; readonly attempt?: number | undefined },
  was?: ShownTarget,
): ShownTarget {
  if (id !== undefined) {
    const step = run.steps.find((one) => one.id === id);
    return step === undefined ? { kind: "unknown", step: id } : attemptOf(step, attempt);
  }
  if (was?.kind === "merged") return was;
  if (was?.kind === "attempt") {
    const step = run.steps.find((one) => one.id === was.step.id);
    if (step !== undefined) return attemptOf(step, attempt);
  }
  if (run.head.live && runningSteps(run).length > 0) return { kind: "merged" };
  const containers = containersOf(run);
  const begun = run.steps.filter((step, at) => step.attempts > 0 && !containers.has(at));
  const failed = begun.find(({ status }) => status === "failed");
  const last = begun.reduce<LiveStep | undefined>(
    (latest, step) => ((step.endedAt ?? 0) >= (latest?.endedAt ?? 0) ? step : latest),
    undefined,
  );
  const step = failed ?? last;
  return step === undefined ? { kind: "none" } : attemptOf(step, undefined);
}

function attemptOf(step: LiveStep, attempt: number | undefined): ShownTarget {
  return { kind: "attempt", step, attempt: attempt ?? Math.max(1, step.attempts) };
}

/** Attempts that run now and have logs of their own. */
export function runningSteps(run: Pick<LiveRun, "steps">): readonly MergedStep[] {
  const containers = containersOf(run);
  return run.steps.flatMap(({ id, status, attempts }, at) =>
    status === "running" && attempts > 0 && !containers.has(at) ? [{ step: id, attempt: attempts }] : [],
  );
}

/** Whether more may be written to the log of an attempt. */
export function isWriting({ head }: Pick<LiveRun, "head">, step: LiveStep, attempt: number): boolean {
  if (!head.live || attempt < step.attempts) return false;
  return attempt > step.attempts || /^(?:running|needs-approval|needs-resolution)$/.test(step.status);
}

/** Whether an attempt has failed, as far as it is known: one that was tried again has. */
export function hasFailed(step: LiveStep, attempt: number): boolean {
  return attempt < step.attempts || (attempt === step.attempts && step.status === "failed");
}

/** Steps of which the reader can choose; `more`: those that are left out. */
export function offeredSteps(
  run: Pick<LiveRun, "steps">,
  most: number,
  chosen: string | undefined,
): { readonly steps: readonly LiveStep[]; readonly more: number } {
  const containers = containersOf(run);
  const begun = run.steps.filter((step, at) => (step.attempts > 0 && !containers.has(at)) || step.id === chosen);
  if (begun.length <= most) return { steps: begun, more: 0 };
  // What is at work or went wrong first; then what ended last.
  const rank = ({ id, status, endedAt }: LiveStep): number =>
    id === chosen ? Infinity : /^(?:running|failed|needs-)/.test(status) ? 1e15 : (endedAt ?? 0);
  const kept = new Set(begun.toSorted((one, other) => rank(other) - rank(one)).slice(0, most));
  return { steps: begun.filter((step) => kept.has(step)), more: begun.length - most };
}
