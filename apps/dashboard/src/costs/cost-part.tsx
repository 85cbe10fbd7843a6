/** Cost of the run that is shown: by step and model, as it goes on. */
import type { ReactNode } from "react";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useShownRun } from "../run/shown-run.tsx";
import { useHeddle } from "../store/heddle.tsx";
import { useNow } from "../store/now.ts";
import { ProblemPanel } from "../ui/problem.tsx";
import { Waiting } from "../ui/waiting.tsx";
import { CostFigures, CostTable, modelLines } from "./cost-tables.tsx";

export function CostPart(): ReactNode {
  const { project, run, seq } = useShownRun();
  const { client } = useHeddle();
  const { run: id, cost, turnsWithoutCost, startedAt, endedAt } = run.head;
  const now = useNow();
  const costs = useQuery({
    // What the run's head tells changes with each turn of an agent: then they are asked for again.
    queryKey: ["costs", project, id, cost, turnsWithoutCost],
    queryFn: ({ signal }) => client.project(project).costs({ run: id, signal }),
    placeholderData: keepPreviousData,
  });
  const { data } = costs;
  return (
    <div className="page" tabIndex={0} role="region" aria-label="Cost">
      {seq === undefined ? null : <p className="dim">Costs are shown as they are now.</p>}
      {costs.isPending ? <Waiting what="costs" /> : null}
      {costs.isError ? <ProblemPanel title="The costs cannot be shown" thrown={costs.error} /> : null}
      {data === undefined ? null : data.total.turns === 0 ? (
        <p className="dim">No agent of this run has told what it used.</p>
      ) : (
        <>
          <CostFigures total={data.total} ranMs={(endedAt ?? now) - startedAt} />
          <CostTable
            title="By step"
            of="Step"
            lines={data.byStep.map((one) => ({
              ...one,
              key: one.step,
              name: (
                <Link
                  className="link"
                  from="/p/$project/runs/$run"
                  search={(before) => ({ ...before, step: one.step })}
                >
                  {one.step}
                </Link>
              ),
            }))}
          />
          <CostTable title="By model" of="Model" lines={modelLines(data)} />
        </>
      )}
    </div>
  );
}
