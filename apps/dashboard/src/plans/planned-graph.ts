/** Planned graph: the steps of a plan as the graph draws those of a run, of which none has begun. Pure. */
import type { LiveStep, PlanView, RunGraph } from "heddle/view";

export interface PlannedGraph {
  readonly graph: RunGraph;
  /** By number, as in the graph. */
  readonly steps: readonly LiveStep[];
}

export function plannedGraph({ name, steps, criticalPath }: PlanView): PlannedGraph {
  const numbers = new Map(steps.map(({ id }, at) => [id, at]));
  const numbersOf = (ids: readonly string[]): readonly number[] => ids.flatMap((id) => numbers.get(id) ?? []);
  const groups = new Map<string, number[]>();
  for (const [at, { group }] of steps.entries()) {
    if (group === undefined) continue;
    const known = groups.get(group);
    if (known === undefined) groups.set(group, [at]);
    else known.push(at);
  }
  return {
    graph: {
      run: name,
      seq: 0,
      steps: steps.map(({ id }) => id),
      deps: steps.map(({ deps }) => numbersOf(deps)),
      after: steps.map(({ after }) => numbersOf(after)),
      containers: [],
      groups: [...groups].map(([group, own]) => ({ name: group, steps: own })),
      criticalPath: numbersOf(criticalPath),
    },
    steps: steps.map(({ id, layer }) => ({ ...NOT_BEGUN, id, layer })),
  };
}

/** A step of which nothing has happened; without an id. */
export const NOT_BEGUN: LiveStep = {
  id: "",
  parent: null,
  layer: 1,
  queue: 0,
  status: "waiting",
  attempts: 0,
  readyAt: null,
  startedAt: null,
  endedAt: null,
  durationMs: null,
  waits: null,
  until: null,
  cost: null,
  note: null,
  files: null,
};
