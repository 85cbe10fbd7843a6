/**
 * Bounded threads: work that may take long is done in a few worker threads, each job with bounded time and memory. A thread that has used
 * up what it is given is ended. Two halves: that of the process ({@link boundedThreads}) and that of the thread ({@link serveJobs}). Knows
 * nothing of the work.
 *
 * Invariants:
 *  1. A job that was asked for ends, whatever it is.
 *  2. A thread without work keeps no process alive.
 */
import type { Worker } from "node:worker_threads";
import type { CancelTimer, Clock } from "../base/clock.ts";
import { messageOf, systemCode } from "../base/errors.ts";
import { err, ok, type Result } from "../base/result.ts";

export interface BoundedThreadsOptions {
  readonly clock: Clock;
  /** The program of the threads. */
  readonly workerEntry: URL;
  /** Milliseconds of one job, from when its thread has begun with it. */
  readonly mostMs: number;
  /** Megabytes of one thread. */
  readonly mostMb: number;
  /** Threads at once; further jobs wait. */
  readonly mostThreads: number;
  /** Jobs that wait; further ones are refused. Absent: no bound, the caller has one. */
  readonly mostWaiting?: number;
}

/**
 * Why a job has no answer: its caller gave it up, it took too much time or memory, too many wait before it, or its thread `ended`, which
 * `message` says more of.
 */
export interface JobFailure {
  readonly kind: "given-up" | "time" | "memory" | "full" | "ended";
  readonly message: string;
}

export interface BoundedThreads<Task, Answer> extends AsyncDisposable {
  /** `signal`: the job is given up at once. */
  carryOut(task: Task, signal?: AbortSignal): Promise<Result<Answer, JobFailure>>;
}

interface Job<Task, Answer> {
  readonly task: Task;
  readonly done: (result: Result<Answer, JobFailure>) => void;
  readonly signal: AbortSignal | undefined;
}

/** The messages from a thread. */
type FromJobThread =
  | { readonly kind: "begun" }
  | { readonly kind: "ended"; readonly answer: unknown }
  | { readonly kind: "failed"; readonly message: string };

const GIVEN_UP = { ok: false, error: { kind: "given-up", message: "it was given up" } } as const;

export function boundedThreads<Task, Answer>(options: BoundedThreadsOptions): BoundedThreads<Task, Answer> {
  const { clock, workerEntry, mostMs, mostMb, mostThreads, mostWaiting = Infinity } = options;
  const waiting: Job<Task, Answer>[] = [];
  const busy = new Set<Worker>();
  let idle: Worker | undefined;

  const start = (): Worker => {
    // Loaded by the first that needs it: every start would feel its 3 ms.
    const threads = process.getBuiltinModule("node:worker_threads");
    return new threads.Worker(workerEntry, { resourceLimits: { maxOldGenerationSizeMb: mostMb } });
  };
  const next = (): void => {
    if (busy.size >= mostThreads) return;
    let job = waiting.shift();
    for (; job?.signal?.aborted === true; job = waiting.shift()) job.done(GIVEN_UP);
    if (job === undefined) return;
    let worker: Worker;
    try {
      worker = idle ?? start();
      worker.removeAllListeners();
    } catch (thrown) {
      job.done(err({ kind: "ended", message: messageOf(thrown) }));
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
        worker.unref();
      } else void worker.terminate();
      next();
    });
  };
  const carryOut = (
    worker: Worker,
    { task, done, signal }: Job<Task, Answer>,
    free: (isFree: boolean) => void,
  ): void => {
    let cancelTimer: CancelTimer | undefined;
    const giveUp = (): void => end(GIVEN_UP, false);
    const end = (result: Result<Answer, JobFailure>, isFree: boolean): void => {
      cancelTimer?.();
      signal?.removeEventListener("abort", giveUp);
      worker.removeAllListeners();
      worker.on("error", () => undefined);
      done(result);
      free(isFree);
    };
    worker.on("message", (message: FromJobThread) => {
      // The time of a new thread begins when it is there.
      if (message.kind === "begun")
        cancelTimer = clock.after(mostMs, () => end(err({ kind: "time", message: `more than ${mostMs} ms` }), false));
      else if (message.kind === "failed") end(err({ kind: "ended", message: message.message }), true);
      else end(ok(message.answer as Answer), true);
    });
    worker.on("error", (thrown) => {
      const isMemory = systemCode(thrown) === "ERR_WORKER_OUT_OF_MEMORY";
      const failure: JobFailure = isMemory
        ? { kind: "memory", message: `more than ${mostMb} MB` }
        : { kind: "ended", message: messageOf(thrown) };
      end(err(failure), false);
    });
    worker.on("exit", () => end(err({ kind: "ended", message: "its thread ended" }), false));
    signal?.addEventListener("abort", giveUp, { once: true });
    worker.postMessage(task, []);
  };
  return {
    async carryOut(task, signal) {
      if (signal?.aborted === true) return GIVEN_UP;
      if (waiting.length >= mostWaiting) return err({ kind: "full", message: "too many wait before it" });
      return await new Promise<Result<Answer, JobFailure>>((done) => {
        const job = { task, done, signal };
        waiting.push(job);
        signal?.addEventListener(
          "abort",
          () => {
            const at = waiting.indexOf(job);
            if (at !== -1) waiting.splice(at, 1);
            done(GIVEN_UP);
          },
          { once: true },
        );
        next();
      });
    },
    async [Symbol.asyncDispose]() {
      for (const { done } of waiting.splice(0)) done(GIVEN_UP);
      await Promise.all([...busy, ...(idle === undefined ? [] : [idle])].map((worker) => worker.terminate()));
    },
  };
}

/** The half of the thread. A message that cannot be sent, and what `carryOut` throws, ends the job and not the thread. */
export function serveJobs<Task, Answer>(carryOut: (task: Task) => Answer | Promise<Answer>): void {
  const { parentPort } = process.getBuiltinModule("node:worker_threads");
  const tell = (message: FromJobThread): void => parentPort?.postMessage(message, []);
  parentPort?.on("message", async (task: Task) => {
    tell({ kind: "begun" });
    try {
      tell({ kind: "ended", answer: await carryOut(task) });
    } catch (thrown) {
      tell({ kind: "failed", message: messageOf(thrown) });
    }
  });
}
