/** Graph of the run that is shown: how its steps hang together. Asked for again when steps join the run. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import type { LiveRun, RunGraph, StepStatus } from "heddle/view";
import { useHeddle } from "../store/heddle.tsx";
import { useShownRun } from "./shown-run.tsx";

/** `undefined`: it is not there yet. */
export function useRunGraph(): RunGraph | undefined {
  const { project, run, seq } = useShownRun();
  const { client } = useHeddle();
  const { run: id } = run.head;
  const { data } = useQuery({
    // A replay asks once for as many steps as there are.
    queryKey: ["graph", project, id, seq === undefined, run.steps.length],
    queryFn: ({ signal }) =>
      client.project(project).runs.graph(id, { signal, ...(seq === undefined ? {} : { at: seq }) }),
    placeholderData: keepPreviousData,
    staleTime: Infinity,
  });
  return data?.run === id ? data : undefined;
}

const ENDED: ReadonlySet<StepStatus> = new Set<StepStatus>(["succeeded", "cached", "skipped", "failed", "cancelled"]);
const FINE: ReadonlySet<StepStatus> = new Set<StepStatus>(["succeeded", "cached", "skipped"]);

/** Ids of steps that the step with this number comes after and that have not ended as it needs. */
export function openBeforeStep({ steps }: LiveRun, { deps, after }: RunGraph, at: number): readonly string[] {
  const isOpen =
    (done: ReadonlySet<StepStatus>) =>
    (before: number): readonly string[] => {
      const step = steps[before];
      return step === undefined || done.has(step.status) ? [] : [step.id];
    };
  return [...(deps[at] ?? []).flatMap(isOpen(FINE)), ...(after[at] ?? []).flatMap(isOpen(ENDED))];
}
