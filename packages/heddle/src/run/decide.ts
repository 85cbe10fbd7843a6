/**
 * What happens next: `decide(state, conditions)` names the commands that follow from what is recorded and from what the
 * engine sees of the world. It changes nothing, reads no clock and remembers nothing: the engine records each command as
 * events, folds them in, and asks again until there is none.
 *
 * Invariants:
 *  1. A step starts only when each of its predecessors has ended, its hard ones with success.
 *  2. Nothing starts in a run that is halted, paused or ended, nor past a limit.
 *  3. The run ends only when nothing runs any more.
 */
import type { CancelReason } from "./event.ts";
import type { Command } from "./command.ts";
import { cancelInside, closeDown, endOfContainer } from "./finish.ts";
import { blockerOf } from "./queue.ts";
import { isRunEnded, phaseOf, rootCause, stepAt, type Lane, type RunState } from "./state.ts";

/** What the engine knows and the history does not. */
export interface Conditions {
  /** On the engine's clock, for retries. */
  readonly now: number;
  /** Somebody or a timeout ended the run. */
  readonly halt: CancelReason | undefined;
  /** False while the machine is short of memory or CPU. */
  readonly admits: boolean;
  /** False for steps whose locks another run holds. */
  readonly locksFree: (step: number) => boolean;
  /** Containers whose time is over. */
  readonly expired: readonly number[];
  /** An undo is being carried out. */
  readonly undoing: boolean;
}

const NOTHING: readonly Command[] = [];

export function decide(state: RunState, conditions: Conditions): readonly Command[] {
  if (state.rollback) return goOnUndoing(state, conditions);
  if (isRunEnded(state.phase) || state.phase.tag === "created") return NOTHING;

  const answered = nextAnswered(state);
  if (answered !== undefined) return [{ kind: "answer", step: answered }];
  const finished = nextFinished(state);
  if (finished !== undefined) return [endOfContainer(state, finished, conditions)];

  const halt = conditions.halt ?? (state.fatal > 0 && state.options.failure === "fail-fast" ? "fail-fast" : undefined);
  // What a rollback put back to waiting is for the next resume.
  if (halt !== undefined || state.open === 0 || state.rolledBack) return closeDown(state, { ...conditions, halt });

  // One container at a time: of two whose time is over one may stand in the other.
  for (const container of conditions.expired) {
    const late = cancelInside(state, container);
    if (late.length > 0) return late;
  }

  const arrival = lookAtArrival(state);
  if (arrival !== undefined) return [arrival];
  if (state.phase.tag === "paused") return NOTHING;

  const due = state.retries.top((step) => phaseOf(state, step).tag === "retrying" && !state.due.has(step));
  if (due !== undefined && dueAt(state, due) <= conditions.now) return [{ kind: "admit", step: due }];

  const step = nextToStart(state, conditions);
  return step === undefined ? NOTHING : [{ kind: "start", step, attempt: (state.attempts[step] ?? 0) + 1 }];
}

/** When the next waiting attempt is due, for the engine's timer; `undefined`: none waits, or the run is paused. */
export function nextDue(state: RunState): number | undefined {
  if (state.phase.tag === "paused") return undefined;
  const step = state.retries.top(
    (candidate) => phaseOf(state, candidate).tag === "retrying" && !state.due.has(candidate),
  );
  return step === undefined ? undefined : dueAt(state, step);
}

/** Whether somewhere a ready step competes for a place: with free slots it waits for pools, locks or admission. */
export function hasReady(state: RunState): boolean {
  return state.activeLanes.some((lane) => topOf(state, lane) !== undefined);
}

function dueAt(state: RunState, step: number): number {
  const phase = phaseOf(state, step);
  return phase.tag === "retrying" ? phase.retryAt : Number.POSITIVE_INFINITY;
}

function hasAnswer(state: RunState, step: number): boolean {
  const phase = phaseOf(state, step);
  return phase.tag === "asking" && phase.answer !== undefined;
}

function nextAnswered(state: RunState): number | undefined {
  for (; state.answeredHead < state.answered.length; state.answeredHead++) {
    const step = state.answered[state.answeredHead] as number;
    if (hasAnswer(state, step)) return step;
  }
  return undefined;
}

function nextFinished(state: RunState): number | undefined {
  for (; state.finishingHead < state.finishing.length; state.finishingHead++) {
    const step = state.finishing[state.finishingHead] as number;
    if (phaseOf(state, step).tag === "expanded" && state.containers.get(step)?.left === 0) return step;
  }
  return undefined;
}

/** The first step whose predecessors have ended and that needs more than a place. Entries that were dealt with are dropped. */
function lookAtArrival(state: RunState): Command | undefined {
  for (; state.arrivalsHead < state.arrivals.length; state.arrivalsHead++) {
    const step = state.arrivals[state.arrivalsHead] as number;
    const phase = phaseOf(state, step);
    const attempt = (state.attempts[step] ?? 0) + 1;
    if (phase.tag === "interrupted") {
      if (stepAt(state, step).onInterrupt === "ask")
        return { kind: "ask", step, attempt: attempt - 1, about: "interrupt" };
      const message = "heddle died while the step was running, and the plan says `onInterrupt: fail`";
      return { kind: "fail", step, error: { code: "interrupted", message } };
    }
    if (phase.tag !== "waiting") continue;
    const blocker = blockerOf(state, step);
    if (blocker !== undefined)
      return { kind: "skip", step, reason: { kind: "dependency", cause: rootCause(state, blocker) } };
    if (state.phase.tag === "paused") return undefined;
    const definition = stepAt(state, step);
    if (definition.if !== undefined && !state.conditionHolds.has(step)) return { kind: "evaluate", step };
    if (definition.forEach !== undefined || definition.action.kind === "plan") return { kind: "expand", step, attempt };
    if (definition.action.kind === "approve") return { kind: "ask", step, attempt, about: "step" };
    return { kind: "admit", step };
  }
  return undefined;
}

