/** Plan document: what a plan would do if it were run, with the known durations of its steps. */
import { availableParallelism } from "node:os";
import type { LoadedPlan } from "../graph/loaded-plan.ts";
import { DEFAULT_MAX_AGENTS } from "../plan/plan.ts";
import { planView, type PlanView } from "../view/plan-view.ts";

export interface ViewPlanOptions {
  /** Steps at once; default: what the plan says, else the number of cores. */
  readonly maxConcurrency?: number;
  /** Milliseconds by step id. */
  readonly recorded: ReadonlyMap<string, number>;
}

export function viewPlan({ plan, graph }: LoadedPlan, { maxConcurrency, recorded }: ViewPlanOptions): PlanView {
  return planView({
    plan,
    graph,
    options: {
      maxConcurrency: maxConcurrency ?? plan.maxConcurrency ?? availableParallelism(),
      maxAgents: plan.maxAgents ?? DEFAULT_MAX_AGENTS,
      schedule: plan.schedule ?? "ready",
      failure: "fail-fast",
      rollback: "none",
    },
    recorded,
  });
}
