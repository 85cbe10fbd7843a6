/** Where attempts execute: in this process, or on workers elsewhere. Knows nothing of the order of steps. */
import type { Outcome, StopReason } from "../runner/port.ts";
import type { Json, JsonObject } from "../base/json.ts";
import type { Step } from "../plan/plan.ts";

/** An attempt whose start is recorded: all that a worker needs to carry it out. `(run, step, attempt)` is its fencing token. */
export interface Task {
  readonly run: string;
  readonly step: Step;
  readonly attempt: number;
  readonly params: JsonObject;
  /** Outputs of the step's deps by id. */
  readonly deps: JsonObject;
  /** Ended statuses of the step's deps by id, for expressions. */
  readonly depStatus: Readonly<Record<string, string>>;
  readonly item?: Json;
  readonly graceMs: number;
}

export interface Dispatched {
  readonly outcome: Promise<Outcome>;
  stop(reason: StopReason): void;
  kill(): void;
}

export interface Backend extends AsyncDisposable {
  dispatch(task: Task, onProgress: (data: JsonObject) => void): Dispatched;
  /** Told how many attempts may run at once, before the first. */
  warm(width: number): void;
  /** Ends what dead engines left of this run, and what ended attempts left behind; resolves when nothing is left. */
  sweep(run: string, graceMs: number, keep?: (step: string, attempt: number) => boolean): Promise<number>;
}
