/** Formatting of statuses, counts and times, with their colours: the same in every command. */
import { formatDuration } from "../base/duration.ts";
import { tookText } from "../view/times.ts";
import type { RunStatus, StepCounts, StepStatus } from "../view/status.ts";
import type { Style } from "./output.ts";

export function statusStyle(status: RunStatus | StepStatus): Style {
  switch (status) {
    case "succeeded":
      return "green";
    case "failed":
      return "red";
    case "running":
    case "cached":
      return "cyan";
    case "waiting":
    case "skipped":
      return "dim";
    case "cancelled":
      return "magenta";
    default:
      return "yellow";
  }
}

/** `3 succeeded, 1 failed`; what is zero is left out. */
export function countsText(counts: StepCounts): string {
  const parts = [
    [counts.succeeded, "succeeded"],
    [counts.cached, "cached"],
    [counts.failed, "failed"],
    [counts.cancelled, "cancelled"],
    [counts.skipped, "skipped"],
    [counts.running, "running"],
    [counts.waiting, "waiting"],
  ] as const;
  const text = parts.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`);
  return text.length === 0 ? "no steps" : text.join(", ");
}

/** `2m 05s ago`, a date where it is longer than a day. */
export function timeText(time: number, now: number): string {
  const agoMs = now - time;
  if (agoMs < 86_400_000) return `${formatDuration(Math.max(0, agoMs))} ago`;
  return new Date(time).toISOString().slice(0, 16).replace("T", " ");
}

/** `Took 3.1s (sequentially 6.0s, 1.9x faster)`. */
export function timesText(times: {
  readonly sequentialMs: number;
  readonly parallelMs: number;
  readonly speedup: number | null;
}): string {
  const faster = times.speedup !== null && times.speedup >= 1.05 ? `, ${times.speedup.toFixed(1)}x faster` : "";
  return `Took ${tookText(times.parallelMs)} (sequentially ${tookText(times.sequentialMs)}${faster})`;
}
