/** Run overview: what lists show of a run beyond its line, from the same view that its page has. Pure. */
import type { LiveHead, LiveRun } from "./live-run.ts";
import type { StepStatus } from "./status.ts";

/** What of a run is to be looked at. */
export interface RunLook {
  /** Ids of steps that have failed, in the order of the plan: the first {@link MOST_NAMED}. */
  readonly failed: readonly string[];
  /** Steps that wait for somebody: the first {@link MOST_NAMED}. */
  readonly asking: readonly { readonly step: string; readonly status: StepStatus }[];
}

export interface RunOverview {
  /** Of the last event. */
  readonly seq: number;
  readonly head: LiveHead;
  readonly look: RunLook;
}

/** The counts say how many there are. */
const MOST_NAMED = 3;

export function runOverview({ seq, head, steps }: LiveRun): RunOverview {
  const failed: string[] = [];
  const asking: { readonly step: string; readonly status: StepStatus }[] = [];
  for (const { id, status } of steps) {
    if (status === "failed" && failed.length < MOST_NAMED) failed.push(id);
    if ((status === "needs-approval" || status === "needs-resolution") && asking.length < MOST_NAMED)
      asking.push({ step: id, status });
  }
  return { seq, head, look: { failed, asking } };
}
