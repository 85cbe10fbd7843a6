/** Reason texts: why a step does not go on, in a few words for a table and in a sentence for a panel. Pure. */
import type { LiveStep, Reason } from "heddle/view";
import { countText, durationText } from "../ui/format.ts";

/** One line for the table: its error or why it was skipped, else what it waits for. `undefined`: nothing is to be said. */
export function stepLine({ note, status }: LiveStep, reasons: readonly Reason[], now: number): string | undefined {
  if (note !== null && status !== "retrying") return note;
  const waits = reasons.map((reason) => namedWords(reason, now)).join("; ");
  if (note === null) return waits === "" ? undefined : waits;
  return waits === "" ? note : `${waits} · ${note}`;
}

/** Names in one line. */
const MOST_NAMED = 3;

function namedWords(reason: Reason, now: number): string {
  const { kind, steps = [] } = reason;
  if (kind !== "deps" || steps.length === 0) return reasonWords(reason, now);
  const more = steps.length - MOST_NAMED;
  return `waits for ${steps.slice(0, MOST_NAMED).join(", ")}${more > 0 ? ` and ${countText(more)} more` : ""}`;
}

/** What is waited for: of {@link Reason.steps} only the number, as who shows them links them. */
export function reasonWords(reason: Reason, now: number): string {
  const { kind, resource = "", lock = "", run = "", signal = "", have, want, of, used = 0, limit = 0, until } = reason;
  const taken = of === undefined || have === undefined ? "" : `: ${countText(of - have)} of ${countText(of)} in use`;
  switch (kind) {
    case "deps":
      return have === undefined || want === undefined
        ? "waits for steps before it"
        : `waits for steps before it: ${countText(have)} of ${countText(want)} have ended`;
    case "layer":
      return have === undefined ? "waits for its layer" : `waits for layer ${countText(have)} to end`;
    case "slot":
      return `waits for a worker${taken}`;
    case "agent-slot":
      return `waits for an agent${resource === "" ? "" : ` of ${resource}`}${taken}`;
    case "pool":
      return `waits for ${countText(want ?? 1)} ${resource}: ${countText(have ?? 0)} of ${countText(of ?? 0)} free`;
    case "lock":
      return `waits for the lock ${lock}`;
    case "foreign-lock":
      return run === "" ? "waits for a lock of another run" : `waits for a lock that run ${run} has`;
    case "group":
      return `waits for its turn in the worktree of group ${resource}`;
    case "writes":
      return "waits for a step that may write the same files";
    case "worktree":
      return "waits for a worktree: all are in use";
    case "memory":
      return `waits for memory: ${countText(used)} MB in use, the limit is ${countText(limit)} MB`;
    case "cpu":
      return `waits for the processor: ${used} % in use, the limit is ${limit} %`;
    case "rate-limit":
      return `waits for ${resource === "" ? "its provider" : resource}, which takes no requests${dueText(until, now)}`;
    case "retry-delay":
      return `next attempt${until === undefined ? " is due" : dueText(until, now)}`;
    case "person":
      return `waits for an answer${until === undefined ? "" : `, ${durationText(Math.max(0, until - now))} left`}`;
    case "timer":
      return `waits for its time${dueText(until, now)}`;
    case "signal":
      return signal === "" ? "waits for a signal" : `waits for the signal ${signal}`;
    case "condition":
      return "its condition is looked at next";
    case "paused":
      return "the run is paused";
    case "ending":
      return "nothing more starts: the run is ending";
    case "resume":
      return "nobody works on the run: a resume goes on with it";
    case "turn":
      return "is next";
    default:
      return "waits";
  }
}

function dueText(until: number | undefined, now: number): string {
  return until === undefined ? "" : until <= now ? " now" : ` in ${durationText(until - now)}`;
}
