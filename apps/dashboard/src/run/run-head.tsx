/** Head of the run page: always visible: what the run is, how far it is, and what is wrong. */
import type { ReactNode } from "react";
import { Link } from "@tanstack/react-router";
import type { LiveHead } from "heddle/view";
import { leftMs, useForecast } from "../store/forecast.ts";
import { useNow } from "../store/now.ts";
import { costText, countOf, countText, durationText, runningText, speedupText } from "../ui/format.ts";
import { RunStatusPill } from "../ui/glyph.tsx";
import { ProgressBar } from "../ui/progress-bar.tsx";
import { RunActions } from "./run-actions.tsx";
import { useShownNow, useShownRun } from "./shown-run.tsx";

export function RunHead(): ReactNode {
  const { run } = useShownRun();
  const { head } = run;
  return (
    <section className="run-head" aria-label="The run">
      <div className="run-title">
        <h1 className="ellipsis">{head.plan}</h1>
        <RunStatusPill status={head.status} />
        <code className="dim">run {head.run}</code>
        <RunActions />
      </div>
      <dl className="run-figures">
        <Figure name="Elapsed">
          <Elapsed head={head} />
        </Figure>
        {head.endedAt === null ? <TimeLeft /> : null}
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
  const now = useShownNow();
  return head.endedAt === null ? runningText(now - head.startedAt) : durationText(head.endedAt - head.startedAt);
}

/** When the run is expected to end, by the durations that are known; nothing where nobody knows any. */
function TimeLeft(): ReactNode {
  const { project, run, seq } = useShownRun();
  const now = useNow();
  const forecast = useForecast(project, run.head, seq === undefined);
  const left = leftMs(forecast, now);
  // A run that waits for somebody ends when they come.
  if (forecast === undefined || left === undefined || run.head.progress.slots === 0) return null;
  const { unknownDurations } = forecast;
  return (
    <Figure name={unknownDurations === 0 ? "Left, as recorded" : `Left, ${countOf(unknownDurations, "step")} guessed`}>
      ≈ {runningText(left)}
    </Figure>
  );
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
