/** Expansion: the children of a container as they join the run, and the reasons to refuse them. Pure. */
import { agentNames } from "../plan/agents-config.ts";
import { claimProblem } from "./claims.ts";
import type { EventOf } from "./event.ts";
import type { RunState } from "./state.ts";

/** A plan that names itself ends here. */
const LONGEST_ID = 1000;

export type Expansion = EventOf<"steps.added">["data"];

/** What the run has against new children, if anything. */
export function expansionProblem(state: RunState, container: number, expansion: Expansion): string | undefined {
  for (const step of expansion.steps) {
    if (state.index.byId.has(step.id)) return `the run has a step ${step.id} already`;
    if (step.id.length > LONGEST_ID)
      return `the id ${step.id.slice(0, 40)}... is too long: plans are nested too deeply`;
    const agent = step.action.kind === "agent" ? step.action.options?.use : undefined;
    if (agent !== undefined && !agentNames(state.plan.agents).includes(agent)) {
      return `step ${step.id} uses the agent ${agent}, but the run's plan has no such agent: declare it under \`agents.use\` there`;
    }
    const problem = claimProblem(state, step, container, expansion.settings);
    if (problem !== undefined) return problem;
  }
  return undefined;
}
