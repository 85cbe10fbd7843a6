/** Reusable results: which successes of a recorded run can be reused, because the step's definition is unchanged. */
import { canonicalJson, type Json } from "../base/json.ts";
import { isCutShort } from "../run/finish.ts";
import { outputOf, phaseOf, type RunState } from "../run/state.ts";

type Step = RunState["steps"][number];

export interface Reusable {
  /** By step id; without containers that were recorded as a success although they were cut short. */
  readonly outputs: ReadonlyMap<string, Json>;
  /** Succeeded, and has another definition now. */
  readonly changed: ReadonlySet<string>;
  /** Skipped by its own condition, which is asked again: nothing to reuse, and nothing missing. */
  readonly skipped: ReadonlySet<string>;
}

export function reusable(state: RunState, steps: readonly Step[]): Reusable {
  const outputs = new Map<string, Json>();
  const changed = new Set<string>();
  const skipped = new Set<string>();
  for (const step of steps) {
    const index = state.index.byId.get(step.id);
    if (index === undefined) continue;
    const phase = phaseOf(state, index);
    const output = outputOf(phase);
    if (phase.tag === "skipped" && phase.reason.kind === "condition") skipped.add(step.id);
    if (output === undefined || isCutShort(state, index)) continue;
    if (definition(step) === definition(state.steps[index])) outputs.set(step.id, output);
    else changed.add(step.id);
  }
  return { outputs, changed, skipped };
}

function definition(step: Step | undefined): string {
  return canonicalJson((step ?? null) as unknown as Json);
}
