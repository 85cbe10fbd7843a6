/** Plan document: what a plan would do if it were run, with the known durations of its steps. */
import { availableParallelism } from "node:os";
import type { LoadedPlan } from "../graph/loaded-plan.ts";
import { DEFAULT_MAX_AGENTS } from "../plan/plan.ts";
import { planView, type PlanView, type PlanViewInput } from "../view/plan-view.ts";

export interface ViewPlanOptions {
  /** Steps at once; default: what the plan says, else the number of cores. */
  readonly maxConcurrency?: number;
  /** Milliseconds by step id. */
  readonly recorded: ReadonlyMap<string, number>;
}

export function viewPlan(loaded: LoadedPlan, { maxConcurrency, recorded }: ViewPlanOptions): PlanView {
  const { plan, graph } = loaded;
  const options = planOptions(loaded, availableParallelism());
  return planView({
    plan,
    graph,
    options: { ...options, maxConcurrency: maxConcurrency ?? options.maxConcurrency },
    recorded,
  });
}

/** What a run of the plan obeys where nobody says otherwise. `slots`: of a plan that says nothing of them. */
export function planOptions({ plan }: LoadedPlan, slots: number): PlanViewInput["options"] {
  return {
    maxConcurrency: plan.maxConcurrency ?? slots,
    maxAgents: plan.maxAgents ?? DEFAULT_MAX_AGENTS,
    schedule: plan.schedule ?? "ready",
    failure: "fail-fast",
    rollback: "none",
  };
}
