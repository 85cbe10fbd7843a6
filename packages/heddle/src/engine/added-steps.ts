/**
 * Added steps: validates steps that a running step adds, like those of its plan, with that plan's defaults, and names them
 * inside the subplan of the step that adds them.
 */
import { err, ok, type Result } from "../base/result.ts";
import { type AddedStepsOptions, compileSteps } from "../graph/compile.ts";
import type { Step } from "../plan/plan.ts";
import { enclosingContainer } from "../run/add-steps.ts";
import { claimProblem, poolsAround } from "../run/claims.ts";
import type { Container } from "../run/facts.ts";
import type { RunState } from "../run/state.ts";
import { handDown, withinPlan } from "./hand-down.ts";

/** The steps as they join the run, or everything that is wrong with them. */
export async function addedSteps(
  state: RunState,
  adder: number,
  wanted: readonly unknown[],
): Promise<Result<readonly Step[], string>> {
  const prefix = enclosingContainer(state, adder)?.prefix ?? "";
  const known = { has: (id: string) => state.index.byId.has(prefix + id) };
  const subplan = planAround(state, adder);
  const compiled = await compileSteps(wanted, known, optionsFor(state, adder, subplan));
  if (!compiled.ok) {
    const texts = compiled.error.map(({ message, hint }) => (hint === undefined ? message : `${message} (${hint})`));
    return err(`the added steps are invalid: ${texts.join("; ")}`);
  }
  const handed = subplan?.settings?.handed ?? {};
  const steps = compiled.value.map((step) => (prefix === "" ? step : withinPlan(handDown(handed, step), prefix)));
  const parent = state.parents[adder] ?? -1;
  for (const step of steps) {
    const problem = claimProblem(state, step, parent);
    if (problem !== undefined) return err(`the added steps are invalid: ${problem}`);
  }
  return ok(steps);
}

/** The plan inside a step that the adder belongs to, if it does not belong to the run's own. */
function planAround(state: RunState, adder: number): Container | undefined {
  for (let at = state.parents[adder] ?? -1; at !== -1; at = state.parents[at] ?? -1) {
    const container = state.containers.get(at);
    if (container?.kind === "plan") return container;
  }
  return undefined;
}

function optionsFor(state: RunState, adder: number, subplan: Container | undefined): AddedStepsOptions {
  const { plan, rules } = state;
  // Under earlier rules defaults did not reach added steps, and these knew the run's own pools and parameters alone.
  if (rules < 3) return { plan: { ...plan, defaults: undefined } };
  if (subplan === undefined) return { plan };
  const paramSpecs = Object.fromEntries(Object.keys(subplan.params).map((name) => [name, { type: "json" } as const]));
  const resources = poolsAround(state, state.parents[adder] ?? -1);
  return { plan: { ...plan, defaults: subplan.settings?.defaults, paramSpecs, resources } };
}
