/**
 * Function runner for `call` and `function`: runs the user's code in this process, or with `isolate` in a worker thread
 * that can be killed. Knows how a function is found and called and what its result means.
 *
 * Invariants:
 *  1. A function in this process can only be asked to end (`signal`). If it does not within `graceMs` it is abandoned:
 *     its outcome is returned, and whatever it does later is ignored.
 *  2. What a function prints goes to the log of its attempt; what a module prints while it is loaded, for all steps that
 *     name it, and what a function prints after its end, to standard error.
 *  3. A function that only returns costs no file, no timer and no abort controller.
 */
import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import { printingTo, printToStderr } from "../process/print-capture.ts";
import { importFunction, outcomeOfValue, shortStack } from "./call.ts";
import { AttemptContext } from "./context.ts";
import type { BaseEnvironments } from "../process/environment.ts";
import { startIsolated } from "./isolated.ts";
import { type Masker, maskerFor } from "../base/mask.ts";
import { failedAttempt } from "./failed-attempt.ts";
import { maskOutcome } from "../run/mask-outcome.ts";
import type { Attempt, RunningAttempt, Runner } from "./port.ts";
import type { Outcome, StopReason } from "../run/attempt.ts";

export interface ModuleOptions {
  readonly clock: Clock;
  /** Where secrets' values are looked up. */
  readonly bases: BaseEnvironments;
  /** The program of worker threads, see `isolated.ts`; absent: `isolate` is refused. */
  readonly workerEntry?: URL;
}

export function moduleRunner(options: ModuleOptions): Runner {
  const workers = new Set<RunningAttempt>();
  return {
    kinds: ["call", "function"],
    start(attempt) {
      const { env, secrets } = attempt;
      const masking = maskerFor(secrets, (name) => env[name] ?? options.bases.inherit[name]);
      if (!masking.ok) return failedAttempt("spawn", masking.error);
      const mask = masking.value;
      if (!attempt.isolate) return new InProcess(attempt, options.clock, mask);
      const running = startIsolated(attempt, options, mask);
      workers.add(running);
      void running.outcome.then(() => workers.delete(running));
      return running;
    },
    async [Symbol.asyncDispose]() {
      const left = [...workers];
      for (const worker of left) worker.kill();
      await Promise.all(left.map((worker) => worker.outcome));
    },
  };
}

class InProcess implements RunningAttempt {
  readonly outcome: Promise<Outcome>;
  readonly #attempt: Attempt;
  readonly #clock: Clock;
  readonly #mask: Masker | undefined;
  readonly #context: AttemptContext;
  #abandon: ((outcome: Outcome) => void) | undefined;
  #cancelGrace: (() => void) | undefined;
  #reason: StopReason | undefined;

  constructor(attempt: Attempt, clock: Clock, mask: Masker | undefined) {
    this.#attempt = attempt;
    this.#clock = clock;
    this.#mask = mask;
    this.#context = new AttemptContext(attempt, clock, mask);
    this.outcome = printingTo(this.#context, () => this.#begin(attempt));
  }

  #begin(attempt: Attempt): Promise<Outcome> {
    let result: unknown;
    try {
      result = callWork(attempt, this.#context, this.#mask);
    } catch (thrown) {
      return Promise.resolve(this.#failed(thrown));
    }
    const { work } = attempt;
    if (!isThenable(result) && (work.kind !== "function" || work.fn.check === undefined))
      return Promise.resolve(this.#returned(result));
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    this.#abandon = resolve;
    void this.#follow(result).then(resolve);
    return promise;
  }

  stop(reason: StopReason): void {
    if (this.#reason !== undefined || this.#abandon === undefined) return;
    this.#reason = reason;
    this.#context.abort(reason);
    this.#cancelGrace = this.#clock.after(this.#attempt.graceMs, () => this.#giveUp());
  }

  kill(): void {
    if (this.#abandon === undefined) return;
    this.#reason ??= "cancel";
    this.#context.abort(this.#reason);
    this.#cancelGrace?.();
    // A function that obeys its signal settles before this turn of the loop ends and then does not count as
    // abandoned.
    this.#cancelGrace = this.#clock.after(0, () => this.#giveUp());
  }

  #giveUp(): void {
    this.#context.end();
    this.#abandon?.({ kind: "stopped", reason: this.#reason ?? "cancel", abandoned: true });
  }

  async #follow(result: unknown): Promise<Outcome> {
    try {
      let value = await result;
      const { work } = this.#attempt;
      if (work.kind === "function" && work.fn.check !== undefined) {
        const checked = await work.fn.check(value);
        if ("problem" in checked)
          return this.#settled({
            kind: "failed",
            error: { code: "output", message: `the output is invalid: ${checked.problem}` },
          });
        value = checked.value;
      }
      return this.#returned(value);
    } catch (thrown) {
      return this.#failed(thrown);
    }
  }

  #returned(value: unknown): Outcome {
    return this.#settled(outcomeOfValue(value, this.#context.added));
  }

  #failed(thrown: unknown): Outcome {
    if (this.#reason === undefined) this.#context.log(shortStack(thrown));
    return this.#settled({ kind: "failed", error: { code: "error", message: messageOf(thrown) } });
  }

  #settled(outcome: Outcome): Outcome {
    this.#context.end();
    this.#cancelGrace?.();
    if (this.#reason !== undefined) return { kind: "stopped", reason: this.#reason };
    const { logProblem } = this.#context;
    if (logProblem !== undefined) return { kind: "failed", error: { code: "spawn", message: logProblem } };
    return this.#mask === undefined ? outcome : maskOutcome(outcome, this.#mask);
  }
}

function isThenable(value: unknown): boolean {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}

function callWork(attempt: Attempt, context: AttemptContext, mask: Masker | undefined): unknown {
  const { work } = attempt;
  switch (work.kind) {
    case "function":
      return work.fn.run(work.inputs, context);
    case "call": {
      const print = (text: string): void => printToStderr(mask === undefined ? text : mask.text(text));
      const loading = printingTo({ print }, () => importFunction(work.module, work.export));
      return loading.then((exported) => {
        // Ended while the module was loading: it would wait in vain for a signal that was given.
        context.throwIfAborted();
        return exported(work.with, context);
      });
    }
    default:
      throw new TypeError(`a module cannot carry out work of kind ${work.kind}`);
  }
}
