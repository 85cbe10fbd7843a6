/** Step selection: parts of a graph as marks; `marks[i]` is 1 for a selected step. Linear, without recursion. */
import { BugError } from "../base/assert.ts";
import { buildGraph } from "./build.ts";
import type { Adjacency, Graph } from "./graph.ts";
import type { LoadedPlan } from "./loaded-plan.ts";

/** A part of a graph: 1 for each step that belongs to it. */
export type Marks = Uint8Array;

/** `starts` and all that they need: their hard deps, and those of these. What `--only` runs. */
export function withDeps(graph: Graph, starts: Iterable<number>): Marks {
  return reachable(graph.size, [graph.deps], starts);
}

/** `starts` and all that needs them: their dependents, and those of these. */
export function withDependents(graph: Graph, starts: Iterable<number>): Marks {
  return reachable(graph.size, [graph.dependents], starts);
}

/** `starts` and everything that depends on them, order-only dependencies included. What `--from` runs again. */
export function withDescendants(graph: Graph, starts: Iterable<number>): Marks {
  return reachable(graph.size, [graph.dependents, graph.followers], starts);
}

/** `starts` and all that comes before them, in order only as well. */
export function withAncestors(graph: Graph, starts: Iterable<number>): Marks {
  return reachable(graph.size, [graph.deps, graph.after], starts);
}

/** The marked steps, ascending. */
export function marked(marks: Marks): readonly number[] {
  const steps: number[] = [];
  for (let i = 0; i < marks.length; i++) if (marks[i] === 1) steps.push(i);
  return steps;
}

/**
 * The plan with these steps and what they depend on, alone. Order on a step that is left out is dropped: nothing says how it ended.
 */
export function partOfPlan(loaded: LoadedPlan, kept: Iterable<number>): LoadedPlan {
  const { graph, plan } = loaded;
  const all = marked(withDeps(graph, kept));
  if (all.length === plan.steps.length) return loaded;
  const ids = new Set(all.map((step) => graph.ids[step] ?? ""));
  const steps = all.flatMap((index) => {
    const step = plan.steps[index];
    if (step === undefined) return [];
    const { after, ...rest } = step;
    const left = after?.filter((id) => ids.has(id)) ?? [];
    return [left.length === 0 ? rest : { ...rest, after: left }];
  });
  const part = buildGraph(steps);
  if (!part.ok) throw new BugError("a part of a plan is not a graph");
  return { ...loaded, plan: { ...plan, steps }, graph: part.value };
}

function reachable(size: number, sides: readonly Adjacency[], starts: Iterable<number>): Marks {
  const marks = new Uint8Array(size);
  const stack: number[] = [];
  const visit = (step: number): void => {
    if (marks[step] !== 0) return;
    marks[step] = 1;
    stack.push(step);
  };
  for (const start of starts) visit(start);
  for (let step = stack.pop(); step !== undefined; step = stack.pop()) {
    for (const { offsets, targets } of sides) {
      const end = offsets[step + 1] ?? 0;
      for (let e = offsets[step] ?? 0; e < end; e++) visit(targets[e] ?? 0);
    }
  }
  return marks;
}
