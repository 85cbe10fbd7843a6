/** Graph of a plan: its steps before any has begun; the step that is looked at stands in the address. */
import { useMemo, type ReactNode } from "react";
import { getRouteApi } from "@tanstack/react-router";
import type { PlanView } from "heddle/view";
import { graphSearch, type GraphChoices } from "../graph/choices.ts";
import { GraphView } from "../graph/graph-view.tsx";
import { useGraphChoices } from "../graph/use-graph-choices.ts";
import { countOf } from "../ui/format.ts";
import { plannedGraph } from "./planned-graph.ts";

const route = getRouteApi("/p/$project/plans/$file");

export function PlanGraph({ plan }: { readonly plan: PlanView }): ReactNode {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const { graph, steps } = useMemo(() => plannedGraph(plan), [plan]);
  const choices = useGraphChoices(search);
  const onChoose = (chosen: Partial<GraphChoices>): void =>
    void navigate({
      search: (before) => ({ ...before, ...graphSearch(chosen) }),
      replace: chosen.text !== undefined,
    });
  const chosen = plan.steps.find(({ id }) => id === search.step);
  return (
    <section className="panel plan-graph" aria-label="Graph">
      <GraphView
        label={`Graph of ${plan.name}, ${countOf(plan.steps.length, "step")}`}
        graph={graph}
        steps={steps}
        selected={search.step}
        onSelect={(step) => void navigate({ search: (before) => ({ ...before, step }) })}
        choices={choices}
        onChoose={onChoose}
      />
      {chosen === undefined ? null : (
        <p className="plan-chosen" role="status">
          <b>{chosen.id}</b> <span className="dim">{chosen.kind}</span>
          {chosen.description === undefined ? null : ` ${chosen.description}`}
          {chosen.deps.length === 0 ? null : <span className="dim"> after {chosen.deps.join(", ")}</span>}
        </p>
      )}
    </section>
  );
}
