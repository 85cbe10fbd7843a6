/**
 * Output checks: hold outputs against what their steps say of them, with bounded time and memory. A check that may take long is
 * done in a worker thread, which is ended when it has used up what it is given. Two halves: the engine's ({@link boundedChecks})
 * and the thread's ({@link serveChecks}). Knows no schema: the check itself is handed in.
 *
 * Invariant: a check that was asked for ends, whatever the schema and the output are.
 */
import type { Clock } from "../base/clock.ts";
import { formatDuration } from "../base/duration.ts";
import type { Json, JsonObject } from "../base/json.ts";
import { boundedThreads, serveJobs, type JobFailure } from "./bounded-threads.ts";

/** What is wrong with an output, in one line; `undefined`: nothing. */
export type CheckOutput = (schema: JsonObject, output: Json) => string | undefined;

export interface BoundedChecks {
  /** `signal`: the check is given up at once. */
  check(schema: JsonObject, output: Json, signal?: AbortSignal): Promise<string | undefined>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The check itself, and whether it is done in a moment. */
export interface UnboundedCheck {
  readonly check: CheckOutput;
  readonly isShort: (schema: JsonObject, output: Json) => boolean;
}

export interface BoundedChecksOptions {
  readonly clock: Clock;
  /** The program of the threads. */
  readonly workerEntry: URL;
  /** Loaded with the first output. */
  readonly load: () => Promise<UnboundedCheck>;
  /** Milliseconds of one check in a thread; absent: {@link MOST_MS}. */
  readonly mostMs?: number;
  /** Megabytes of one thread; absent: {@link MOST_MB}. */
  readonly mostMb?: number;
}

const MOST_MS = 10_000;
const MOST_MB = 256;
const MOST_THREADS = 2;

/** As JSON: what is nested deeply cannot be cloned. */
interface JobTexts {
  readonly schema: string;
  readonly output: string;
}

export function boundedChecks(options: BoundedChecksOptions): BoundedChecks {
  const { load, clock, workerEntry, mostMs = MOST_MS, mostMb = MOST_MB } = options;
  const threads = boundedThreads<JobTexts, string | undefined>({
    clock,
    workerEntry,
    mostMs,
    mostMb,
    mostThreads: MOST_THREADS,
  });
  const unchecked = ({ kind, message }: JobFailure): string => {
    if (kind === "given-up") return GIVEN_UP;
    if (kind === "time") return `${UNCHECKED}: that takes more than ${formatDuration(mostMs)}; ${SIMPLIFY}`;
    if (kind === "memory") return `${UNCHECKED}: that takes more than ${mostMb} MB of memory`;
    return `${UNCHECKED}: ${message}`;
  };
  return {
    async check(schema, output, signal) {
      const { check, isShort } = await load();
      const texts = textsOf(schema, output, isShort);
      if (texts === "short") return check(schema, output);
      if (texts === "deep") return TOO_DEEP;
      const checked = await threads.carryOut(texts, signal);
      return checked.ok ? checked.value : unchecked(checked.error);
    },
    async [Symbol.asyncDispose]() {
      await threads[Symbol.asyncDispose]();
    },
  };
}

/** The half of the thread. */
export function serveChecks(check: CheckOutput): void {
  serveJobs(({ schema, output }: JobTexts) => check(JSON.parse(schema) as JsonObject, JSON.parse(output) as Json));
}

const UNCHECKED = "it cannot be checked";
const TOO_DEEP = "it is nested too deeply to be checked";
const GIVEN_UP = `${UNCHECKED}: it was given up`;
const SIMPLIFY = "simplify the patterns or alternatives of the schema";

function textsOf(schema: JsonObject, output: Json, isShort: UnboundedCheck["isShort"]): JobTexts | "short" | "deep" {
  try {
    if (isShort(schema, output)) return "short";
    return { schema: JSON.stringify(schema), output: JSON.stringify(output) };
  } catch (thrown) {
    if (thrown instanceof RangeError) return "deep";
    throw thrown;
  }
}
