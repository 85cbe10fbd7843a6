/** Plan times: how long the steps of a plan are expected to take. Pure. */
import { parseDurationOrTime } from "../base/timestamp.ts";
import type { RunState } from "../run/state.ts";

type Step = RunState["steps"][number];

export interface PlanTimes {
  /** Milliseconds. A step of unknown length counts as 1, an approval or a signal as none. */
  readonly durationOf: (step: number) => number;
  /** Steps of unknown length, approvals and signals apart. */
  readonly unknown: number;
  /** Of no step is known how long it takes. */
  readonly isNothingKnown: boolean;
}

/** `recorded`: milliseconds by step id. */
export function planTimes(
  { steps }: Pick<RunState["plan"], "steps">,
  recorded: ReadonlyMap<string, number>,
): PlanTimes {
  const known = steps.map((step) => sleepMsOf(step) ?? recorded.get(step.id) ?? step.estimateMs);
  const unknown = known.filter((ms, step) => ms === undefined && !waitsForOthers(steps[step])).length;
  const isNothingKnown = steps.every((step, at) => waitsForOthers(step) || known[at] === undefined);
  // People answer at once: how long they took in earlier runs says nothing of the plan.
  const durationOf = (step: number): number =>
    waitsForOthers(steps[step]) && !isNothingKnown ? 0 : (known[step] ?? 1);
  return { durationOf, unknown, isNothingKnown };
}

/** Whether how long the step takes is not the plan's matter: a question, a signal, a point in time. */
export function waitsForOthers(step: Step | undefined): boolean {
  const kind = step?.action.kind;
  return kind === "approve" || kind === "signal" || (kind === "sleep" && sleepMsOf(step) === undefined);
}

/** How long a `sleep` waits, where the plan says so. */
export function sleepMsOf(step: Step | undefined): number | undefined {
  if (step?.action.kind !== "sleep" || step.forEach !== undefined) return undefined;
  const time = parseDurationOrTime(step.action.time);
  return time?.kind === "for" ? time.durationMs : undefined;
}
