/** Failure counts: which failed steps fail the run, and which the plans around them see as they happen. */
import { present } from "../base/assert.ts";
import { isTolerated, phaseOf, stepAt, type RunState } from "./state.ts";

/**
 * Counts a failed step (`by`: 1), or takes it back (-1). It counts for each plan around it, from inside out: up to one that goes on
 * after failures, which is judged when all of it has ended, and up to something optional.
 */
export function countFailure(state: RunState, step: number, by: 1 | -1): void {
  const { index } = state;
  if (!isTolerated(state, step)) index.fatal += by;
  for (let at = step; stepAt(state, at).optional !== true;) {
    const parent = state.parents[at] ?? -1;
    if (parent === -1) {
      index.failing += by;
      return;
    }
    const mode = state.containers.get(parent)?.settings?.failure;
    if (mode !== undefined) present(index.containers.get(parent), "container").failed += by;
    noteFailingPlan(state, parent);
    if (mode === "continue") return;
    at = parent;
  }
}

/** Whether a failure ends the subplan may have changed: by a failure, or because it opened or ended. */
export function noteFailingPlan(state: RunState, step: number): void {
  const { containers, failingPlans } = state.index;
  const isFailing =
    state.containers.get(step)?.settings?.failure === "fail-fast" &&
    phaseOf(state, step).tag === "expanded" &&
    (containers.get(step)?.failed ?? 0) > 0;
  if (isFailing) failingPlans.add(step);
  else failingPlans.delete(step);
}
