/**
 * Isolated function: runs a function in its own worker thread, so that an endless loop or exhausted memory ends with the
 * thread. Two halves: the engine's ({@link startIsolated}) and the thread's ({@link serveIsolated}), and the messages
 * between them. The thread's program is composed elsewhere: finding a plan's function is not a runner's job.
 *
 * Invariant: what the function prints is sent in the order of its log lines, and at once, so that it is there if the thread
 * never ends by itself; a thread that prints faster than the engine reads waits.
 */
import type { Worker } from "node:worker_threads";
import type { Clock } from "../base/clock.ts";
import { defined } from "../base/defined.ts";
import { messageOf, systemCode } from "../base/errors.ts";
import type { Json, JsonObject } from "../base/json.ts";
import { captureRest } from "../process/print-capture.ts";
import type { StepFunction } from "../plan/plan.ts";
import { AttemptContext } from "./context.ts";
import type { Masker } from "../base/mask.ts";
import { importFunction, outcomeOfValue, shortStack } from "./call.ts";
import type { Attempt, RunningAttempt } from "./port.ts";
import { maskOutcome } from "../run/mask-outcome.ts";
import { failedAttempt } from "./failed-attempt.ts";
import type { Outcome, StopReason } from "../run/attempt.ts";

/** The message to the thread, cloned. */
interface ThreadTask {
  readonly run: string;
  readonly step: string;
  readonly attempt: number;
  readonly params: JsonObject;
  readonly item: Json | undefined;
  readonly work:
    | { readonly kind: "call"; readonly module: string; readonly export: string; readonly with: JsonObject }
    | { readonly kind: "function"; readonly planModule: string; readonly inputs: Readonly<Record<string, unknown>> };
}

type FromThread =
  | { readonly kind: "log"; readonly line: string }
  | { readonly kind: "print"; readonly text: string }
  | { readonly kind: "progress"; readonly data: JsonObject }
  | { readonly kind: "outcome"; readonly outcome: Outcome };

/** Characters of text sent and not yet read, in the memory of both; above the limit the thread waits. */
type Unread = Int32Array<SharedArrayBuffer>;
const MAX_UNREAD = 1 << 20;
/** Counted for each text, so that empty ones are bounded too. */
const TEXT_OVERHEAD = 64;

export interface IsolatedOptions {
  readonly clock: Clock;
  readonly workerEntry?: URL;
}

export function startIsolated(attempt: Attempt, options: IsolatedOptions, mask: Masker | undefined): RunningAttempt {
  const { work } = attempt;
  if (options.workerEntry === undefined) return failedAttempt("spawn", "isolate: this build has no worker threads");
  if (work.kind === "run")
    return failedAttempt("spawn", "only functions can be isolated: commands run in their own processes");
  if (work.kind === "function" && work.planModule === undefined) {
    return failedAttempt(
      "spawn",
      "isolate: the plan's functions are not in a module file, so a worker thread cannot load them",
    );
  }
  const task: ThreadTask = {
    run: attempt.run,
    step: attempt.step,
    attempt: attempt.attempt,
    params: attempt.params,
    item: attempt.item,
    work: work.kind === "call" ? work : { kind: "function", planModule: work.planModule ?? "", inputs: work.inputs },
  };
  const unread: Unread = new Int32Array(new SharedArrayBuffer(4));
  let worker: Worker;
  try {
    // Loaded by the first that needs it: every start would feel its 3 ms.
    const threads = process.getBuiltinModule("node:worker_threads");
    worker = new threads.Worker(
      options.workerEntry,
      defined({
        workerData: { heddleTask: task, unread },
        stdout: true,
        stderr: true,
        resourceLimits: attempt.maxMemoryMb === undefined ? undefined : { maxOldGenerationSizeMb: attempt.maxMemoryMb },
      }),
    );
  } catch (thrown) {
    return failedAttempt("spawn", `isolate: ${messageOf(thrown)}`);
  }
  return followWorker(worker, { attempt, clock: options.clock, mask, unread });
}

interface Following {
  readonly attempt: Attempt;
  readonly clock: Clock;
  readonly mask: Masker | undefined;
  readonly unread: Unread;
}

