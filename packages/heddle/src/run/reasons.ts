/**
 * Reasons: why a step does not go on now, as data. Pure: reads the state. What the engine alone knows (that
 * more is kept for a larger step) is no reason here: such a step waits for its turn.
 *
 * Invariants:
 *  1. A step that waits, whatever for, has at least one reason; a step that is at work or has ended has none.
 *  2. The stage of a step changes only with the step, its predecessors, its layer, the failure of what is around it, or the liveness of
 *     the run. What many steps wait for alike is that of the run ({@link runReasons}) and of their queue ({@link queueReasons}).
 */
import { unreachable } from "../base/assert.ts";
import { defined } from "../base/defined.ts";
import { holdsWhileOpen } from "./claims.ts";
import { haltReason, isClosing } from "./finish.ts";
import { closesAt, fullAround, isHeldByLayer, isSlotless } from "./queue.ts";
import { isSheltered } from "./shelter.ts";
import { laneKeyOf, shortagesOf, wantsOf, type Shortage } from "./slots.ts";
import { depsOf, forEachDep, hasEnded, isRunEnded, phaseOf, satisfies, stepAt, type RunState } from "./state.ts";
import { runStatus } from "./status.ts";

export const REASON_KINDS = [
  /** Steps that it comes after have not ended. `have` of `want` have. */
  "deps",
  /** The layer before its own has not ended (`schedule: layers`). `have`: the layer that is open, from 1; `want`: its own. */
  "layer",
  /** As many attempts as may are at work: of the run, or of the container in `steps`. */
  "slot",
  /** As many agents as may are at work: of the run, of the subplan in `steps`, or of the provider in `resource`. */
  "agent-slot",
  /** Too few units of the pool in `resource` are free. */
  "pool",
  /** Another step of the run has `lock`. */
  "lock",
  /** Another run of the project, `run`, has a lock that it asks for. */
  "foreign-lock",
  /** Another step of its group, in `resource`, works in their worktree. */
  "group",
  /** The running step in `steps` may write the same files. */
  "writes",
  /** All worktrees that there may be are in use. */
  "worktree",
  /** The machine has too little memory for one more attempt: `used` megabytes are in use, `limit` may be. */
  "memory",
  /** Its processors are too busy: `used` percent, `limit` may be. */
  "cpu",
  /** The provider in `resource` takes no requests; the next try is due at `until`. */
  "rate-limit",
  /** The next attempt is due at `until`. */
  "retry-delay",
  /** A person is asked. */
  "person",
  /** A time has to come: `until`. */
  "timer",
  /** A signal has to come: `signal`. */
  "signal",
  /** Its condition is looked at next. */
  "condition",
  /** The run is paused. */
  "paused",
  /** A failure ends the run, or the subplan around the step, or the run is being undone: nothing starts any more. */
  "ending",
  /** Nobody works on the run: a resume goes on with it. */
  "resume",
  /** Nothing known is short: its engine starts it, or records what came of it, as soon as it can. */
  "turn",
] as const;
export type ReasonKind = (typeof REASON_KINDS)[number];

export interface Reason {
  readonly kind: ReasonKind;
  /** Ids; of many the first {@link MOST_NAMED}. */
  readonly steps?: readonly string[];
  /** Name of a pool, of a group, or of a provider. */
  readonly resource?: string;
  readonly lock?: string;
  /** Id of another run. */
  readonly run?: string;
  readonly signal?: string;
  /** When the wait ends by itself, or its time is over; milliseconds since the epoch. */
  readonly until?: number;
  /** What there is now: free units, ended steps. */
  readonly have?: number;
  /** What there has to be. */
  readonly want?: number;
  /** All that there is: taken and free. */
  readonly of?: number;
  /** Of the machine: in use, by whomever. */
  readonly used?: number;
  /** Of the machine: what the plan allows to be in use. */
  readonly limit?: number;
}

/** Steps that one reason names at most. */
export const MOST_NAMED = 20;

export interface ReasonContext {
  /** On the engine's clock. */
  readonly now: number;
  /** A process holds the run now. */
  readonly live: boolean;
}

/**
 * Where a step stands that does not go on. `ready`: it has all that it comes after, and waits for what is short in its queue; with
 * `foreign-lock` and `condition` too, and with `retry-delay` once its time is over. `engine`: what comes next is its engine's to do.
 * Others: the reason of that kind.
 */
export type WaitStage =
  | "deps"
  | "layer"
  | "ending"
  | "person"
  | "timer"
  | "signal"
  | "rate-limit"
  | "agent-slot"
  | "worktree"
  | "retry-delay"
  | "foreign-lock"
  | "condition"
  | "ready"
  | "engine";

