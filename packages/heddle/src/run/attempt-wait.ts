/**
 * Attempt waits: what a running attempt, or a step that may start, waits for, read from the progress that is reported. Pure. Knows no
 * provider, no worktree and no lock: only what is reported of them.
 */
import { defined } from "../base/defined.ts";
import { formatDuration } from "../base/duration.ts";
import { isJsonObject, type JsonObject } from "../base/json.ts";

export interface AttemptWait {
  /** A provider that takes no requests, one whose agents are all in use, a worktree, or, before it starts, a lock of another run. */
  readonly for: "provider" | "agents" | "worktree" | "lock";
  readonly since: number;
  /** When the next try is due; absent: that depends on others. */
  readonly until?: number;
  /** What it waits for and what was said, for people. */
  readonly why: string;
  /** The provider, where it is known which. */
  readonly provider?: string;
  /** The run that has the lock. */
  readonly holder?: string;
}

/** Progress during which a wait goes on. */
const BESIDE: ReadonlySet<unknown> = new Set(["notice", "report", "usage", "isolation.breach"]);

/** What the attempt waits for after a report at `time`; `undefined`: nothing. */
export function waitAfter(
  before: AttemptWait | undefined,
  { data, time }: { readonly data: JsonObject; readonly time: number },
): AttemptWait | undefined {
  if (BESIDE.has(data["type"])) return before;
  const wait = waitIn(data, time);
  if (wait === undefined || before === undefined || before.for !== wait.for) return wait;
  return { ...wait, since: before.since };
}

/** That a report tells of; `undefined`: none. */
export function waitIn(data: JsonObject, time: number): AttemptWait | undefined {
  const { type, ms, afterMs, provider, rateLimit } = data;
  switch (type) {
    case "waiting": {
      if (data["for"] === "lock") {
        const holder = String(data["run"]);
        return { for: "lock", since: time, why: `a lock held by run ${holder}`, holder };
      }
      if (data["for"] === "worktree") return { for: "worktree", since: time, why: "a worktree: all are in use" };
      if (data["for"] === "full")
        return defined({
          for: "agents",
          since: time,
          why: `an agent of ${String(provider)}: as many as may are at work`,
          provider: nameOf(provider),
        });
      return defined({
        ...refusal(time, ms, `${String(provider)}, which takes no requests`, data),
        provider: nameOf(provider),
      });
    }
    case "retrying": {
      const limit = isJsonObject(rateLimit) ? rateLimit : {};
      return refusal(time, limit["retryAfterMs"], "its provider, which the agent asks again", data);
    }
    case "repeating":
      return refusal(time, afterMs, "its provider, to begin the turn again", data);
    default:
      return undefined;
  }
}

function nameOf(provider: unknown): string | undefined {
  return typeof provider === "string" ? provider : undefined;
}

function refusal(time: number, ms: unknown, what: string, data: JsonObject): AttemptWait {
  const { class: name, message } = data;
  const said = [name, message].filter((one) => typeof one === "string" && one !== "").join(": ");
  const until = typeof ms === "number" && ms >= 0 ? time + ms : undefined;
  return defined({ for: "provider", since: time, until, why: said === "" ? what : `${what} (${said})` });
}

/** One sentence, as part of an explanation. */
export function waitText({ since, until, why }: AttemptWait, now: number): string {
  const left = until === undefined ? "" : `, next try in ${formatDuration(Math.max(0, until - now))}`;
  const long = now > since ? ` for ${formatDuration(now - since)}` : "";
  return `waiting${long} for ${why}${left}`;
}
