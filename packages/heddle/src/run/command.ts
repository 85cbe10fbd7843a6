/** What may follow from a run's state: each command is carried out by recording events, some of them by work besides. */
import type { RollbackMode } from "../plan/plan.ts";
import type { CancelReason, SkipReason, StepError } from "./event.ts";

export type Command =
  /** Record `step.started`, then dispatch the attempt. */
  | { readonly kind: "start"; readonly step: number; readonly attempt: number }
  /** Record `step.started`, then find out the children of a container. */
  | { readonly kind: "expand"; readonly step: number; readonly attempt: number }
  /** Evaluate the step's condition: record a skip, or {@link admit} the step. */
  | { readonly kind: "evaluate"; readonly step: number }
  /** The step's condition holds or its wait is over: `admit` it. */
  | { readonly kind: "admit"; readonly step: number }
  | { readonly kind: "ask"; readonly step: number; readonly attempt: number; readonly about: "step" | "interrupt" }
  /** An answer was given: record the step's end. */
  | { readonly kind: "answer"; readonly step: number }
  | { readonly kind: "skip"; readonly step: number; readonly reason: SkipReason }
  | { readonly kind: "fail"; readonly step: number; readonly error: StepError }
  | { readonly kind: "cancel"; readonly step: number; readonly reason: CancelReason }
  /** All children of a container have ended, and none was cut short: record its success. */
  | { readonly kind: "finish"; readonly step: number }
  | { readonly kind: "rollback"; readonly mode: RollbackMode; readonly steps: readonly number[] }
  | { readonly kind: "undo"; readonly step: number }
  | { readonly kind: "end-rollback" }
  | { readonly kind: "end"; readonly status: "succeeded" | "failed" | "cancelled"; readonly reason?: CancelReason };
