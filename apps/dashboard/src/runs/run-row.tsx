/** Row of a run: its line, and what its own page says of it: progress, time left, speed-up, cost, what to look at. */
import type { ReactNode } from "react";
import { Link } from "@tanstack/react-router";
import { runGlyph, runOverview, type LiveHead, type RunOverview } from "heddle/view";
import { leftMs, useForecast } from "../store/forecast.ts";
import { useLiveRun } from "../store/live-run.ts";
import { useNow } from "../store/now.ts";
import { useOverview } from "../store/overviews.ts";
import { agoText, costText, durationText, runningText, speedupText, timeText } from "../ui/format.ts";
import { Glyph } from "../ui/glyph.tsx";
import { ProgressBar } from "../ui/progress-bar.tsx";
import { lookText } from "./look-text.ts";
import type { ProjectRun } from "./merged-runs.ts";

export interface RunRowProps {
  readonly run: ProjectRun;
  /** The row says which project the run is of. */
  readonly hasProject: boolean;
  /** What goes on in it is followed; else it is asked for when its line changes. */
  readonly isFollowed: boolean;
  readonly isPicked: boolean;
  readonly onPick: () => void;
}

export function RunRow({ run, hasProject, isFollowed, isPicked, onPick }: RunRowProps): ReactNode {
  const now = useNow();
  const followed = useLiveRun(run.project, isFollowed ? run.run : "");
  const live = isFollowed && followed.kind === "shown" ? runOverview(followed.run) : undefined;
  const asked = useOverview(run.project, run, !isFollowed);
  const overview = live ?? asked;
  // A followed run is further than its line.
  const status = live?.head.status ?? run.status;
  const look = overview === undefined ? "" : lookText(overview);
  return (
    <tr className={isPicked ? "run-row is-picked" : "run-row"}>
      <td className="run-pick">
        <input type="checkbox" checked={isPicked} onChange={onPick} aria-label={`Compare ${run.plan} ${run.run}`} />
      </td>
      <td className="run-status">
        <span className="status">
          <Glyph name={runGlyph(status)} />
          {status}
        </span>
      </td>
      <td className="run-plan">
        <Link to="/p/$project/runs/$run" params={{ project: run.project, run: run.run }} data-row="">
          {run.plan}
        </Link>
        {hasProject ? <span className="dim run-project">{run.project}</span> : null}
        {look === "" ? null : <span className="dim run-look-below">{look}</span>}
        {overview === undefined ? null : (
          <span className="run-progress-below">
            <ProgressBar byStatus={overview.head.byStatus} />
          </span>
        )}
      </td>
      <td className="mono run-id" title={run.run}>
        {run.run.slice(0, 8)}
      </td>
      <td className="run-progress">
        {overview === undefined ? null : <ProgressBar byStatus={overview.head.byStatus} />}
      </td>
      <td className="dim run-started">
        <time dateTime={new Date(run.startedAt).toISOString()} title={timeText(run.startedAt)}>
          {agoText(run.startedAt, now)}
        </time>
      </td>
      <td className="run-time">
        <Elapsed run={run} overview={overview} now={now} />
        {live === undefined ? null : <TimeLeft project={run.project} head={live.head} now={now} />}
      </td>
      <td className="num run-speedup">{overview === undefined ? "" : speedupOf(overview.head)}</td>
      <td className="num run-cost">{overview === undefined ? "" : costText(overview.head.cost)}</td>
      <td className="dim run-look" title={look}>
        {look}
      </td>
    </tr>
  );
}

function speedupOf({ sequentialMs, parallelMs }: LiveHead): string {
  return speedupText(sequentialMs, parallelMs) ?? "–";
}

/** Of a run whose process died: as long as it had one. */
function Elapsed({
  run,
  overview,
  now,
}: {
  readonly run: ProjectRun;
  readonly overview: RunOverview | undefined;
  readonly now: number;
}): ReactNode {
  const endedAt = overview?.head.endedAt ?? run.endedAt;
  if (endedAt !== null) return durationText(endedAt - run.startedAt);
  if (run.status === "interrupted") return overview === undefined ? "" : durationText(overview.head.parallelMs);
  return runningText(now - run.startedAt);
}

/** Nothing where nobody knows how long steps take. */
function TimeLeft({
  project,
  head,
  now,
}: {
  readonly project: string;
  readonly head: LiveHead;
  readonly now: number;
}): ReactNode {
  const left = leftMs(useForecast(project, head), now);
  if (left === undefined) return null;
  return <span className="dim"> · ≈ {runningText(left)} left</span>;
}
