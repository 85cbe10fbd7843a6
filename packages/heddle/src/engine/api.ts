/** What the faces (command line, library, server) see of the engine. */
import type { Problem } from "../base/errors.ts";
import type { Json } from "../base/json.ts";
import type { Result } from "../base/result.ts";
import type { Graph } from "../graph/graph.ts";
import type { Functions, Plan } from "../plan/plan.ts";
import type { CancelReason, Event, RunOptions } from "../run/event.ts";
import type { RunState } from "../run/state.ts";

/** A plan that was read, validated and found to be a graph. */
export interface LoadedPlan {
  readonly plan: Plan;
  readonly graph: Graph;
  readonly functions: Functions;
  /** Absolute; absent for a plan built by code. */
  readonly file?: string;
}

export interface StartOptions extends Partial<RunOptions> {
  /** Reuses recorded successes of this run for steps that `keep` accepts, as `step.cached` events. */
  readonly reuse?: { readonly run: string; readonly outputs: ReadonlyMap<string, Json> };
}

export interface ResumeOptions {
  /** Run again what has another definition now, and what depends on it. */
  readonly acceptChanges?: boolean;
  /** The plan as its file says now; absent: the recorded one. */
  readonly current?: LoadedPlan;
  readonly maxConcurrency?: number;
  /** `retry`: refuses a run that has nothing failed, cancelled or interrupted. */
  readonly mode?: "resume" | "retry";
}

export type RunStatus = "running" | "paused" | "waiting" | "succeeded" | "failed" | "cancelled" | "interrupted";

export interface RunResult {
  readonly run: string;
  /** `waiting`: only people's answers are left; the run goes on with a resume. */
  readonly status: Exclude<RunStatus, "running" | "paused" | "interrupted">;
  /** Outputs of succeeded steps by id. */
  readonly outputs: Readonly<Record<string, Json>>;
  /** Why the engine stopped before the run's end (a full disk, a lost lease), if it did. */
  readonly stopped?: Problem;
}

export type Answer = { readonly decision: "approve" | "reject"; readonly by: string; readonly comment?: string };

/** A run in this process. Iterating gives every event from the first of the run on, recorded ones included, each after it is on disk. */
export interface RunHandle extends AsyncIterable<Event> {
  readonly run: string;
  /** Settles when the engine is done with the run; rejects only on a bug. */
  readonly result: Promise<RunResult>;
  /** The state now; live, not to be changed. */
  state(): RunState;
  /** Ends running steps with grace and the run `cancelled`. Called again: at once, without grace. */
  cancel(reason?: CancelReason): void;
  /** Ends all processes at once and leaves a resumable journal. */
  kill(): void;
  pause(reason: string): void;
  unpause(): void;
  answer(step: string, answer: Answer): Result<void, Problem>;
  /** Why nothing starts although steps are ready, if so: `memory`, `cpu`, `locks held by run ...`. */
  waitingFor(): string | undefined;
}

/** Requests from other processes, left in the journal: what `cancel`, `pause`, `approve` write. */
export type ControlRequest =
  | { readonly kind: "cancel" }
  | { readonly kind: "pause"; readonly reason: string }
  | { readonly kind: "unpause" }
  | { readonly kind: "answer"; readonly step: string; readonly decision: "approve" | "reject"; readonly by: string; readonly comment?: string };
