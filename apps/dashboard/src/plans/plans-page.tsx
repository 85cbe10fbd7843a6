/** Plan files of a project: its own first, with the latest run of each. */
import type { ReactNode } from "react";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { runGlyph } from "heddle/view";
import { usePageTitle } from "../app/page-title.ts";
import { StatusLine } from "../app/status-line.tsx";
import { useHeddle } from "../store/heddle.tsx";
import { useNow } from "../store/now.ts";
import { agoText } from "../ui/format.ts";
import { Status } from "../ui/glyph.tsx";
import { ProblemPanel } from "../ui/problem.tsx";
import { Waiting } from "../ui/waiting.tsx";

const route = getRouteApi("/p/$project/plans");

export function PlansPage(): ReactNode {
  const { project } = route.useParams();
  const { client } = useHeddle();
  const now = useNow();
  const plans = useQuery({
    queryKey: ["plans", project],
    queryFn: ({ signal }) => client.project(project).plans.list({ signal }),
  });
  const { data } = plans;
  usePageTitle(`Plans · ${project}`);
  return (
    <>
      <main id="main" className="page">
        <div className="page-head">
          <h1>Plans of {project}</h1>
          {data?.isPartial === true ? <span className="dim">Not all folders were looked at.</span> : null}
        </div>
        {plans.isPending ? <Waiting what="plan files" /> : null}
        {plans.isError ? <ProblemPanel title="The plan files cannot be listed" thrown={plans.error} /> : null}
        {data === undefined ? null : data.items.length === 0 ? (
          <p className="dim">
            There is no plan file in this project. <code>heddle init</code> writes an example.
          </p>
        ) : (
          <div className="panel">
            <table>
              <thead>
                <tr>
                  <th>File</th>
                  <th>Latest run</th>
                  <th>Started</th>
                </tr>
              </thead>
              <tbody>
                {data.items.map(({ file, isProgram, lastRun }) => (
                  <tr key={file}>
                    <td>
                      <Link className="link" to="/p/$project/plans/$file" params={{ project, file }}>
                        {file}
                      </Link>
                      {isProgram ? <span className="dim"> program</span> : null}
                    </td>
                    <td>
                      {lastRun === undefined ? (
                        <span className="dim">none yet</span>
                      ) : (
                        <Link to="/p/$project/runs/$run" params={{ project, run: lastRun.run }} search={{}}>
                          <Status name={runGlyph(lastRun.status)} text={lastRun.status} />
                        </Link>
                      )}
                    </td>
                    <td className="dim">{lastRun === undefined ? "" : agoText(lastRun.startedAt, now)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </main>
      <StatusLine />
    </>
  );
}
