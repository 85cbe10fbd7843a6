/** Axis of a comparison: where a time of a run is when those in which no engine had it are taken out, so that two runs stand on one axis. Pure. */
import type { TimelineBar, TimelinePage } from "heddle/client";

export interface WorkSpan {
  /** Milliseconds from the beginning of the run. */
  readonly from: number;
  readonly to: number;
  /** Since when it waited for its turn. */
  readonly queuedFrom: number;
  readonly status: TimelineBar["status"];
}

/** By step, in the order of their times. `now`: where what goes on ends. */
export function workSpans(
  { startedAt, gaps }: Pick<TimelinePage, "startedAt" | "gaps">,
  bars: readonly TimelineBar[],
  now: number,
): ReadonlyMap<string, readonly WorkSpan[]> {
  const workOf = (time: number): number => {
    let gone = 0;
    for (const gap of gaps) if (gap.from < time) gone += Math.min(gap.to, time) - gap.from;
    return Math.max(0, time - startedAt - gone);
  };
  const spans = new Map<string, WorkSpan[]>();
  for (const { step, kind, startedAt: from, endedAt, readyAt, queuedMs, status } of bars) {
    if (kind === "undo") continue;
    const span: WorkSpan = {
      from: workOf(from),
      to: workOf(endedAt ?? Math.max(now, from)),
      queuedFrom: workOf(queuedMs !== null && readyAt !== null ? readyAt : from),
      status,
    };
    const known = spans.get(step);
    if (known === undefined) spans.set(step, [span]);
    else known.push(span);
  }
  return spans;
}