/**
 * Starts of others that a step waits for at most before what it asks for is kept for it. Smaller ones may go first for a
 * while, since that shortens most runs; for ever they may not.
 */
const PATIENCE = 16;

/**
 * The first ready step that has a place. What a step ahead of it has asked for in vain for a while is kept for that one, all of
 * it and not only what is short: a large step is not starved by streams of small ones that take turns with its pools and locks.
 */
function nextToStart(state: RunState, conditions: Conditions): number | undefined {
  if (state.slots >= state.options.maxConcurrency) return undefined;
  if (!conditions.admits && state.slots > 0) return undefined;
  const candidates = readyLanes(state);
  let kept = NOTHING_KEPT;
  for (let at = 0; at < candidates.length; at++) {
    if (at < 2) bringForward(state, candidates, at);
    const { lane, step } = candidates[at] as Candidate;
    if (!fits(state, lane, kept)) {
      if (state.starts - (state.readySince.get(step) ?? 0) >= PATIENCE) kept = keep(lane, kept);
    } else if (conditions.locksFree(step)) return step;
  }
  return undefined;
}

interface Candidate {
  readonly lane: Lane;
  readonly step: number;
}

/** What is kept for steps further ahead. */
interface Kept {
  readonly pools: Map<string, number>;
  readonly read: Set<string>;
  readonly write: Set<string>;
  readonly turns: string[];
}

/** Mostly the first step fits: nothing is made for it. */
const NOTHING_KEPT: Kept = { pools: new Map(), read: new Set(), write: new Set(), turns: [] };

/** The first step of every lane that no limit of its own stops. Lanes found empty leave the active ones. */
function readyLanes(state: RunState): Candidate[] {
  const candidates: Candidate[] = [];
  const { activeLanes } = state;
  for (let at = 0; at < activeLanes.length;) {
    const lane = activeLanes[at] as Lane;
    const step = topOf(state, lane);
    if (step !== undefined) {
      if (!isFull(state, lane)) candidates.push({ lane, step });
      at++;
      continue;
    }
    lane.isActive = false;
    activeLanes[at] = activeLanes.at(-1) as Lane;
    activeLanes.pop();
  }
  return candidates;
}

function isFull(state: RunState, lane: Lane): boolean {
  if (lane.agent && state.agents >= state.options.maxAgents) return true;
  return lane.container !== -1 && isContainerFull(state, lane.container);
}

/** Puts the candidates in order from `at` on: the first alone, as it mostly fits; all others when it did not. */
function bringForward(state: RunState, candidates: Candidate[], at: number): void {
  if (at > 0) {
    const rest = candidates.splice(at).sort((a, b) => (state.before(a.step, b.step) ? -1 : 1));
    for (const candidate of rest) candidates.push(candidate);
    return;
  }
  for (let other = 1; other < candidates.length; other++) {
    const candidate = candidates[other] as Candidate;
    const first = candidates[0] as Candidate;
    if (!state.before(candidate.step, first.step)) continue;
    candidates[0] = candidate;
    candidates[other] = first;
  }
}

function fits(state: RunState, lane: Lane, kept: Kept): boolean {
  for (const [pool, units] of lane.resources) {
    const used = (state.pools.get(pool) ?? 0) + (kept.pools.get(pool) ?? 0);
    if (used + units > (state.plan.resources?.[pool] ?? 0)) return false;
  }
  for (const name of lane.read) if ((state.locks.get(name)?.writers ?? 0) > 0 || kept.write.has(name)) return false;
  for (const name of lane.write) {
    const use = state.locks.get(name);
    if ((use !== undefined && use.readers + use.writers > 0) || kept.read.has(name) || kept.write.has(name))
      return false;
  }
  if (lane.turns.length === 0) return true;
  return state.writing.holder(lane.turns) === undefined && !state.writing.meet(lane.turns, kept.turns);
}

/** With what the lane's first step asks for. */
function keep(lane: Lane, before: Kept): Kept {
  const kept: Kept =
    before === NOTHING_KEPT ? { pools: new Map(), read: new Set(), write: new Set(), turns: [] } : before;
  for (const [pool, units] of lane.resources) kept.pools.set(pool, (kept.pools.get(pool) ?? 0) + units);
  for (const name of lane.read) kept.read.add(name);
  for (const name of lane.write) kept.write.add(name);
  for (const glob of lane.turns) kept.turns.push(glob);
  return kept;
}

function topOf(state: RunState, lane: Lane): number | undefined {
  return lane.heap.top((step) => phaseOf(state, step).tag === "waiting" || state.due.has(step));
}

function isContainerFull(state: RunState, container: number): boolean {
  const found = state.containers.get(container);
  return found !== undefined && found.running >= found.maxConcurrency;
}

function goOnUndoing(state: RunState, conditions: Conditions): readonly Command[] {
  if (conditions.undoing || state.rollback === undefined) return NOTHING;
  const step = state.rollback.steps[state.rollback.next];
  return step === undefined ? [{ kind: "end-rollback" }] : [{ kind: "undo", step }];
}
