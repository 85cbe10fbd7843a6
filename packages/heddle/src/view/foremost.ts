/** Foremost steps: those that a reader looks for first, where not all are shown. Pure. */
import type { StepView } from "./run-view.ts";
import type { StepStatus } from "./status.ts";

/** What a person looks for first. */
const FIRST: readonly StepStatus[] = [
  "failed",
  "needs-approval",
  "needs-resolution",
  "interrupted",
  "cancelled",
  "running",
  "retrying",
  "waiting",
];

/** At most `most` of the steps, in their order: those that failed, wait for a person or still run go before those that are done. */
export function foremostSteps(steps: readonly StepView[], most: number): readonly StepView[] {
  return steps.length <= most ? steps : byAttention(steps).slice(0, most);
}

/** Those first that failed, wait for a person or still run; beside that in their order. */
export function byAttention(steps: readonly StepView[]): readonly StepView[] {
  const rank = ({ status }: StepView): number => (FIRST.includes(status) ? FIRST.indexOf(status) : FIRST.length);
  return steps.toSorted((a, b) => rank(a) - rank(b));
}
