/**
 * End of a run: nothing more starts, steps that wait for a retry or an answer are cancelled, dependents of failures are
 * skipped, and succeeded steps are undone if the plan says so.
 */
import { defined } from "../base/defined.ts";
import type { Json } from "../base/json.ts";
import type { RollbackMode } from "../plan/plan.ts";
import type { CancelReason, StepError } from "./event.ts";
import type { Command } from "./command.ts";
import type { StepPhase } from "./facts.ts";
import { compareOrder, orderOf } from "./plan-order.ts";
import { timeLimitOf } from "./queue.ts";
import { isSheltered, SHELTER_MS } from "./shelter.ts";
import { forEachSuccessor, hasEnded, isTolerated, outputOf, phaseOf, stepAt, type RunState } from "./state.ts";

/** Why the run ends early, if it does. */
export function haltReason({ volatile, index, options }: RunState): CancelReason | undefined {
  return volatile.halt ?? (index.failing > 0 && options.failure === "fail-fast" ? "fail-fast" : undefined);
}

/** The commands that bring the run closer to its end. */
export function closeDown(state: RunState): readonly Command[] {
  const halt = haltReason(state);
  if (halt !== undefined) {
    const late = cancelLate(state, halt);
    if (late.length > 0) return late;
    if (state.index.counts.running > 0) return [];
    // Killed before they could run. One that was undone is for the next resume.
    const left = state.rolledBack
      ? []
      : [...state.index.always].filter((step) => phaseOf(state, step).tag === "waiting");
    if (left.length > 0) return left.map((step) => ({ kind: "cancel", step, reason: halt }));
    const containers = innermostExpanded(state);
    if (containers.length > 0) return containers.map((step) => endOfContainer(state, step));
    if (halt === "fail-fast") {
      const skips = skipsAfterFailure(state, () => true);
      if (skips.length > 0) return skips;
    }
  }
  if (halt === "cancel") return [{ kind: "end", status: "cancelled", reason: halt }];
  const failed = state.index.fatal > 0 || halt !== undefined;
  if (failed && !state.rolledBack && state.options.rollback !== "none") {
    const steps = stepsToUndo(state, state.options.rollback);
    if (steps.length > 0) return [{ kind: "rollback", mode: state.options.rollback, steps }];
  }
  const isLost = failed || earlierFailures(state).length > 0;
  return [defined({ kind: "end", status: isLost ? "failed" : "succeeded", reason: halt })];
}

const LATE = ["retrying", "waiting-for-answer", "sleeping", "waiting-for-signal", "interrupted"] as const;

/** What waits for its next attempt, an answer, a time or a signal when the run ends does so no more. */
export function cancelLate(state: RunState, halt: CancelReason): readonly Command[] {
  const late = inPhase(state, LATE).filter((step) => !isSheltered(state, step));
  return late.map((step) => ({ kind: "cancel", step, reason: halt }));
}

/**
 * Whether something of a run that ends early is still under way: an attempt, or what is sheltered and waits for a time, a person or a signal.
 * What waits for something else of the run is not, whatever its phase: what was interrupted and comes after what runs again, and the next
 * attempt that is due and wants what an open container holds.
 */
export function isWorkLeft({ index: { counts, retries }, volatile: { checking } }: RunState): boolean {
  const waits = counts["waiting-for-answer"] + counts["waiting-for-signal"] + counts.sleeping;
  return counts.running + waits + checking.size > 0 || retries.first !== undefined;
}

/**
 * In a run that ends early and in which nothing is under way: ends what steps that are always to run wait for. Containers around none of
 * them end, dependents of failures are skipped, and the rest that they come after is cancelled.
 */
export function freeSheltered(state: RunState, halt: CancelReason): readonly Command[] {
  const around = new Set<number>();
  for (const step of state.index.always) for (let at = step; at !== -1; at = state.parents[at] ?? -1) around.add(at);
  const containers = innermostExpanded(state).filter((step) => !around.has(step) && !isSheltered(state, step));
  if (containers.length > 0) return containers.map((step) => endOfContainer(state, step));
  const skips = halt === "fail-fast" ? skipsAfterFailure(state, (step) => !isSheltered(state, step)) : [];
  if (skips.length > 0) return skips;
  const waited = new Set([...state.index.always].flatMap((step) => waitedFor(state, step)));
  return [...waited].sort((a, b) => a - b).map((step) => ({ kind: "cancel", step, reason: halt }));
}

/** The steps, never started, that a step waits for: what it comes after, and under `schedule: layers` all of the layers before it. */
function waitedFor(state: RunState, step: number): readonly number[] {
  const { deps = [], after = [] } = stepAt(state, step);
  const before = [...deps, ...after].flatMap((id) => state.index.byId.get(id) ?? []);
  if (state.options.schedule === "layers" && state.parents[step] === -1) {
    const layer = state.layers[step] ?? 0;
    state.layers.forEach((other, at) => {
      if (other < layer && state.parents[at] === -1) before.push(at);
    });
  }
  return before.filter((at) => phaseOf(state, at).tag === "waiting" && !isSheltered(state, at));
}

