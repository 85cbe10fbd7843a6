/** Costs of a project: by run, step, model and day. */
import type { ReactNode } from "react";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { usePageTitle } from "../app/page-title.ts";
import { StatusLine } from "../app/status-line.tsx";
import { useHeddle } from "../store/heddle.tsx";
import { countOf, timeText } from "../ui/format.ts";
import { ProblemPanel } from "../ui/problem.tsx";
import { Waiting } from "../ui/waiting.tsx";
import { CostFigures, CostTable, modelLines } from "./cost-tables.tsx";

const route = getRouteApi("/p/$project/costs");

export function CostsPage(): ReactNode {
  const { project } = route.useParams();
  const { client } = useHeddle();
  usePageTitle(`${project} · costs`);
  const costs = useQuery({
    queryKey: ["costs", project],
    queryFn: ({ signal }) => client.project(project).costs({ signal }),
  });
  const { data } = costs;
  return (
    <>
      <main id="main" className="page">
        <div className="page-head">
          <h1>Costs of {project}</h1>
          {data === undefined ? null : (
            <span className="dim">
              {data.isPartial ? `the newest ${countOf(data.runs, "run")}` : countOf(data.runs, "run")}
            </span>
          )}
        </div>
        {costs.isPending ? <Waiting what="costs" /> : null}
        {costs.isError ? <ProblemPanel title="The costs cannot be shown" thrown={costs.error} /> : null}
        {data === undefined ? null : (
          <>
            {data.unreadable.length === 0 ? null : (
              <ul className="cost-notes">
                {data.unreadable.map(({ run, problem }) => (
                  <li key={run}>
                    Run <code>{run}</code> cannot be read: {problem}
                  </li>
                ))}
              </ul>
            )}
            {data.total.turns === 0 ? (
              <p className="dim">No agent of this project has told what it used.</p>
            ) : (
              <>
                <CostFigures total={data.total} />
                <CostTable
                  title="By run"
                  of="Run"
                  lines={data.byRun.map((one) => ({
                    ...one,
                    key: one.run,
                    name: (
                      <Link
                        className="link"
                        to="/p/$project/runs/$run"
                        params={{ project, run: one.run }}
                        search={{ view: "cost" }}
                      >
                        {one.plan} <span className="mono">{one.run}</span>, {timeText(one.startedAt)}
                      </Link>
                    ),
                  }))}
                />
                <CostTable title="By model" of="Model" lines={modelLines(data)} />
                <CostTable
                  title="By step"
                  of="Step"
                  lines={data.byStep.map((one) => ({
                    ...one,
                    key: `${one.plan}\n${one.step}`,
                    name: (
                      <>
                        {one.step} <span className="dim">{one.plan}</span>
                      </>
                    ),
                  }))}
                />
                <CostTable
                  title="By day"
                  of="Day (UTC)"
                  lines={data.byDay.map((one) => ({ ...one, key: one.day, name: one.day }))}
                />
              </>
            )}
          </>
        )}
      </main>
      <StatusLine />
    </>
  );
}
