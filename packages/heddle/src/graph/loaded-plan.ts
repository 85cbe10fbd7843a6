/** Loaded plan: a plan that is validated, has a graph, and is ready to run. */
import type { Diagnostic } from "../plan/diagnostic.ts";
import type { Graph } from "./graph.ts";
import type { Functions, Plan } from "../plan/plan.ts";

/** A plan that was read, validated and found to be a graph. */
export interface LoadedPlan {
  readonly plan: Plan;
  readonly graph: Graph;
  readonly functions: Functions;
  /** Absolute; absent for a plan built by code. */
  readonly file?: string;
  /** Warnings; absent: none. */
  readonly warnings?: readonly Diagnostic[];
}
