/**
 * Output checks: hold outputs against what their steps say of them, with bounded time and memory. A check that may take long is
 * done in a worker thread, which is ended when it has used up what it is given. Two halves: the engine's ({@link boundedChecks})
 * and the thread's ({@link serveChecks}). Knows no schema: the check itself is handed in.
 *
 * Invariant: a check that was asked for ends, whatever the schema and the output are.
 */
import type { Worker } from "node:worker_threads";
import type { CancelTimer, Clock } from "../base/clock.ts";
import { formatDuration } from "../base/duration.ts";
import { messageOf, systemCode } from "../base/errors.ts";
import type { Json, JsonObject } from "../base/json.ts";

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
/** Threads at once; further checks wait. */
const MOST_THREADS = 2;

/** As JSON: what is nested deeply cannot be cloned. */
interface JobTexts {
  readonly schema: string;
  readonly output: string;
}

interface Job extends JobTexts {
  readonly done: (problem: string | undefined) => void;
  readonly signal: AbortSignal | undefined;
}

export function boundedChecks(options: BoundedChecksOptions): BoundedChecks {
  const { load, clock, workerEntry, mostMs = MOST_MS, mostMb = MOST_MB } = options;
  const waiting: Job[] = [];
  const busy = new Set<Worker>();
  let idle: Worker | undefined;

  const start = (): Worker => {
    // Loaded by the first that needs it: every start would feel its 3 ms.
    const threads = process.getBuiltinModule("node:worker_threads");
    return new threads.Worker(workerEntry, { resourceLimits: { maxOldGenerationSizeMb: mostMb } });
  };
  const next = (): void => {
    if (busy.size >= MOST_THREADS) return;
    let job = waiting.shift();
    for (; job?.signal?.aborted === true; job = waiting.shift()) job.done(GIVEN_UP);
    if (job === undefined) return;
    let worker: Worker;
    try {
      worker = idle ?? start();
      worker.removeAllListeners();
    } catch (thrown) {
      job.done(unchecked(messageOf(thrown)));
      return;
    }
    idle = undefined;
    busy.add(worker);
    worker.ref();
    carryOut(worker, job, (isFree) => {
      busy.delete(worker);
      if (isFree && idle === undefined) {
        idle = worker;
        worker.on("exit", () => {
          if (idle === worker) idle = undefined;
        });
        // A thread without work keeps no process alive.
        worker.unref();
      } else void worker.terminate();
      next();
    });
  };
  const carryOut = (worker: Worker, { schema, output, done, signal }: Job, free: (isFree: boolean) => void): void => {
    let cancelTimer: CancelTimer | undefined;
    const giveUp = (): void => end(GIVEN_UP, false);
    const end = (problem: string | undefined, isFree: boolean): void => {
      cancelTimer?.();
      signal?.removeEventListener("abort", giveUp);
      worker.removeAllListeners();
      worker.on("error", () => undefined);
      done(problem);
      free(isFree);
    };
    worker.on("message", (answer: Answer) => {
      // The time of a new thread begins when it is there.
      if (answer.kind === "begun")
        cancelTimer = clock.after(mostMs, () =>
          end(unchecked(`that takes more than ${formatDuration(mostMs)}; ${SIMPLIFY}`), false),
        );
      else end(answer.problem, true);
    });
    worker.on("error", (thrown) => {
      const isMemory = systemCode(thrown) === "ERR_WORKER_OUT_OF_MEMORY";
      end(unchecked(isMemory ? `that takes more than ${mostMb} MB of memory` : messageOf(thrown)), false);
    });
    worker.on("exit", () => end(unchecked("its thread ended"), false));
    signal?.addEventListener("abort", giveUp, { once: true });
    worker.postMessage({ schema, output }, []);
  };
  return {
    async check(schema, output, signal) {
      const { check, isShort } = await load();
      const texts = textsOf(schema, output, isShort);
      if (texts === "short") return check(schema, output);
      if (texts === "deep") return TOO_DEEP;
      if (signal?.aborted === true) return GIVEN_UP;
      return await new Promise<string | undefined>((done) => {
        waiting.push({ ...texts, done, signal });
        signal?.addEventListener("abort", () => done(GIVEN_UP), { once: true });
        next();
      });
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...busy, ...(idle === undefined ? [] : [idle])].map((worker) => worker.terminate()));
    },
  };
}

/** The messages from a thread. */
type Answer = { readonly kind: "begun" } | { readonly kind: "ended"; readonly problem: string | undefined };

/** The half of the thread. */
export function serveChecks(check: CheckOutput): void {
  const { parentPort } = process.getBuiltinModule("node:worker_threads");
  parentPort?.on("message", (job: JobTexts) => {
    parentPort.postMessage({ kind: "begun" } satisfies Answer, []);
    parentPort.postMessage({ kind: "ended", problem: problemIn(check, job) } satisfies Answer, []);
  });
}

function problemIn(check: CheckOutput, { schema, output }: JobTexts): string | undefined {
  return check(JSON.parse(schema) as JsonObject, JSON.parse(output) as Json);
}

const TOO_DEEP = "it is nested too deeply to be checked";
const GIVEN_UP = "it cannot be checked: it was given up";
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

function unchecked(why: string): string {
  return `it cannot be checked: ${why}`;
}
