/** Run filter: what the search box of the runs says, in the words of `heddle runs`: `plan:release status:failed,waiting text`. Pure. */
import { RUN_STATUSES, type RunStatus } from "heddle/view";
import type { RunLine } from "heddle/client";

export interface RunFilter {
  readonly plan?: string;
  readonly status?: readonly RunStatus[];
  /** In the id or the plan's name. */
  readonly text?: string;
  /** Words that mean nothing here, each with what is wrong. */
  readonly problems: readonly string[];
}

/** A word, or `name:value` where the value may stand in quotes. */
const WORD = /(\w+):"([^"]*)"|(\w+):(\S+)|"([^"]*)"|(\S+)/g;

export function runFilterOf(query: string): RunFilter {
  const found: { plan?: string; status?: RunStatus[] } = {};
  const texts: string[] = [];
  const problems: string[] = [];
  for (const [whole, quotedName, quoted, name = quotedName, value = quoted, text] of query.matchAll(WORD)) {
    if (name === "plan" && value !== undefined && value !== "") found.plan = value;
    else if (name === "status" && value !== undefined)
      for (const word of value.split(",").filter((one) => one !== "")) {
        const status = RUN_STATUSES.find((known) => known === word);
        if (status === undefined) problems.push(`no run has the status ${word}; there are: ${RUN_STATUSES.join(", ")}`);
        else (found.status ??= []).push(status);
      }
    else texts.push(text ?? whole.replaceAll('"', ""));
  }
  const text = texts.join(" ");
  return { ...found, ...(text === "" ? {} : { text }), problems };
}

/** Whether the run is one that the server gives for this filter. `since`: milliseconds since the epoch. */
export function isInFilter(line: RunLine, { plan, status, text }: RunFilter, since?: number): boolean {
  if (plan !== undefined && line.plan !== plan) return false;
  if (status !== undefined && !status.includes(line.status)) return false;
  if (since !== undefined && line.startedAt < since) return false;
  const wanted = text?.toLowerCase();
  return wanted === undefined || line.run.includes(wanted) || line.plan.toLowerCase().includes(wanted);
}

export const PERIODS = { "1d": "Last 24 hours", "7d": "Last 7 days", "30d": "Last 30 days" } as const;
export type Period = keyof typeof PERIODS;

const DAY_MS = 24 * 3_600_000;

/** The beginning of the period, to the minute: the same for a while, so that it is asked for once. */
export function beginningOf(period: Period | undefined, now: number): number | undefined {
  if (period === undefined) return undefined;
  return Math.floor((now - Number.parseInt(period, 10) * DAY_MS) / 60_000) * 60_000;
}