/**
 * Steps of a run from a step on that failed in the run before and did not run again: the plan has failed with them. A run of some
 * steps alone (`--only`) answers for these.
 */
export function earlierFailures(state: RunState): readonly number[] {
  if (state.options.only !== undefined) return [];
  return inPhase(state, ["skipped"]).filter((step) => {
    const phase = phaseOf(state, step);
    const isEarlier = phase.tag === "skipped" && phase.reason.kind === "earlier";
    return isEarlier && phase.reason.status === "failed" && !isTolerated(state, step);
  });
}

/** Steps in any of the given phases, in order. A scan, but only when the run ends early. */
function inPhase(state: RunState, tags: readonly StepPhase["tag"][]): number[] {
  if (tags.every((tag) => state.index.counts[tag] === 0)) return [];
  const found: number[] = [];
  for (let step = 0; step < state.phases.length; step++) if (tags.includes(phaseOf(state, step).tag)) found.push(step);
  return found;
}

/** Containers around no open one: how an outer one ends is known when its inner ones have. */
function innermostExpanded(state: RunState): number[] {
  const expanded = inPhase(state, ["expanded"]);
  const outer = new Set(expanded.map((step) => state.parents[step] ?? -1));
  return expanded.filter((step) => !outer.has(step));
}

/** What waits inside a container that is ended does not start any more. Its running attempts are ended by the engine. */
export function cancelInside(state: RunState, container: number, reason: CancelReason): readonly Command[] {
  const children = state.containers.get(container)?.children ?? [];
  return children.flatMap((child): readonly Command[] => {
    const phase = phaseOf(state, child);
    if (hasEnded(phase) || phase.tag === "running" || isSheltered(state, child, container)) return [];
    // Of one whose output is checked nothing else is left.
    if (phase.tag === "expanded" && !state.volatile.checking.has(child)) return cancelInside(state, child, reason);
    return [{ kind: "cancel", step: child, reason }];
  });
}

/** Whether an attempt of the step is to end as the run does, or the container `inside` of which it is. */
export function isStopped(state: RunState, step: number, inside: number | undefined): boolean {
  if (inside !== undefined && !isInside(state, step, inside)) return false;
  return !isSheltered(state, step, inside);
}

/** A failure ends a subplan: what depends on it is skipped for it, and the rest cancelled. */
export function closeInside(state: RunState, subplan: number): readonly Command[] {
  const skips = skipsAfterFailure(state, (step) => isInside(state, step, subplan));
  return skips.length > 0 ? skips : cancelInside(state, subplan, "fail-fast");
}

/** Whether the step is inside a subplan that a failure ends: nothing in it is tried again. */
export function isClosing(state: RunState, step: number): boolean {
  for (const subplan of state.index.failingPlans) if (isStopped(state, step, subplan)) return true;
  return false;
}

/** Whether a step is, at any depth, inside a container. */
export function isInside(state: RunState, step: number, container: number): boolean {
  for (let at = state.parents[step] ?? -1; at !== -1; at = state.parents[at] ?? -1) if (at === container) return true;
  return false;
}

/**
 * How a container ends: with success only if each child succeeded, was skipped, or failed while optional. If its
 * children were cut short it was cut short too, so that a resume continues with them.
 */
export function endOfContainer(state: RunState, step: number): Command {
  const cut = cutShort(state, step);
  if (state.volatile.expired.has(step) && (cut === "step-timeout" || hasAlways(state, step)))
    return { kind: "fail", step, error: timedOut(state, step) };
  const failed = failedChildren(state, step);
  if (failed.length > 0) return { kind: "fail", step, error: childrenFailed(state, step, failed) };
  // Not done before its output is checked.
  const isDone = state.index.containers.get(step)?.left === 0 && !state.volatile.checking.has(step);
  const reason = cut ?? (isDone ? undefined : haltReason(state));
  return reason === undefined ? { kind: "finish", step } : { kind: "cancel", step, reason };
}

/** Why a child of the container was cancelled, if one was: of the first in plan order. */
function cutShort(state: RunState, container: number): CancelReason | undefined {
  for (const child of state.containers.get(container)?.children ?? []) {
    const phase = phaseOf(state, child);
    if (phase.tag === "cancelled") return phase.reason;
  }
  return undefined;
}

/**
 * Recorded as a success although a step in it, at any depth, was cut short: so it was under the first version of the rules.
 */
export function isCutShort(state: RunState, container: number): boolean {
  if (phaseOf(state, container).tag !== "succeeded") return false;
  if (cutShort(state, container) !== undefined) return true;
  return (state.containers.get(container)?.children ?? []).some((child) => isCutShort(state, child));
}

/** What is always to run goes on when the time of the container is over, and is not cut short by it. */
function hasAlways(state: RunState, container: number): boolean {
  return (state.containers.get(container)?.children ?? []).some((child) => stepAt(state, child).always === true);
}