/** `undefined`: the step is at work or has ended. Does not depend on the time. */
export function waitStage(state: RunState, step: number, live: boolean): WaitStage | undefined {
  const phase = phaseOf(state, step);
  switch (phase.tag) {
    case "waiting":
      return stageOfWaiting(state, step, live);
    case "interrupted":
      return live && hasOpen(state, step) ? "deps" : "engine";
    case "running":
      if (!live) return "engine";
      if (phase.asks !== undefined) return "person";
      return phase.waits === undefined ? undefined : STAGE_OF_ATTEMPT[phase.waits.for];
    case "expanded":
      return !live && runStatus(state, live) !== "waiting" ? "engine" : undefined;
    case "retrying":
      return "retry-delay";
    case "waiting-for-answer":
      return phase.answer === undefined ? "person" : "engine";
    case "sleeping":
      return phase.fired === true ? "engine" : "timer";
    case "waiting-for-signal":
      return phase.fired === true || hasCome(state, step, phase.signal) ? "engine" : "signal";
    case "succeeded":
    case "cached":
    case "skipped":
    case "failed":
    case "cancelled":
      return undefined;
    default:
      return unreachable(phase);
  }
}

const STAGE_OF_ATTEMPT = {
  provider: "rate-limit",
  agents: "agent-slot",
  worktree: "worktree",
  lock: "engine",
} as const;

function stageOfWaiting(state: RunState, step: number, live: boolean): WaitStage {
  if (hasOpen(state, step)) return "deps";
  if (isHeldByLayer(state, step)) return "layer";
  if (!live) return "ready";
  if (isEnding(state, step)) return "ending";
  if (state.lockWaits.has(step)) return "foreign-lock";
  return stepAt(state, step).if !== undefined && !state.volatile.holds.has(step) ? "condition" : "ready";
}

/** Whether the end of the run, or of something around the step, has begun, and the step has no part in it. */
function isEnding(state: RunState, step: number): boolean {
  return (haltReason(state) !== undefined && !isSheltered(state, step)) || isClosing(state, step);
}

/** Whether the signal has come in time: the step ends by it, or another one takes it. */
function hasCome(state: RunState, step: number, signal: string): boolean {
  const [oldest] = state.signals.get(signal) ?? [];
  return oldest !== undefined && oldest.time < closesAt(state, step);
}

/** Whether something that the step comes after has not ended, or not as the step needs it. */
function hasOpen(state: RunState, step: number): boolean {
  if (state.index.unresolved[step] !== 0) return true;
  if (stepAt(state, step).always === true) return false;
  let isOpen = false;
  forEachDep(state, step, (dep) => {
    isOpen ||= !satisfies(phaseOf(state, dep));
  });
  return isOpen;
}

/** Steps that have not ended, or not as needed, of those that the step comes after: in the order of its `deps`, then of its `after`. */
export function openBefore(state: RunState, step: number): readonly number[] {
  const { after = [], always } = stepAt(state, step);
  const isOpen = (dep: number): boolean => {
    const phase = phaseOf(state, dep);
    return always === true ? !hasEnded(phase) : !satisfies(phase);
  };
  const softly = after.flatMap((id) => state.index.byId.get(id) ?? []);
  return [...depsOf(state, step).filter(isOpen), ...softly.filter((from) => !hasEnded(phaseOf(state, from)))];
}

/** Why the step does not go on now; empty: it is at work or has ended. */
export function reasonsOf(state: RunState, step: number, { now, live }: ReasonContext): readonly Reason[] {
  const stage = waitStage(state, step, live);
  if (stage === undefined) return [];
  const run = runReasons(state, live);
  const queue = (): readonly Reason[] => queueReasons(state, step);
  const own = ownReason(state, step, stage);
  return combineReasons({ stage, own, isDue: (own.until ?? Infinity) <= now, run, live, queue });
}

export interface Combined {
  readonly stage: WaitStage;
  /** Of a `stage` that names a kind. */
  readonly own: Reason;
  /** The time of the next attempt has come. */
  readonly isDue: boolean;
  readonly run: RunReasons;
  readonly live: boolean;
  /** What is short in the step's queue. */
  readonly queue: () => readonly Reason[];
}

/** What all steps of the run that have their predecessors wait for alike. */
export interface RunReasons {
  /** The run has ended: so does every step that has not. */
  readonly isEnded: boolean;
  readonly kinds: readonly ("paused" | "ending" | "resume")[];
  /** What the machine lacks for whatever could start; absent: nothing that is known. */
  readonly machine?: Reason;
}

/** Puts together what a step waits for by itself, with its run, and in its queue. */
export function combineReasons({ stage, own, isDue, run, live, queue }: Combined): readonly Reason[] {
  if (run.isEnded) return [{ kind: "resume" }];
  switch (stage) {
    case "engine":
      return [{ kind: live ? "turn" : "resume" }];
    case "retry-delay":
      if (!isDue) return [own];
      break;
    case "ready":
    case "foreign-lock":
    case "condition":
      break;
    default:
      return [own];
  }
  if (run.kinds.length > 0) return run.kinds.map((kind) => ({ kind }));
  if (stage === "foreign-lock") return [own];
  const short = queue();
  if (short.length > 0) return short;
  return [stage === "condition" ? own : (run.machine ?? { kind: "turn" })];
}

