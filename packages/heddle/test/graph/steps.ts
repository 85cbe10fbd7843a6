/** Steps and graphs for the tests of this folder. */
import { buildGraph } from "../../src/graph/build.ts";
import type { CycleEdge, Graph, GraphProblem } from "../../src/graph/graph.ts";
import type { Step } from "../../src/plan/plan.ts";

export function step(id: string, deps: readonly string[] = [], after: readonly string[] = []): Step {
  return {
    id,
    action: { kind: "run", command: "true" },
    ...(deps.length > 0 && { deps }),
    ...(after.length > 0 && { after }),
  };
}

/** Steps from `{ id: deps }`, in that order. */
export function stepsOf(plan: { readonly [id: string]: readonly string[] }): readonly Step[] {
  return Object.entries(plan).map(([id, deps]) => step(id, deps));
}

export function graphOf(plan: { readonly [id: string]: readonly string[] } | readonly Step[]): Graph {
  const result = buildGraph(isList(plan) ? plan : stepsOf(plan));
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

export function problemsOf(steps: readonly Step[]): readonly GraphProblem[] {
  const result = buildGraph(steps);
  return result.ok ? [] : result.error;
}

/** The cycle reported for `steps`; none: an empty list. */
export function cycleIn(steps: readonly Step[]): readonly CycleEdge[] {
  return problemsOf(steps).flatMap((problem) => (problem.kind === "cycle" ? problem.edges : []));
}

function isList(plan: object): plan is readonly Step[] {
  return Array.isArray(plan);
}
