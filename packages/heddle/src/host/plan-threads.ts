/** Plan threads of this process: picks the bounds and the program of the threads that look at plans. */
import { systemClock } from "../base/clock.ts";
import { formatDuration } from "../base/duration.ts";
import type { Problem } from "../base/errors.ts";
import { err } from "../base/result.ts";
import type { PlanThreads } from "../project/parts.ts";
import type { PlanTask, PlanTaskAnswer } from "../project/plan-ask.ts";
import { boundedThreads, type JobFailure } from "../runner/bounded-threads.ts";
import { programAt } from "./program-at.ts";

const MOST_MS = 20_000;
const MOST_MB = 1024;
/** One that takes its time does not keep all others waiting. */
const MOST_THREADS = 2;
const MOST_WAITING = 64;

export function planThreads(): PlanThreads {
  const threads = boundedThreads<PlanTask, PlanTaskAnswer>({
    clock: systemClock(),
    workerEntry: programAt("./plan-worker"),
    mostMs: MOST_MS,
    mostMb: MOST_MB,
    mostThreads: MOST_THREADS,
    mostWaiting: MOST_WAITING,
  });
  return {
    async carryOut(task, signal) {
      const done = await threads.carryOut(task, signal);
      return done.ok ? done.value : err({ problem: problemOf(done.error), diagnostics: [] });
    },
    async [Symbol.asyncDispose]() {
      await threads[Symbol.asyncDispose]();
    },
  };
}

function problemOf({ kind, message }: JobFailure): Problem {
  switch (kind) {
    case "time":
      return {
        code: "PlanTooCostly",
        message: `to look at the plan takes more than ${formatDuration(MOST_MS)}`,
        hint: "`heddle plan` takes the time that it needs. Or split the plan with `plan:` steps.",
      };
    case "memory":
      return {
        code: "PlanTooCostly",
        message: `to look at the plan takes more than ${MOST_MB} MB of memory`,
        hint: "Split the plan with `plan:` steps.",
      };
    case "full":
      return {
        code: "PlanThreadsBusy",
        message: "too many plans are being looked at",
        hint: "Ask again a little later.",
      };
    default:
      return { code: "InternalError", message: `the plan could not be looked at: ${message}` };
  }
}