/** Why a container whose output is checked is not done in time, if it is not. */
export function lateError(state: RunState, container: number, now: number): StepError | undefined {
  const phase = phaseOf(state, container);
  const isLate = phase.tag === "expanded" && phase.since + timeLimitOf(state, container) <= now;
  return isLate && state.volatile.checking.has(container) ? timedOut(state, container) : undefined;
}

function timedOut(state: RunState, container: number): StepError {
  const limit = timeLimitOf(state, container);
  return { code: "timeout", message: `timed out after ${limit === Infinity ? SHELTER_MS : limit} ms` };
}

/** Children whose failure is not tolerated, in the order of the plan. */
export function failedChildren(state: RunState, container: number): number[] {
  const children = state.containers.get(container)?.children ?? [];
  return children
    .filter((child) => phaseOf(state, child).tag === "failed" && stepAt(state, child).optional !== true)
    .sort((a, b) => compareOrder(orderOf(state, a), orderOf(state, b)));
}

export function childrenFailed(
  state: RunState,
  container: number,
  failed: readonly number[],
): { code: "error"; message: string } {
  const names = failed.map((child) => stepAt(state, child).id);
  const shown = names.length > 5 ? `${names.slice(0, 5).join(", ")} and ${names.length - 5} more` : names.join(", ");
  const total = state.containers.get(container)?.children.length ?? 0;
  return { code: "error", message: `${failed.length} of ${total} steps failed: ${shown}` };
}

/** What a container that succeeded gives: outputs in item order, or by the ids that the subplan knows; `null` for what has none. */
export function containerOutput(state: RunState, container: number): Json {
  const found = state.containers.get(container);
  const children = found?.children ?? [];
  const outputAt = (child: number): Json => outputOf(phaseOf(state, child)) ?? null;
  // Steps that an item added are not items.
  if (found?.kind === "forEach") return children.filter((child) => !state.addedBy.has(child)).map(outputAt);
  const prefix = `${stepAt(state, container).id}/`;
  return Object.fromEntries(children.map((child) => [stepAt(state, child).id.slice(prefix.length), outputAt(child)]));
}

/** The transitive hard dependents of failed steps, of those that are meant, each with the first failure above it. In order, so that causes are there before they are asked for. */
function skipsAfterFailure(state: RunState, isMeant: (step: number) => boolean): Command[] {
  const causes = new Map<number, string>();
  const pending: number[] = [];
  for (const step of inPhase(state, ["failed", "skipped"])) {
    const phase = phaseOf(state, step);
    if (phase.tag === "failed") causes.set(step, stepAt(state, step).id);
    else if (phase.tag === "skipped" && phase.reason.kind === "dependency") causes.set(step, phase.reason.cause);
    else continue;
    pending.push(step);
  }
  for (let at = 0; at < pending.length; at++) {
    const from = pending[at] as number;
    forEachSuccessor(state, from, (successor) => {
      if (causes.has(successor) || phaseOf(state, successor).tag !== "waiting") return;
      if (stepAt(state, successor).always === true) return;
      if (!stepAt(state, successor).deps?.includes(stepAt(state, from).id)) return;
      causes.set(successor, causes.get(from) ?? "");
      pending.push(successor);
    });
  }
  return [...causes]
    .filter(([step]) => phaseOf(state, step).tag === "waiting" && isMeant(step))
    .sort(([a], [b]) => a - b)
    .map(([step, cause]) => ({ kind: "skip", step, reason: { kind: "dependency", cause } }));
}

/** Succeeded steps with an undo, newest success first. `dependents`: only those that the failed steps depend on. See docs/adr. */
export function stepsToUndo(state: RunState, mode: RollbackMode): number[] {
  if (mode === "none") return [];
  const wanted = mode === "all" ? undefined : lineageOfFailures(state);
  const seen = new Set<number>();
  const steps: number[] = [];
  for (let at = state.successes.length - 1; at >= 0; at--) {
    const step = state.successes[at] as number;
    if (seen.has(step)) continue;
    seen.add(step);
    const { undo, forEach } = stepAt(state, step);
    // The items of a `forEach` have its undo, each for itself.
    if (phaseOf(state, step).tag !== "succeeded" || undo === undefined || forEach !== undefined) continue;
    if (isCutShort(state, step)) continue;
    if (wanted === undefined || wanted.has(step)) steps.push(step);
  }
  return steps;
}

function lineageOfFailures(state: RunState): Set<number> {
  const lineage = new Set(inPhase(state, ["failed"]));
  for (const step of lineage) {
    // What a step only came `after` is not what it was built on.
    for (const id of stepAt(state, step).deps ?? []) {
      const from = state.index.byId.get(id);
      if (from !== undefined) lineage.add(from);
    }
    const parent = state.parents[step] ?? -1;
    if (parent !== -1) lineage.add(parent);
  }
  return lineage;
}
