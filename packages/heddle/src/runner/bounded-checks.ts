/**
 * Output checks: hold outputs against what their steps say of them, with bounded time and memory. A check that may take long is
 * done in a worker thread, which is ended when it has used up what it is given. Two halves: the engine's ({@link boundedChecks},
 * {@link checkNow}) and the thread's ({@link serveChecks}). Knows no schema: the check itself is handed in.
 *
 * Invariant: a check that was asked for ends, whatever the schema and the output are.
 */
import type { MessagePort, Worker } from "node:worker_threads";
import type { CancelTimer, Clock } from "../base/clock.ts";
import { formatDuration } from "../base/duration.ts";
import { messageOf, systemCode } from "../base/errors.ts";
import type { Json, JsonObject } from "../base/json.ts";

/** What is wrong with an output, in one line; `undefined`: nothing. */
export type CheckOutput = (schema: JsonObject, output: Json) => string | undefined;

export interface BoundedChecks {
  check(schema: JsonObject, output: Json): Promise<string | undefined>;
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
    const job = waiting.shift();
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
  const carryOut = (worker: Worker, { schema, output, done }: Job, free: (isFree: boolean) => void): void => {
    let cancelTimer: CancelTimer | undefined;
    const end = (problem: string | undefined, isFree: boolean): void => {
      cancelTimer?.();
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
    worker.postMessage({ schema, output }, []);
  };
  return {
    async check(schema, output) {
      const { check, isShort } = await load();
      const texts = textsOf(schema, output, isShort);
      if (texts === "short") return check(schema, output);
      if (texts === "deep") return TOO_DEEP;
      return await new Promise<string | undefined>((done) => {
        waiting.push({ ...texts, done });
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
  const { parentPort, workerData } = process.getBuiltinModule("node:worker_threads");
  const now = workerData as ThreadJob | null | undefined;
  if (now !== null && now !== undefined) {
    now.answers.postMessage({ kind: "ended", problem: problemIn(check, now) } satisfies Answer, []);
    Atomics.store(now.isDone, 0, 1);
    Atomics.notify(now.isDone, 0);
    return;
  }
  parentPort?.on("message", (job: JobTexts) => {
    parentPort.postMessage({ kind: "begun" } satisfies Answer, []);
    parentPort.postMessage({ kind: "ended", problem: problemIn(check, job) } satisfies Answer, []);
  });
}

function problemIn(check: CheckOutput, { schema, output }: JobTexts): string | undefined {
  return check(JSON.parse(schema) as JsonObject, JSON.parse(output) as Json);
}

/** The one check that a thread was started for. */
interface ThreadJob extends JobTexts {
  readonly isDone: Int32Array<SharedArrayBuffer>;
  readonly answers: MessagePort;
}

/** Milliseconds of a check that its caller is stopped for: less than what a lease lasts. */
const MOST_MS_NOW = 5000;

/** The check for a caller that cannot wait for a promise: the engine's thread stands still until it is done, or given up. */
export function checkNow(
  { check, isShort, workerEntry, mostMs = MOST_MS_NOW }: UnboundedCheck & Omit<BoundedChecksOptions, "load" | "clock">,
  schema: JsonObject,
  output: Json,
): string | undefined {
  const texts = textsOf(schema, output, isShort);
  if (texts === "short") return check(schema, output);
  if (texts === "deep") return TOO_DEEP;
  const threads = process.getBuiltinModule("node:worker_threads");
  const isDone = new Int32Array(new SharedArrayBuffer(4));
  const { port1, port2 } = new threads.MessageChannel();
  const worker = new threads.Worker(workerEntry, {
    workerData: { ...texts, isDone, answers: port2 } satisfies ThreadJob,
    transferList: [port2],
    resourceLimits: { maxOldGenerationSizeMb: MOST_MB },
  });
  worker.on("error", () => undefined);
  Atomics.wait(isDone, 0, 0, mostMs);
  const received = threads.receiveMessageOnPort(port1) as { readonly message: Answer } | undefined;
  port1.close();
  void worker.terminate();
  if (received?.message.kind === "ended") return received.message.problem;
  return unchecked(`that takes more than ${formatDuration(mostMs)}, or too much memory; ${SIMPLIFY}`);
}

const TOO_DEEP = "it is nested too deeply to be checked";
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
