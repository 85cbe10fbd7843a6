/** Graph of the run: the part of the run page, with what is chosen in the address. */
import { useMemo, type ReactNode } from "react";
import { getRouteApi } from "@tanstack/react-router";
import { useRunGraph } from "../run/run-graph.ts";
import { useShownRun } from "../run/shown-run.tsx";
import { statusesOf } from "../run/run-search.ts";
import { useHeddle } from "../store/heddle.tsx";
import { CopyButton } from "../ui/copy-button.tsx";
import { ProblemPanel } from "../ui/problem.tsx";
import { Waiting } from "../ui/waiting.tsx";
import { graphSearch, type GraphChoices } from "./choices.ts";
import { GraphView } from "./graph-view.tsx";
import { useModels } from "./use-models.ts";
import { useGraphChoices } from "./use-graph-choices.ts";
import type { LiveStep } from "heddle/view";

const route = getRouteApi("/p/$project/runs/$run");

export function GraphPart(): ReactNode {
  const { project, run, seq, time } = useShownRun();
  const { client } = useHeddle();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const { steps, head } = run;
  const { data, error } = useRunGraph();
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
  const hasAgents = head.cost !== null || head.turnsWithoutCost > 0 || choices.colouring === "model";
  const models = useModels(data, choices.colouring === "model");
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
      models={hasAgents ? models : undefined}
    >
      <CopyButton
        what="as Mermaid"
        text={() => client.project(project).reports.drawing(head.run, "mermaid", seq === undefined ? {} : { at: seq })}
      />
    </GraphView>
  );
}
