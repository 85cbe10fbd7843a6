/** Runs: those of all projects, or of one, the newest first. */
import type { ReactNode } from "react";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { StatusLine } from "../app/status-line.tsx";
import { useHeddle } from "../store/heddle.tsx";
import { useNow } from "../store/now.ts";
import { agoText } from "../ui/format.ts";
import { Glyph } from "../ui/glyph.tsx";
import { ProblemPanel } from "../ui/problem.tsx";
import { Waiting } from "../ui/waiting.tsx";
import { runGlyph } from "heddle/view";

export function RunsPage(): ReactNode {
  const { project } = useParams({ strict: false });
  const { client } = useHeddle();
  const now = useNow();
  const runs = useQuery({
    queryKey: ["runs", project ?? ""],
    queryFn: async ({ signal }) => {
      const names =
        project === undefined ? (await client.projects.list({ signal })).items.map((one) => one.project) : [project];
      const lists = await Promise.all(
        names.map(async (name) => {
          const { runs } = await client.project(name).runs.list({ signal });
          return runs.map((run) => ({ ...run, project: name }));
        }),
      );
      return lists.flat().toSorted((one, other) => other.startedAt - one.startedAt);
    },
  });
  return (
    <>
      <main id="main" className="page">
        <div className="page-head">
          <h1>Runs</h1>
        </div>
        {runs.isPending ? <Waiting what="runs" /> : null}
        {runs.isError ? <ProblemPanel title="The runs cannot be shown" thrown={runs.error} /> : null}
        {runs.data === undefined ? null : (
          <div className="panel">
            <table>
              <thead>
                <tr>
                  <th>Status</th>
                  <th>Plan</th>
                  <th>Run</th>
                  <th>Started</th>
                </tr>
              </thead>
              <tbody>
                {runs.data.map((run) => (
                  <tr key={run.run}>
                    <td>
                      <span className="status">
                        <Glyph name={runGlyph(run.status)} />
                        {run.status}
                      </span>
                    </td>
                    <td>
                      <Link to="/p/$project/runs/$run" params={{ project: run.project, run: run.run }}>
                        {run.plan}
                      </Link>
                    </td>
                    <td className="mono">{run.run}</td>
                    <td className="dim">{agoText(run.startedAt, now)}</td>
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
