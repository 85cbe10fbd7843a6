/**
 * Volatile state: what only the engine of a run knows and no event says: why it ends the run, what it has found out or
 * requested and not yet recorded. It is lost with the engine; the next one finds it out again.
 */
import type { CancelReason } from "./event.ts";

export interface Volatile {
  /** Somebody or a timeout ends the run. */
  halt: CancelReason | undefined;
  /** When attempts were asked to stop for the run's end. */
  stoppedAt: number | undefined;
  /** When they were because somebody cancelled it, or its time was over. */
  cancelledAt: number | undefined;
  /** Somebody ends the run at once: nothing is sheltered any more. */
  isKilled: boolean;
  /** When the time of the run is over. */
  endsAt: number | undefined;
  /** Containers whose time is over, and since when. */
  readonly expired: Map<number, number>;
  /** Subplans in which a failure ends the rest, and since when their running attempts have been asked to stop. */
  readonly stopped: Map<number, number>;
  /** Open containers that hold their locks and pools. What an engine held is lost with it. */
  readonly holding: Set<number>;
  /** Steps whose condition was found to hold. */
  readonly holds: Set<number>;
  /** Steps whose wait for the next attempt is over: they compete for a slot. */
  readonly due: Set<number>;
  /** Steps that are being examined. */
  readonly examining: Set<number>;
  /** Open containers, and waits for a signal, whose output is held against its schema. */
  readonly checking: Set<number>;
  /** An undo is being carried out. */
  isUndoing: boolean;
  /** Progress events recorded, by step. */
  readonly progress: Map<number, number>;
  /** Of what ended attempts may have left behind: `needed` after a start, `clean` when a sweep found nothing any more. */
  leftovers: "clean" | "needed" | "sweeping";
  /** The layer that was let through last, where a person lets them start one by one. */
  passedLayer: number | undefined;
  readonly policy: RunPolicy;
}

/** How an engine runs the plan. */
export interface RunPolicy {
  /** A sweep comes before the end of the run. */
  readonly sweeps: boolean;
  /** Steps that may be cached are examined before they start. */
  readonly examines: boolean;
  /** The run is paused before each layer. */
  readonly pausesBeforeLayers: boolean;
}

export function newVolatile(policy: Partial<RunPolicy> = {}): Volatile {
  const { sweeps = false, examines = false, pausesBeforeLayers = false } = policy;
  return {
    halt: undefined,
    stoppedAt: undefined,
    cancelledAt: undefined,
    isKilled: false,
    endsAt: undefined,
    expired: new Map(),
    stopped: new Map(),
    holding: new Set(),
    holds: new Set(),
    due: new Set(),
    examining: new Set(),
    checking: new Set(),
    isUndoing: false,
    progress: new Map(),
    leftovers: sweeps ? "needed" : "clean",
    passedLayer: undefined,
    policy: { sweeps, examines, pausesBeforeLayers },
  };
}
