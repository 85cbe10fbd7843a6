/** Plan view: the document of `plan --json`. Its shape is public: fields may be added, none removed. */
import { defined } from "../base/defined.ts";
import { targetsOf, type Adjacency, type Graph } from "../graph/graph.ts";
import { criticalPath, layersOf, maxParallelism } from "../graph/paths.ts";
import type { RunOptions } from "../run/event.ts";
import type { RunState } from "../run/state.ts";
import { expectedMakespan } from "./makespan.ts";
import { planTimes } from "./plan-times.ts";

type Plan = RunState["plan"];
type Step = RunState["steps"][number];

export interface PlanStepView {
  readonly id: string;
  readonly description?: string;
  readonly deps: readonly string[];
  readonly after: readonly string[];
  /** From 1. */
  readonly layer: number;
  readonly kind: Step["action"]["kind"];
  readonly group?: string;
  readonly resources?: { readonly [pool: string]: number };
  readonly locks?: { readonly read?: readonly string[]; readonly write?: readonly string[] };
}

export interface PlanView {
  readonly name: string;
  readonly description?: string;
  readonly steps: readonly PlanStepView[];
  /** Ids by layer, the first layer first. */
  readonly layers: readonly (readonly string[])[];
  /** Steps of the widest layer. */
  readonly maxParallelism: number;
  readonly criticalPath: readonly string[];
  /** `null` where nothing is known about how long steps take. */
  readonly criticalPathMs: number | null;
  readonly expectedMakespanMs: number | null;
  readonly workers: number;
  /** Steps without a recorded duration or an estimate: each counts as 1 ms in the two times above, an approval or a signal as none. */
  readonly unknownDurations: number;
}

export interface PlanViewInput {
  readonly plan: Plan;
  readonly graph: Graph;
  readonly options: RunOptions;
  /** Recorded milliseconds by step id. */
  readonly recorded: ReadonlyMap<string, number>;
}

export function planView({ plan, graph, options, recorded }: PlanViewInput): PlanView {
  const { durationOf, unknown, isNothingKnown } = planTimes(plan, recorded);
  const path = criticalPath(graph, durationOf);
  const ids = (steps: readonly number[]): readonly string[] => steps.map((step) => graph.ids[step] ?? "");
  return defined({
    name: plan.name,
    description: plan.description,
    steps: plan.steps.map((step, i) => stepView(step, i, graph)),
    layers: layersOf(graph).map(ids),
    maxParallelism: maxParallelism(graph),
    criticalPath: ids(path),
    criticalPathMs: isNothingKnown ? null : path.reduce((sum, step) => sum + durationOf(step), 0),
    expectedMakespanMs: isNothingKnown ? null : (expectedMakespan({ plan, graph, options, durationOf }) ?? null),
    workers: options.maxConcurrency,
    unknownDurations: unknown,
  });
}

function stepView(step: Step, i: number, graph: Graph): PlanStepView {
  const names = (side: Adjacency): readonly string[] =>
    Array.from(targetsOf(side, i), (target) => graph.ids[target] ?? "");
  return defined({
    id: step.id,
    description: step.description,
    deps: names(graph.deps),
    after: names(graph.after),
    layer: (graph.layerOf[i] ?? 0) + 1,
    kind: step.action.kind,
    group: step.group,
    resources: step.resources,
    locks: step.locks,
  });
}
