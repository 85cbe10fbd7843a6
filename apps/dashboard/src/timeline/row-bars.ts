/** Row bars: what a timeline shows of a step: its attempts, what was taken from an earlier run, and what is expected of it. Pure. */
import type { ForecastBar, TimelineBar } from "heddle/client";
import type { LiveStep, StepStatus } from "heddle/view";
import type { AttemptFilter } from "./choices.ts";

/** How a bar looks: the status that it had or has; `asked`: a person was; `waited`: for a time or a signal; `expected`: it has not begun. */
export type TimelineLook =
  | "succeeded"
  | "failed"
  | "cancelled"
  | "interrupted"
  | "running"
  | "cached"
  | "asked"
  | "waited"
  | "container"
  | "undo"
  | "expected";

export interface RowBar {
  readonly key: string;
  readonly step: string;
  readonly look: TimelineLook;
  readonly from: number;
  /** `null`: it goes on. */
  readonly to: number | null;
  /** Since when it waited for its turn; absent: it did not. */
  readonly queuedFrom?: number;
  /** Absent: what is expected, or was taken from an earlier run. */
  readonly bar?: TimelineBar;
}

export interface TimelineRow {
  readonly key: string;
  readonly label: string;
  /** Absent: the row has more than one step. */
  readonly step?: string;
  readonly status?: StepStatus;
  /** How deep in containers. */
  readonly depth: number;
  readonly bars: readonly RowBar[];
}

export interface RowsInput {
  readonly bars: readonly TimelineBar[];
  readonly steps: readonly LiveStep[];
  readonly forecast: readonly ForecastBar[];
  readonly attempts: AttemptFilter;
  /** Only steps with this text in their ids, in any case. */
  readonly q: string;
}

/** Of the attempt that is `most`'s last, or of which there are so many. */
export function isMeant(filter: AttemptFilter, attempt: number, most: number): boolean {
  if (filter === "last") return attempt === most;
  return filter === "all" || most > 1;
}

/** Whether a step's id has the text in it, in any case. */
export function matcher(q: string): (step: string) => boolean {
  const text = q.trim().toLowerCase();
  return (step) => text === "" || step.toLowerCase().includes(text);
}

export function rowBar(bar: TimelineBar): RowBar {
  const { step, attempt, kind, startedAt: from, endedAt: to, readyAt, queuedMs } = bar;
  const begun = { key: `${step} ${kind} ${attempt} ${from}`, step, look: lookOf(bar), from, to, bar };
  return queuedMs !== null && queuedMs > 0 && readyAt !== null ? { ...begun, queuedFrom: readyAt } : begun;
}

function lookOf({ kind, status }: TimelineBar): TimelineLook {
  switch (kind) {
    case "approval":
      return "asked";
    case "wait":
      return "waited";
    case "container":
      return "container";
    case "undo":
      return status === "failed" ? "failed" : "undo";
    case "attempt":
      return status;
  }
}
