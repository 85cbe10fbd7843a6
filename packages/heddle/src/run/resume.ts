/**
 * Resume: how a run looks to an engine that takes it over: successes stay, other steps go back to waiting, undone steps
 * start again.
 */
import type { EventOf } from "./event.ts";
import { arrive } from "./queue.ts";
import { isHeldBack, rebuildIndex } from "./reindex.ts";
import { setPhase } from "./set-phase.ts";
import type { StepPhase } from "./facts.ts";
import { hasEnded, isContainerStep, phaseOf, satisfies, stepAt, WAITING, type RunState } from "./state.ts";
import { adoptPlan, compact, forgetAttempts } from "./step-table.ts";

/** An engine took over: steps without success go back to waiting, and the queues are rebuilt. */
export function applyResumed(state: RunState, event: EventOf<"run.resumed">, idleMs: number): void {
  if (event.data.options) state.options = event.data.options;
  if (event.data.plan) adoptPlan(state, event.data.plan);
  dropAddedBy(state, event.data.reset);
  const reopened = reopenedContainers(state);
  // That agents worked stays known: what they share is landed, undone and given up as that of any other run.
  for (const id of event.data.reset) if (state.agentRecords.has(id)) state.agentRecords.set(id, {});
  const reset = new Set(event.data.reset.map((id) => state.index.byId.get(id)));
  for (let step = 0; step < state.steps.length; step++) {
    const phase = phaseOf(state, step);
    const next = reopened.has(step)
      ? openAgain(event.time)
      : phaseAfterResume(state, step, phase, { isReset: reset.has(step), now: event.time });
    if (next === phase) continue;
    state.phases[step] = next;
    if (next.tag === "waiting") forgetAttempts(state, step);
  }
  leaveOutIdleTime(state, idleMs);
  state.phase = { tag: "running" };
  state.landing = undefined;
  state.rollback = undefined;
  state.rolledBack = false;
  state.examined.clear();
  takeUp(state);
}

/** An engine starts with the run: steps that may start arrive in the order of the plan. */
export function takeUp(state: RunState): void {
  state.starts = 0;
  state.volatile.holding.clear();
  state.readySince.clear();
  state.lockWaits.clear();
  state.shortage = undefined;
  state.arrivals.fill(0);
  // Of a new run nothing has changed since its index was made.
  if (state.arrived > 0 || state.phase.tag === "running") rebuildIndex(state);
  state.arrived = 0;
  for (let step = 0; step < state.steps.length; step++) {
    const { tag } = phaseOf(state, step);
    if (tag === "retrying" && isHeldBack(state, step)) setPhase(state, step, WAITING);
    const isFree = state.index.unresolved[step] === 0;
    if (isFree && (phaseOf(state, step).tag === "waiting" || tag === "interrupted")) arrive(state, step);
  }
}

/** Time in which no engine held the run does not count for the total time of steps that keep waiting for a retry. */
function leaveOutIdleTime(state: RunState, idleMs: number): void {
  for (let step = 0; step < state.steps.length; step++) {
    const first = state.firstStart[step];
    if (first !== undefined && phaseOf(state, step).tag === "retrying") state.firstStart[step] = first + idleMs;
  }
}

interface Takeover {
  readonly isReset: boolean;
  readonly now: number;
}

function phaseAfterResume(state: RunState, step: number, phase: StepPhase, { isReset, now }: Takeover): StepPhase {
  if (isReset) return WAITING;
  const parent = state.parents[step] ?? -1;
  return parent !== -1 && hasEnded(phaseOf(state, parent)) ? phase : phaseTakenUp(state, step, phase, now);
}

