/** Run result: the result for the caller, and the durations of steps for the next run of the plan. */
import { defined } from "../base/defined.ts";
import type { Problem } from "../base/errors.ts";
import type { Json } from "../base/json.ts";
import { outputOf, phaseOf, stepAt, type RunState } from "../run/state.ts";
import type { RunOutcome } from "../run/control.ts";

/**
 * Outputs are collected when they are asked for: a run of a million steps need not pay for it. A stopped engine
 * returns none: its state holds successes that could not be recorded any more.
 */
export function resultOf(state: RunState, status: RunOutcome["status"], stopped: Problem | undefined): RunOutcome {
  let outputs: Record<string, Json> | undefined;
  return {
    run: state.run,
    status,
    ...defined<Pick<RunOutcome, "stopped">>({ stopped }),
    get outputs(): Readonly<Record<string, Json>> {
      if (stopped !== undefined) return {};
      outputs ??= Object.fromEntries(
        state.steps.flatMap((step, index): [string, Json][] => {
          const output = outputOf(phaseOf(state, index));
          return output === undefined ? [] : [[step.id, output]];
        }),
      );
      return outputs;
    },
  };
}

/** Milliseconds by step id, of successful attempts. Those that took no time to speak of are left out: they weigh nothing. */
export function durationsOf(state: RunState): ReadonlyMap<string, number> {
  const durations = new Map<string, number>();
  for (const step of state.successes) {
    const phase = phaseOf(state, step);
    if (phase.tag === "succeeded" && phase.durationMs > 0) durations.set(stepAt(state, step).id, phase.durationMs);
  }
  return durations;
}
