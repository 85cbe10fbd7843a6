/** Command types: what can follow from a run's state. A command is carried out by events, by effects, or by both. */
import type { RollbackMode } from "../plan/plan.ts";
import type { CancelReason, SkipReason, StepError } from "./event.ts";

export type Command =
  /** Record `step.started`, then dispatch the attempt. */
  | { readonly kind: "start"; readonly step: number; readonly attempt: number }
  /** Record `step.started`, then find out the children of a container. */
  | { readonly kind: "expand"; readonly step: number; readonly attempt: number }
  /** An open container takes its locks and pools again, after another engine had them. */
  | { readonly kind: "hold"; readonly step: number }
  /** Find out, before the step starts, whether a stored result can be used. */
  | { readonly kind: "examine"; readonly step: number }
  /** Evaluate the step's condition: record a skip, or remember that it holds. */
  | { readonly kind: "evaluate"; readonly step: number }
  /** The wait for the step's next attempt is over: it competes for a slot. */
  | { readonly kind: "retry"; readonly step: number }
  /** Ask for the step's locks, which are exclusive over all runs of the project. */
  | { readonly kind: "lock"; readonly step: number }
  | { readonly kind: "ask"; readonly step: number; readonly attempt: number; readonly about: "step" | "interrupt" }
  /** Begin the wait of a `sleep` or `signal` step. */
  | { readonly kind: "wait"; readonly step: number; readonly attempt: number }
  /** The time of a wait is over: record that. */
  | { readonly kind: "fire"; readonly step: number }
  /** The time of a wait was over: record the step's end. */
  | { readonly kind: "end-wait"; readonly step: number }
  /** The signal that the step waits for is there: record the step's success. */
  | { readonly kind: "take-signal"; readonly step: number }
  /** An answer was given: record the step's end. */
  | { readonly kind: "answer"; readonly step: number }
  /** Nobody answered in time. */
  | { readonly kind: "expire-question"; readonly step: number }
  /** The time of a container is over. */
  | { readonly kind: "expire"; readonly step: number }
  | { readonly kind: "skip"; readonly step: number; readonly reason: SkipReason }
  | { readonly kind: "fail"; readonly step: number; readonly error: StepError }
  | { readonly kind: "cancel"; readonly step: number; readonly reason: CancelReason }
  /** All children of a container have ended, and none was cut short: record its success. */
  | { readonly kind: "finish"; readonly step: number }
  /** The run is brought to its end early. */
  | { readonly kind: "halt"; readonly reason: CancelReason }
  /** Running attempts are asked to stop, because the run ends. */
  | { readonly kind: "stop-all"; readonly reason: CancelReason }
  /** Running attempts inside a subplan are asked to stop, because a failure ends it. */
  | { readonly kind: "stop-inside"; readonly step: number }
  | { readonly kind: "pause-before-layer"; readonly layer: number }
  | { readonly kind: "rollback"; readonly mode: RollbackMode; readonly steps: readonly number[] }
  | { readonly kind: "undo"; readonly step: number }
  | { readonly kind: "end-rollback" }
  | { readonly kind: "end"; readonly status: "succeeded" | "failed" | "cancelled"; readonly reason?: CancelReason };

export type CommandOf<K extends Command["kind"]> = Extract<Command, { readonly kind: K }>;
