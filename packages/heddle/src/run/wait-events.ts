/** Wait events: how a `sleep` or `signal` step begins to wait, from what its plan says and the present time. Pure. */
import { defined } from "../base/defined.ts";
import { err, ok, type Result } from "../base/result.ts";
import { parseDurationOrTime } from "../base/timestamp.ts";
import type { EventOf } from "./event.ts";

interface BegunWait {
  readonly data: EventOf<"step.started">["data"];
  /** Absent: the wait has no end in time. */
  readonly timer?: EventOf<"timer.set">["data"];
}

/** Characters of a signal's name. */
const LONGEST_NAME = 200;

export function beginSleep(text: string, now: number): Result<BegunWait, string> {
  const time = parseDurationOrTime(text);
  if (time === undefined)
    return err(
      `its time is ${quoted(text)}: expected a duration such as 2h, or a time with its zone such as 2026-12-24T18:00:00Z`,
    );
  if (time.kind === "until") return ok({ data: {}, timer: { at: time.at } });
  return ok({ data: {}, timer: { at: now + time.durationMs, durationMs: time.durationMs } });
}

export function beginListening(text: string, timeoutMs: number | undefined, now: number): Result<BegunWait, string> {
  const signal = text.trim();
  if (signal === "" || signal.length > LONGEST_NAME)
    return err(`the name of its signal is ${quoted(text)}: expected 1 to ${LONGEST_NAME} characters`);
  const timer = timeoutMs === undefined ? undefined : { at: now + timeoutMs, durationMs: timeoutMs };
  return ok(defined({ data: { signal }, timer }));
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text);
}
