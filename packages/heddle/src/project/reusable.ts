/** Reusable results: which successes of a recorded run can be reused, because the step's definition is unchanged. */
import { canonicalJson, type Json, type JsonObject } from "../base/json.ts";
import { isCutShort } from "../run/finish.ts";
import type { Plan, Step } from "../plan/plan.ts";
import { outputOf, phaseOf, type RunState } from "../run/state.ts";

export interface Reusable {
  /** By step id; without containers that were recorded as a success although they were cut short. */
  readonly outputs: ReadonlyMap<string, Json>;
  /** Succeeded or was skipped by its condition, and would be another step now: why, in words. */
  readonly changed: ReadonlyMap<string, string>;
  /** Skipped by its own condition, which is asked again and says the same: nothing to reuse, and nothing missing. */
  readonly skipped: ReadonlySet<string>;
}

/** `plan`: as it is to run now, with its parameters. */
export function reusable(state: RunState, { steps, params = {} }: Plan): Reusable {
  const outputs = new Map<string, Json>();
  const changed = new Map<string, string>();
  const skipped = new Set<string>();
  for (const step of steps) {
    const index = state.index.byId.get(step.id);
    if (index === undefined) continue;
    const phase = phaseOf(state, index);
    const output = outputOf(phase);
    const isSkipped = phase.tag === "skipped" && phase.reason.kind === "condition";
    if (!isSkipped && (output === undefined || isCutShort(state, index))) continue;
    const why = differenceOf(step, params, state.steps[index], state.plan.params ?? {});
    if (why !== undefined) changed.set(step.id, why);
    else if (isSkipped) skipped.add(step.id);
    else if (output !== undefined) outputs.set(step.id, output);
  }
  return { outputs, changed, skipped };
}

function differenceOf(step: Step, params: JsonObject, before: Step | undefined, then: JsonObject): string | undefined {
  if (definition(step) !== definition(before)) return "its definition has changed";
  const names = paramsRead(step, { ...then, ...params });
  const name = names.find((each) => canonicalJson(params[each]) !== canonicalJson(then[each]));
  return name === undefined ? undefined : `it reads parameter ${name}, which had another value`;
}

/** Code is handed all parameters, and may read any. */
function paramsRead({ action, readsParams = [] }: Step, known: JsonObject): readonly string[] {
  const readsAll = action.kind === "function" || action.kind === "call" || readsParams.includes("*");
  return readsAll ? Object.keys(known) : readsParams;
}

/** What is derived from the texts was not recorded by every version. */
function definition(step: Step | undefined): string {
  const { readsParams: _readsParams, ...rest } = step ?? { id: "" };
  return canonicalJson(rest as unknown as Json);
}
