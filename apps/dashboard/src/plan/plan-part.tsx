/** Plan of the run as it was recorded when the run began: its own settings, and each step's. */
import { useState, type ReactNode } from "react";
import { useQuery } from "@tanstack/react-query";
import { useShownRun } from "../run/shown-run.tsx";
import { useHeddle } from "../store/heddle.tsx";
import { CopyButton } from "../ui/copy-button.tsx";
import { countOf, countText } from "../ui/format.ts";
import { ProblemPanel } from "../ui/problem.tsx";
import { Waiting } from "../ui/waiting.tsx";
import { recordedPlan, type RecordedPlan } from "./recorded-plan.ts";
import "./plan-part.css";

const MOST_SHOWN = 300;

export function PlanPart(): ReactNode {
  const { project, run } = useShownRun();
  const { client } = useHeddle();
  const plan = useQuery({
    queryKey: ["recorded plan", project, run.head.run],
    queryFn: async ({ signal }) =>
      recordedPlan(await client.project(project).runs.events(run.head.run, { limit: 1, signal })),
    // What is recorded stays.
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <div className="page" tabIndex={0} role="region" aria-label="Plan">
      {plan.isPending ? <Waiting what="the plan" /> : null}
      {plan.isError ? <ProblemPanel title="The plan cannot be shown" thrown={plan.error} /> : null}
      {plan.data === undefined ? null : <PlanText plan={plan.data} />}
    </div>
  );
}

function PlanText({ plan }: { readonly plan: RecordedPlan }): ReactNode {
  const [text, setText] = useState("");
  const wanted = text.trim().toLowerCase();
  const found = plan.steps.filter(({ id, text: definition }) => `${id}\n${definition}`.toLowerCase().includes(wanted));
  return (
    <>
      <div className="page-head">
        <input
          type="search"
          aria-label="Text in a step"
          placeholder="Text in a step"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <span className="dim" role="status">
          {wanted === ""
            ? countOf(plan.steps.length, "step")
            : `${countText(found.length)} of ${countOf(plan.steps.length, "step")}`}
        </span>
        <CopyButton text={plan.whole} what="the plan as JSON" />
      </div>
      {plan.settings === "{}" ? null : (
        <details className="plan-step panel" open={wanted === ""}>
          <summary>The plan's own settings</summary>
          <pre tabIndex={0}>{plan.settings}</pre>
        </details>
      )}
      {found.slice(0, MOST_SHOWN).map(({ id, about, text: definition }) => (
        <details key={id} className="plan-step panel" open={wanted !== "" && found.length <= 5}>
          <summary>
            <b>{id}</b> <span className="dim">{about}</span>
          </summary>
          <pre tabIndex={0}>{definition}</pre>
        </details>
      ))}
      {found.length > MOST_SHOWN ? (
        <p className="dim">{countOf(found.length - MOST_SHOWN, "more step")}: a text above narrows them.</p>
      ) : null}
      <p className="dim">As it was when the run began. A resume may have taken up another one: see the events.</p>
    </>
  );
}