/** Of a step that no container around it keeps as it is. */
function phaseTakenUp(state: RunState, step: number, phase: StepPhase, now: number): StepPhase {
  switch (phase.tag) {
    case "running":
      if (isContainerStep(stepAt(state, step))) return WAITING;
      return (stepAt(state, step).onInterrupt ?? "rerun") === "rerun" ? WAITING : { tag: "interrupted" };
    case "failed":
    case "cancelled": {
      return state.containers.has(step) ? openAgain(now) : WAITING;
    }
    case "skipped":
      return phase.reason.kind === "dependency" ? WAITING : phase;
    case "expanded":
      return phase.since > now ? { ...phase, since: now } : phase;
    // No wait becomes longer by a clock that was set back while no engine worked: at most its whole length is left.
    case "retrying":
      return phase.retryAt - now > phase.delayMs ? { ...phase, retryAt: now + phase.delayMs } : phase;
    case "waiting-for-answer": {
      const { timeoutMs = Number.POSITIVE_INFINITY } = stepAt(state, step);
      return (phase.deadline ?? now) - now > timeoutMs ? { ...phase, deadline: now + timeoutMs } : phase;
    }
    case "sleeping": {
      const { at, durationMs = Number.POSITIVE_INFINITY } = phase;
      if (at === undefined) return WAITING;
      return at - now > durationMs ? { ...phase, at: now + durationMs } : phase;
    }
    case "waiting-for-signal": {
      const { deadline = now, durationMs = Number.POSITIVE_INFINITY } = phase;
      return deadline - now > durationMs ? { ...phase, deadline: now + durationMs } : phase;
    }
    default:
      return phase;
  }
}

/**
 * Steps that a resume resets: `reset`, and each that is always to run and has ended, or waits, although something that it comes after
 * runs again; with what depends on it. It runs after what it comes after, each time that this runs.
 */
export function withAlwaysAgain(state: RunState, reset: readonly string[]): readonly string[] {
  const again = new Set(reset.flatMap((id) => state.index.byId.get(id) ?? []));
  const before = again.size;
  for (let known = -1; known !== again.size;) {
    known = again.size;
    for (let step = 0; step < state.steps.length; step++) {
      const { always, deps = [], after = [] } = stepAt(state, step);
      if (again.has(step) || phaseOf(state, step).tag === "waiting") continue;
      const isMeant =
        always === true ? [...deps, ...after].some(runsAgain) : hasSucceeded(state, step) && deps.some(isAdded);
      if (isMeant) again.add(step);
    }
  }
  return [...reset, ...[...again].slice(before).map((step) => stepAt(state, step).id)];

  function isAdded(id: string): boolean {
    const step = state.index.byId.get(id);
    return step !== undefined && again.has(step) && !reset.includes(id);
  }

  function runsAgain(id: string): boolean {
    const step = state.index.byId.get(id);
    return step !== undefined && isTakenUp(step);
  }

  function isTakenUp(step: number): boolean {
    const phase = phaseOf(state, step);
    if (again.has(step) || !hasEnded(phase)) return true;
    if (hasEnded(phaseTakenUp(state, step, phase, state.lastTime))) return false;
    const parent = state.parents[step] ?? -1;
    return parent === -1 || isTakenUp(parent);
  }
}

function hasSucceeded(state: RunState, step: number): boolean {
  const phase = phaseOf(state, step);
  return hasEnded(phase) && satisfies(phase);
}

/** Its time begins anew. */
function openAgain(now: number): StepPhase {
  return { tag: "expanded", since: now };
}

/** Containers that had succeeded and have a step, however deep, that was undone: they end again when it has. */
export function reopenedContainers(state: RunState): ReadonlySet<number> {
  const reopened = new Set<number>();
  for (let step = state.index.graph.size; step < state.steps.length; step++) {
    if (phaseOf(state, step).tag !== "waiting") continue;
    for (let at = state.parents[step] ?? -1; at !== -1 && !reopened.has(at); at = state.parents[at] ?? -1) {
      if (phaseOf(state, at).tag === "succeeded") reopened.add(at);
    }
  }
  return reopened;
}

/**
 * A step that runs again, since its definition changed or it was undone, adds its steps and expands again: those it had added
 * are forgotten.
 */
function dropAddedBy(state: RunState, ids: readonly string[]): void {
  if (state.containers.size + state.addedBy.size === 0) return;
  const again = new Set(ids.flatMap((id) => state.index.byId.get(id) ?? []));
  for (const origin of [...state.containers.keys(), ...state.addedBy.values()]) {
    if (phaseOf(state, origin).tag === "waiting") again.add(origin);
  }
  if (again.size === 0) return;
  const gone = new Set<number>();
  for (let step = 0; step < state.steps.length; step++) {
    const parent = state.parents[step] ?? -1;
    const adder = state.addedBy.get(step) ?? -1;
    if (again.has(parent) || gone.has(parent) || again.has(adder) || gone.has(adder)) gone.add(step);
  }
  for (const step of again) state.containers.delete(step);
  if (gone.size > 0) compact(state, (step) => !gone.has(step));
}
