/** Graph of the run: the part of the run page, with what is chosen in the address. */
import { useMemo, type ReactNode } from "react";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useShownRun } from "../run/shown-run.tsx";
import { statusesOf } from "../run/run-search.ts";
import { useHeddle } from "../store/heddle.tsx";
import { ProblemPanel } from "../ui/problem.tsx";
import { Waiting } from "../ui/waiting.tsx";
import { graphSearch, type GraphChoices } from "./choices.ts";
import { GraphView } from "./graph-view.tsx";
import { useGraphChoices } from "./use-graph-choices.ts";
import type { LiveStep } from "heddle/view";

const route = getRouteApi("/p/$project/runs/$run");

/** How often the critical path of a run under way is asked for anew. */
const REFRESH_MS = 30_000;

export function GraphPart(): ReactNode {
  const { project, run, seq, time } = useShownRun();
  const { client } = useHeddle();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const { steps, head } = run;
  const { data, error } = useQuery({
    // Steps that join the run change the graph, and nothing else: a replay asks once for as many as there are.
    queryKey: ["graph", project, head.run, seq === undefined, steps.length],
    queryFn: ({ signal }) =>
      client.project(project).runs.graph(head.run, { signal, ...(seq === undefined ? {} : { at: seq }) }),
    refetchInterval: head.live && seq === undefined ? REFRESH_MS : false,
    placeholderData: (before) => before,
  });
  const choices = useGraphChoices(search);
  const onChoose = (chosen: Partial<GraphChoices>): void =>
    void navigate({
      search: (before) => ({ ...before, ...graphSearch(chosen) }),
      replace: chosen.text !== undefined,
    });
  const isWanted = useMemo(() => {
    const statuses = new Set(statusesOf(search.status));
    return statuses.size === 0 ? undefined : ({ status }: LiveStep): boolean => statuses.has(status);
  }, [search.status]);
  if (data === undefined)
    return error === null ? (
      <Waiting what="the graph" />
    ) : (
      <ProblemPanel title="The graph cannot be shown" thrown={error} />
    );
  return (
    <GraphView
      label={`Graph of ${head.plan}, ${steps.length} steps`}
      graph={data}
      steps={steps}
      selected={search.step}
      onSelect={(step) => void navigate({ search: (before) => ({ ...before, step, attempt: undefined }) })}
      choices={choices}
      onChoose={onChoose}
      isWanted={isWanted}
      now={time}
    />
  );
}
