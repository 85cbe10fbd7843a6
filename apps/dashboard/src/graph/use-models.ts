/** Models of the steps that are shown, as their attempts had them; asked for where somebody wants to see them. */
import { useMemo } from "react";
import type { RunGraph } from "heddle/view";
import { useShownRun } from "../run/shown-run.tsx";
import { useTimeline } from "../timeline/timeline-data.ts";

export interface StepModels {
  /** In the order of the alphabet. */
  readonly names: readonly string[];
  /** By number of the step: which of the names; absent: it had none. */
  readonly of: ReadonlyMap<number, number>;
}

const NONE: StepModels = { names: [], of: new Map() };

export function useModels(graph: RunGraph | undefined, isWanted: boolean): StepModels {
  const { project, run, last, time = Infinity } = useShownRun();
  const { data } = useTimeline(project, run.head.run, last, isWanted);
  const bars = data?.bars;
  const ids = graph?.steps;
  return useMemo(() => {
    if (!isWanted || bars === undefined || ids === undefined) return NONE;
    // Of several attempts the latest counts.
    const latest = new Map<string, string>();
    for (const { step, model, startedAt } of bars)
      if (model !== undefined && startedAt <= time) latest.set(step, model);
    const names = [...new Set(latest.values())].toSorted();
    const places = new Map(names.map((name, at) => [name, at]));
    const of = new Map<number, number>();
    for (const [step, id] of ids.entries()) {
      const at = places.get(latest.get(id) ?? "");
      if (at !== undefined) of.set(step, at);
    }
    return { names, of };
  }, [isWanted, bars, ids, time]);
}