export function runReasons(state: RunState, live: boolean): RunReasons {
  const isUndoing = state.rollback !== undefined && live;
  const kinds: RunReasons["kinds"][number][] = [];
  if (isUndoing) kinds.push("ending");
  if (state.phase.tag === "paused") kinds.push("paused");
  if (!live) kinds.push("resume");
  const isEnded = isRunEnded(state.phase) && !isUndoing;
  return defined({ isEnded, kinds, machine: live && !isEnded ? machineReason(state) : undefined });
}

/** What the machine lacks, as it was recorded. */
function machineReason({ shortage }: RunState): Reason | undefined {
  if (shortage === undefined) return undefined;
  const { resource, used, limit } = shortage;
  return { kind: resource, used, limit };
}

function ownReason(state: RunState, step: number, stage: WaitStage): Reason {
  switch (stage) {
    case "deps": {
      const { deps = [], after = [] } = stepAt(state, step);
      const open = openBefore(state, step);
      const want = deps.length + after.length;
      const steps = open.slice(0, MOST_NAMED).map((from) => stepAt(state, from).id);
      return { kind: stage, steps, have: want - open.length, want };
    }
    case "layer":
      return { kind: stage, have: state.index.openLayer + 1, want: (state.layers[step] ?? 0) + 1 };
    case "foreign-lock":
      return defined({ kind: stage, run: state.lockWaits.get(step)?.holder });
    case "rate-limit":
    case "agent-slot":
    case "worktree": {
      const phase = phaseOf(state, step);
      const waits = phase.tag === "running" ? phase.waits : undefined;
      return defined({ kind: stage, resource: waits?.provider, until: waits?.until });
    }
    case "retry-delay":
    case "person":
    case "timer":
    case "signal":
      return defined({ kind: stage, signal: signalOf(state, step), until: waitsUntil(state, step) });
    case "ending":
    case "condition":
      return { kind: stage };
    case "ready":
    case "engine":
      return { kind: "turn" };
    default:
      return unreachable(stage);
  }
}

function signalOf(state: RunState, step: number): string | undefined {
  const phase = phaseOf(state, step);
  return phase.tag === "waiting-for-signal" ? phase.signal : undefined;
}

/** When the wait of a step ends by itself, or the time for an answer or a signal is over; `undefined`: never, or it waits for none. */
export function waitsUntil(state: RunState, step: number): number | undefined {
  const phase = phaseOf(state, step);
  switch (phase.tag) {
    case "retrying":
      return phase.retryAt;
    case "sleeping":
      return phase.at;
    case "running":
      return phase.asks === undefined ? phase.waits?.until : phase.asks.deadline;
    case "waiting-for-answer":
    case "waiting-for-signal": {
      const closes = closesAt(state, step);
      return closes === Infinity ? undefined : closes;
    }
    default:
      return undefined;
  }
}

/**
 * Since when the step has all that it comes after, its layer is open and an engine has the run, or when its next attempt is due;
 * `undefined`: it has not, or has begun.
 */
export function readyAt(state: RunState, step: number): number | undefined {
  const phase = phaseOf(state, step);
  if (phase.tag === "retrying") return phase.retryAt;
  if (phase.tag !== "waiting" && phase.tag !== "interrupted") return undefined;
  return state.arrivals[step] === 0 || isHeldByLayer(state, step) ? undefined : state.arrivedTimes[step];
}

/** What is short in the queue of the step: the same for all steps with the same {@link queueKey}. Empty: nothing. */
export function queueReasons(state: RunState, step: number): readonly Reason[] {
  const definition = stepAt(state, step);
  const full = fullAround(state, step);
  const items: readonly Shortage[] =
    full === undefined ? [] : [{ kind: "slot", within: full.container, limit: full.limit }];
  const isAsking = !isSlotless(definition) || holdsWhileOpen(definition, state.rules);
  const asked = isAsking ? shortagesOf(state, wantsOf(state, step)) : [];
  return [...items, ...asked].map((shortage) => reasonOfShortage(state, shortage));
}

/** Key of what the step waits for once it has all that it comes after. Does not change while its plan does not. */
export function queueKey(state: RunState, step: number): string {
  const definition = stepAt(state, step);
  if (!isSlotless(definition)) return laneKeyOf(state, step);
  const held = holdsWhileOpen(definition, state.rules) ? laneKeyOf(state, step) : "";
  return `${state.parents[step] ?? -1} ${held}`;
}

function reasonOfShortage(state: RunState, shortage: Shortage): Reason {
  switch (shortage.kind) {
    case "slot":
    case "agent-slot": {
      const { kind, within, limit } = shortage;
      const steps = within === -1 ? undefined : [stepAt(state, within).id];
      return defined({ kind, steps, have: 0, want: 1, of: limit });
    }
    case "pool": {
      const { kind, pool, have, want, of } = shortage;
      return { kind, resource: pool, have, want, of };
    }
    case "lock":
      return shortage;
    case "group":
      return { kind: "group", resource: shortage.group };
    case "writes":
      return { kind: "writes", steps: [stepAt(state, shortage.step).id] };
    default:
      return unreachable(shortage);
  }
}
