/** Head of the run page: always visible: what the run is, how far it is, and what is wrong. */
import type { ReactNode } from "react";
import { Link } from "@tanstack/react-router";
import type { LiveHead } from "heddle/view";
import { useNow } from "../store/now.ts";
import { costText, countText, durationText, runningText, speedupText } from "../ui/format.ts";
import { RunStatusPill } from "../ui/glyph.tsx";
import { ProgressBar } from "../ui/progress-bar.tsx";
import { useShownRun } from "./shown-run.tsx";

export function RunHead(): ReactNode {
  const { run } = useShownRun();
  const { head } = run;
  return (
    <section className="run-head" aria-label="The run">
      <div className="run-title">
        <h1 className="ellipsis">{head.plan}</h1>
        <RunStatusPill status={head.status} />
        <code className="dim">run {head.run}</code>
      </div>
      <dl className="run-figures">
        <Figure name="Elapsed">
          <Elapsed head={head} />
        </Figure>
        <Figure name="Speed-up">{speedupText(head.sequentialMs, head.parallelMs) ?? "–"}</Figure>
        <Figure name="Slots">
          {head.progress.slots} of {head.progress.maxConcurrency}
        </Figure>
        <Figure name="Cost">
          {costText(head.cost)}
          {head.turnsWithoutCost > 0 ? <span className="dim"> and more</span> : null}
        </Figure>
        <Figure name="Ended">
          {countText(head.progress.ended)} <span className="dim">of {countText(head.progress.total)}</span>
        </Figure>
        <Figure name="Failed · needs you">
          <CountLink count={head.byStatus.failed} status="failed" family="bad" /> ·{" "}
          <CountLink
            count={head.byStatus["needs-approval"] + head.byStatus["needs-resolution"]}
            status="needs-approval,needs-resolution"
            family="human"
          />
        </Figure>
      </dl>
      <ProgressBar byStatus={head.byStatus} />
    </section>
  );
}

function Figure({ name, children }: { readonly name: string; readonly children: ReactNode }): ReactNode {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Elapsed({ head }: { readonly head: LiveHead }): ReactNode {
  const now = useNow();
  return head.endedAt === null ? runningText(now - head.startedAt) : durationText(head.endedAt - head.startedAt);
}

/** The count of steps, as a link to them where there are any. */
function CountLink({
  count,
  status,
  family,
}: {
  readonly count: number;
  readonly status: string;
  readonly family: "bad" | "human";
}): ReactNode {
  if (count === 0) return <span className="dim">0</span>;
  return (
    <Link
      from="/p/$project/runs/$run"
      search={(before) => ({ ...before, view: "steps" as const, status })}
      className={`run-count-${family}`}
    >
      {countText(count)}
      <span className="visually-hidden"> {family === "bad" ? "failed" : "wait for you"}</span>
    </Link>
  );
}
