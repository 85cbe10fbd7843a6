/** Cut of a timeline: its bars as they were at an event, from those of the whole run and the rows of the run at that event. Pure. */
import type { TimelineBar } from "heddle/client";
import type { LiveStep } from "heddle/view";

/** `time`: of the event. `steps`: of the run at it. */
export function barsAt(
  bars: readonly TimelineBar[],
  { time, steps }: { readonly time: number; readonly steps: readonly LiveStep[] },
): readonly TimelineBar[] {
  const rows = new Map(steps.map((step) => [step.id, step]));
  return bars.flatMap((bar): readonly TimelineBar[] => {
    const row = rows.get(bar.step);
    if (bar.startedAt > time || (bar.startedAt === time && !hasBegun(bar, row))) return [];
    if (bar.endedAt === null || bar.endedAt < time || (bar.endedAt === time && !isAtWork(bar, row))) return [bar];
    const { note: _note, ...begun } = bar;
    return [{ ...begun, endedAt: null, status: "running", durationMs: null, ranMs: null }];
  });
}

/** Of bars that begin at the time of the event, whether that is behind them. A resume may have taken the step away. */
function hasBegun({ kind, attempt, startedAt, endedAt }: TimelineBar, row: LiveStep | undefined): boolean {
  if (kind === "undo") return endedAt !== null;
  if (row === undefined) return false;
  return kind === "attempt" ? attempt <= row.attempts : row.startedAt !== null && startedAt <= row.startedAt;
}

/** Of bars that end at the time of the event, whether their end is still to come. The row tells of the step's latest bar alone. */
function isAtWork({ kind, attempt, startedAt }: TimelineBar, row: LiveStep | undefined): boolean {
  if (kind === "undo" || row === undefined) return false;
  if (row.endedAt !== null || row.startedAt !== startedAt || row.status === "retrying") return false;
  if (kind !== "attempt") return true;
  // One that asks is at work, too.
  return attempt === row.attempts && AT_WORK.has(row.status);
}

const AT_WORK: ReadonlySet<LiveStep["status"]> = new Set(["running", "needs-approval", "needs-resolution"]);
