/**
 * Log feed: what an attempt writes, for one client, as it is written, from a byte of its log on. Reads no line: bytes are the cursor.
 *
 * Invariants:
 *  1. At most {@link RATE} bytes a second are sent, after a first {@link RATE}. What a client would be more than {@link RATE} bytes behind
 *     is skipped and said so: a burst costs the client nothing, and it can ask for what it misses.
 *  2. What is sent and what is skipped follow each other without a gap, from `after` to the end of the log.
 *  3. It ends with the last byte of an attempt that has ended, or that nobody works on any more.
 *  4. A log that was cut off or replaced is said to begin again; one that was removed is a problem.
 */
import type { Clock } from "../base/clock.ts";
import type { AttemptLog, Project } from "../project/port.ts";
import type { LiveRun, LiveStep } from "../view/live-run.ts";
import { noAttemptLog } from "./asked-log.ts";
import type { StepStatus } from "../view/status.ts";
import type { RunNews } from "./run-feed.ts";
import { pause } from "./pause.ts";

/** Bytes: of one second, and of how far a client may be behind. */
export const RATE: number = 256 * 1024;
/** Bytes of one message. */
const PIECE: number = 64 * 1024;
const LOOK_MS = 100;
const NEWLINE = 0x0a;

export type LogNews =
  /** `from`: where they begin in the log. */
  | { readonly type: "bytes"; readonly from: number; readonly base64: string }
  /** These were not sent. */
  | { readonly type: "skipped"; readonly from: number; readonly to: number }
  /** The log is another one, or shorter than it was: it is told from its beginning. */
  | { readonly type: "reset"; readonly reason: string }
  /** `isOver`: the attempt has ended; else nobody works on the run any more. */
  | { readonly type: "end"; readonly size: number; readonly isOver: boolean };

/** Whether an attempt still writes. */
export type AttemptStage = "to-come" | "at-work" | "over" | "left";

export interface FollowedLog {
  readonly logs: Pick<Project["logs"], "bytes">;
  readonly of: AttemptLog;
  readonly after: number;
  readonly clock: Clock;
  readonly stage: () => AttemptStage;
  /** Resolves when the client has taken it. */
  readonly send: (news: LogNews) => Promise<void>;
  readonly signal: AbortSignal;
}

export async function followLog({ logs, of, after, clock, stage, send, signal }: FollowedLog): Promise<void> {
  let offset = after;
  let file: string | undefined;
  let allowed = RATE;
  let allowedAt = clock.now();
  while (!signal.aborted) {
    const now = clock.now();
    allowed = Math.min(RATE, allowed + ((now - allowedAt) / 1000) * RATE);
    allowedAt = now;
    // Before the log: an attempt has written all when its end is recorded.
    const at = stage();
    const isLast = at === "over" || at === "left";
    const found = await logs.bytes(of, { from: 0, length: 0 });
    if (found === undefined) {
      if (file !== undefined || isLast) throw noAttemptLog(of, file !== undefined);
    } else {
      if (found.size < offset || (file ?? found.file) !== found.file) {
        await send({ type: "reset", reason: "the log was cut off or replaced" });
        offset = 0;
      }
      ({ file } = found);
      if (found.size - offset > RATE) {
        const to = await lineBehind(logs, of, found.size - Math.floor(allowed));
        await send({ type: "skipped", from: offset, to });
        offset = to;
      }
      while (offset < found.size && allowed >= 1 && !signal.aborted) {
        const length = Math.min(PIECE, Math.floor(allowed), found.size - offset);
        const bytes = (await logs.bytes(of, { from: offset, length }))?.bytes;
        if (bytes === undefined || bytes.length === 0) break;
        await send({ type: "bytes", from: offset, base64: bytes.toString("base64") });
        offset += bytes.length;
        allowed -= bytes.length;
      }
      if (isLast && offset >= found.size) return await send({ type: "end", size: found.size, isOver: at === "over" });
    }
    await pause(clock, LOOK_MS);
  }
}

/** The beginning of the line after byte `at`, if it is near. */
async function lineBehind(logs: FollowedLog["logs"], of: AttemptLog, at: number): Promise<number> {
  const found = await logs.bytes(of, { from: at, length: 4096 });
  const lineBreak = found?.bytes.indexOf(NEWLINE) ?? -1;
  return lineBreak === -1 ? at : at + lineBreak + 1;
}

const ENDED: ReadonlySet<StepStatus | undefined> = new Set<StepStatus>([
  "succeeded",
  "cached",
  "skipped",
  "failed",
  "cancelled",
]);

/** Where an attempt of a step is, from the news of its run. */
export class AttemptWatch {
  readonly #step: string;
  readonly #attempt: number;
  /** Of the step; -1: it is not there (yet). */
  #at = -1;
  #count = 0;
  #row: LiveStep | undefined;
  #isLive = true;

  constructor({ step, attempt }: Pick<AttemptLog, "step" | "attempt">) {
    this.#step = step;
    this.#attempt = attempt;
  }

  take(news: RunNews): void {
    if (news.type === "snapshot") {
      this.#isLive = news.view.head.live;
      return this.#find(news.view.steps, 0);
    }
    for (const change of news.ops) {
      if (change.op === "head") this.#isLive = change.set.live ?? this.#isLive;
      else if (change.op === "steps") this.#find(change.steps, 0);
      else if (change.op === "added") this.#find(change.steps, this.#count);
      else if (change.op === "rows")
        for (const [step, set] of change.rows)
          if (step === this.#at && this.#row !== undefined) this.#row = { ...this.#row, ...set };
    }
  }

  get stage(): AttemptStage {
    const { attempts = 0, status } = this.#row ?? {};
    if (attempts > this.#attempt) return "over";
    const isAsked = status === "needs-approval" || status === "needs-resolution";
    if (attempts === this.#attempt && status !== "running" && !isAsked) return "over";
    if (!this.#isLive || ENDED.has(status)) return "left";
    return attempts === this.#attempt ? "at-work" : "to-come";
  }

  /** In steps of which the first has number `from`. */
  #find(steps: LiveRun["steps"], from: number): void {
    if (from === 0) this.#at = -1;
    this.#count = from + steps.length;
    const found = steps.findIndex(({ id }) => id === this.#step);
    if (found === -1) return;
    this.#at = from + found;
    this.#row = steps[found];
  }
}
