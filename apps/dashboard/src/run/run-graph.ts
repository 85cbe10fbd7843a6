/** Graph of the run that is shown: how its steps hang together. Asked for again when steps join the run. */
import { useMemo } from "react";
import type { LiveRun, RunGraph, StepStatus } from "heddle/view";
import { useFollowedQuery, type Followed } from "../store/followed-query.ts";
import { useHeddle } from "../store/heddle.tsx";
import { useShownRun } from "./shown-run.tsx";
import { ENDED, FINE } from "./statuses.ts";

/** Of a graph that is small its critical path is asked for when a step has ended, of a larger one now and then. */
const SMALL = 2000;
const EVERY_MS = 2000;
const REFRESH_MS = 30_000;

/** As it is shown: now, or at the event in the address. */
export function useRunGraph(): Followed<RunGraph> {
  const { project, run, seq } = useShownRun();
  const { client } = useHeddle();
  const { head, steps } = run;
  const { run: id } = head;
  const isSmall = steps.length <= SMALL;
  const { data, error } = useFollowedQuery({
    key: ["graph", project, id, seq === undefined ? "now" : "then"],
    mark: seq ?? `${steps.length} ${head.live} ${isSmall ? head.progress.ended : ""}`,
    everyMs: EVERY_MS,
    refreshMs: head.live && seq === undefined && !isSmall ? REFRESH_MS : undefined,
    ask: (signal) => client.project(project).runs.graph(id, { signal, ...(seq === undefined ? {} : { at: seq }) }),
  });
  return { data: useSame(data), error };
}

/** The same graph until something of it is another, whatever events there were. */
function useSame(graph: RunGraph | undefined): RunGraph | undefined {
  const { steps, deps, after, containers, groups, criticalPath } = graph ?? {};
  // oxlint-disable-next-line react-hooks/exhaustive-deps
  return useMemo(() => graph, [steps, deps, after, containers, groups, criticalPath]);
}

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
