/** Plan page: what a plan file would do, what is wrong with it, what more workers would bring, and the start of it. */
import type { ReactNode } from "react";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { ApiProblem, type PlanDocument } from "heddle/client";
import type { PlanView } from "heddle/view";
import { usePageTitle } from "../app/page-title.ts";
import { StatusLine } from "../app/status-line.tsx";
import { useHeddle } from "../store/heddle.tsx";
import { countOf, countText, durationText } from "../ui/format.ts";
import { StartButton } from "../start/start-button.tsx";
import { Diagnostics } from "../ui/diagnostics.tsx";
import { ProblemPanel } from "../ui/problem.tsx";
import { Waiting } from "../ui/waiting.tsx";
import { PlanGraph } from "./plan-graph.tsx";
import { PlanLayers } from "./plan-layers.tsx";
import { WhatIfPanel } from "./what-if.tsx";
import "./plan-page.css";

const route = getRouteApi("/p/$project/plans/$file");

export function PlanPage(): ReactNode {
  const { project, file } = route.useParams();
  const { client } = useHeddle();
  const document = useQuery({
    queryKey: ["plan", project, file],
    queryFn: ({ signal }) => client.project(project).plans.get(file, { signal }),
  });
  const { data, error } = document;
  usePageTitle(`${data?.plan?.name ?? file} · plan of ${project}`);
  const isProgram = error instanceof ApiProblem && error.code === "plan-module-refused";
  return (
    <>
      <main id="main" className="page plan-page">
        <div className="page-head">
          <h1>{data?.plan?.name ?? file}</h1>
          {data?.plan === undefined || data.plan === null ? null : <code className="dim">{file}</code>}
          <span className="plan-space" />
          {data === undefined && !isProgram ? null : (
            <StartButton
              project={project}
              file={file}
              unusable={data !== undefined && !data.valid ? "The plan has problems: mend them first" : undefined}
            />
          )}
        </div>
        {document.isPending ? <Waiting what="the plan" rows={8} /> : null}
        {isProgram ? <Program file={file} /> : null}
        {document.isError && !isProgram ? <ProblemPanel title="The plan cannot be shown" thrown={error} /> : null}
        {data === undefined ? null : <Shown project={project} file={file} document={data} />}
        <p className="dim">
          <Link className="link" to="/p/$project/plans" params={{ project }}>
            All plans of {project}
          </Link>
        </p>
      </main>
      <StatusLine />
    </>
  );
}

function Program({ file }: { readonly file: string }): ReactNode {
  return (
    <section className="panel plan-program">
      <h2>This plan is a program</h2>
      <p>
        To know what it says it would have to be run, and a page that only looks runs nothing. A start runs it.{" "}
        <code>heddle plan {file}</code> shows it.
      </p>
    </section>
  );
}

function Shown({
  project,
  file,
  document: { plan, diagnostics, diagnosticsInAll },
}: {
  readonly project: string;
  readonly file: string;
  readonly document: PlanDocument;
}): ReactNode {
  return (
    <>
      <Diagnostics diagnostics={diagnostics} inAll={diagnosticsInAll} />
      {plan === null ? null : (
        <>
          <Figures plan={plan} />
          <PlanGraph plan={plan} />
          <div className="plan-parts">
            <section className="panel plan-what-if" aria-label="Other numbers of workers">
              <h2>Other numbers of workers</h2>
              <WhatIfPanel project={project} of={{ plan: file }} state={plan.name} workers={plan.workers} />
            </section>
            <PlanLayers plan={plan} />
          </div>
        </>
      )}
    </>
  );
}

function Figures({ plan }: { readonly plan: PlanView }): ReactNode {
  const { steps, layers, maxParallelism, criticalPathMs, expectedMakespanMs, workers } = plan;
  const figures: readonly (readonly [string, string])[] = [
    ["Steps", countText(steps.length)],
    ["Layers", countText(layers.length)],
    ["At once at most", countText(maxParallelism)],
    ["Longest path", criticalPathMs === null ? "–" : durationText(criticalPathMs)],
    [
      `Expected with ${countOf(workers, "worker")}`,
      expectedMakespanMs === null ? "–" : durationText(expectedMakespanMs),
    ],
  ];
  return (
    <>
      {plan.description === undefined ? null : <p>{plan.description}</p>}
      <dl className="plan-figures">
        {figures.map(([name, text]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}