function followWorker(worker: Worker, { attempt, clock, mask, unread }: Following): RunningAttempt {
  const context = new AttemptContext(attempt, clock, mask);
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  let reason: StopReason | undefined;
  let told: Outcome | undefined;
  let cancelGrace: (() => void) | undefined;
  // What Node itself prints in the thread; the function's text comes as messages.
  for (const stream of [worker.stdout, worker.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => context.print(text));
  }
  worker.on("message", (message: FromThread) => {
    if (message.kind === "log" || message.kind === "print") {
      if (message.kind === "log") context.log(message.line);
      else context.print(message.text);
      Atomics.sub(unread, 0, sizeOf(message));
      Atomics.notify(unread, 0);
    } else if (message.kind === "progress") context.progress(message.data);
    else {
      told = message.outcome;
      // What the function left running in its thread ends with it.
      void worker.terminate();
    }
  });
  worker.on("error", (error) => {
    const code = systemCode(error) === "ERR_WORKER_OUT_OF_MEMORY" ? "memory" : "error";
    const limit =
      code === "memory"
        ? `the step used more memory than its limit of ${attempt.maxMemoryMb ?? "?"} MB`
        : messageOf(error);
    if (code === "error") context.log(shortStack(error));
    told ??= { kind: "failed", error: { code, message: limit } };
  });
  worker.once("exit", () => {
    cancelGrace?.();
    context.end();
    const { logProblem } = context;
    const ended: Outcome =
      logProblem === undefined
        ? (told ?? { kind: "failed", error: { code: "error", message: "the function ended its thread" } })
        : { kind: "failed", error: { code: "spawn", message: logProblem } };
    const outcome: Outcome = reason === undefined ? ended : { kind: "stopped", reason };
    resolve(mask === undefined ? outcome : maskOutcome(outcome, mask));
  });
  return {
    outcome: promise,
    stop(why) {
      if (reason !== undefined) return;
      reason = why;
      worker.postMessage(why, []);
      cancelGrace = clock.after(attempt.graceMs, () => void worker.terminate());
    },
    kill() {
      reason ??= "cancel";
      void worker.terminate();
    },
  };
}

function sizeOf(message: FromThread & { readonly kind: "log" | "print" }): number {
  return TEXT_OVERHEAD + (message.kind === "log" ? message.line : message.text).length;
}

/** Finds a plan's function by step id, given the absolute path of the plan's module. Throws with a message for people. */
export type FindFunction = (planModule: string, step: string) => Promise<StepFunction>;

/** The thread's program: carries out the one task that it was started for. */
export async function serveIsolated(findFunction: FindFunction): Promise<void> {
  const { parentPort: port, workerData } = process.getBuiltinModule("node:worker_threads");
  const { heddleTask: task, unread } = (workerData ?? {}) as { heddleTask?: ThreadTask; unread?: Unread };
  if (port === null || task === undefined || unread === undefined) return;
  const tell = (message: FromThread): void => port.postMessage(message, []);
  const tellText = (message: FromThread & { readonly kind: "log" | "print" }): void => {
    let open = Atomics.add(unread, 0, sizeOf(message));
    tell(message);
    for (; open > MAX_UNREAD; open = Atomics.load(unread, 0)) Atomics.wait(unread, 0, open);
  };
  captureRest({ print: (text) => tellText({ kind: "print", text }) });
  const controller = new AbortController();
  port.on("message", (reason: string) =>
    controller.abort(new DOMException(`the step was ended: ${reason}`, "AbortError")),
  );
  const added: unknown[] = [];
  const { work: _work, ...facts } = task;
  const context = {
    ...facts,
    signal: controller.signal,
    log: (line: string) => tellText({ kind: "log", line: String(line) }),
    progress: (data: JsonObject) => tell({ kind: "progress", data }),
    addSteps: (steps: readonly unknown[]) => void added.push(...steps),
  };
  let outcome: Outcome;
  try {
    outcome = await carryOut(task, context, added, findFunction);
  } catch (thrown) {
    tellText({ kind: "log", line: shortStack(thrown) });
    outcome = { kind: "failed", error: { code: "error", message: messageOf(thrown) } };
  }
  tell({ kind: "outcome", outcome });
}

async function carryOut(
  task: ThreadTask,
  context: Parameters<StepFunction["run"]>[1],
  added: unknown[],
  find: FindFunction,
): Promise<Outcome> {
  const { work } = task;
  if (work.kind === "call") {
    const exported = await importFunction(work.module, work.export);
    return outcomeOfValue(await exported(work.with, context), added.length === 0 ? undefined : added);
  }
  const fn = await find(work.planModule, task.step);
  let value = await fn.run({ ...work.inputs }, context);
  if (fn.check !== undefined) {
    const checked = await fn.check(value);
    if ("problem" in checked)
      return { kind: "failed", error: { code: "output", message: `the output is invalid: ${checked.problem}` } };
    value = checked.value;
  }
  return outcomeOfValue(value, added.length === 0 ? undefined : added);
}
