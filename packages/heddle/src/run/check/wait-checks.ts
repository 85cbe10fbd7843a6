/** Checks of waits: timers of `sleep` and `signal` steps, and signals that were received and not taken, for the history checker. */
import { isWait } from "../../plan/plan.ts";
import type { EventOf } from "../event.ts";
import type { CheckedStep, Rule } from "./rules.ts";

type Broken = readonly (readonly [Rule, string])[];
const NOTHING: Broken = [];

export function isWaitRow({ step }: Pick<CheckedStep, "step">): boolean {
  return step.forEach === undefined && isWait(step);
}

export class WaitChecks {
  /** Signals that no step has taken, by name. */
  readonly #pending = new Map<string, number>();

  received({ data }: EventOf<"signal.received">): void {
    this.#pending.set(data.signal, (this.#pending.get(data.signal) ?? 0) + 1);
  }

  started(row: CheckedStep, { data }: EventOf<"step.started">): void {
    row.wait = { signal: data.signal, timer: "none" };
  }

  timer(row: CheckedStep, { type, step, attempt }: EventOf<"timer.set" | "timer.fired">): Broken {
    const wanted = type === "timer.set" ? "none" : "set";
    if (row.status !== "suspended" || row.wait?.timer !== wanted || attempt !== row.attempts)
      return [["timer", `${type} of ${step}, which is ${row.status} with its timer ${row.wait?.timer ?? "none"}`]];
    row.wait = { ...row.wait, timer: type === "timer.set" ? "set" : "fired" };
    return NOTHING;
  }

  /** A wait ends: with success, or with a signal whose value was not what its step takes. */
  ended(row: CheckedStep, event: EventOf<"step.succeeded" | "step.failed" | "step.cancelled">): Broken {
    if (row.status !== "suspended" || row.wait === undefined || event.type === "step.cancelled") return NOTHING;
    if (event.type === "step.failed" && event.data.error.code !== "output") return NOTHING;
    const { action, id } = row.step;
    const { signal, timer } = row.wait;
    if (action.kind !== "signal")
      return timer === "fired" ? NOTHING : [["timer", `the sleep ${id} succeeded before its timer had fired`]];
    if (timer === "fired")
      return action.onTimeout === "continue" ? NOTHING : [["signal", `${id} succeeded although its time was over`]];
    const left = this.#pending.get(signal ?? "") ?? 0;
    this.#pending.set(signal ?? "", left - 1);
    return left > 0 ? NOTHING : [["signal", `${id} ended without a signal ${signal ?? ""}`]];
  }
}
