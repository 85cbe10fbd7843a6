/** Engine problems: messages for people about leases, questions and the journal. */
import { unreachable } from "../base/assert.ts";
import type { Problem } from "../base/errors.ts";
import type { AppendError, LeaseError } from "../journal/port.ts";

export function leaseProblem(error: LeaseError, run: string): Problem {
  switch (error.kind) {
    case "held":
      return {
        code: "RunHeld",
        message: `run ${run} is held by another process: ${error.holder.title} (pid ${error.holder.pid})`,
        hint: `Follow it with \`heddle watch ${run}\`, or end it with \`heddle cancel ${run}\`.`,
      };
    case "unknown-run":
      return {
        code: "UnknownRun",
        message: `there is no run ${run}`,
        hint: "`heddle runs` lists the runs of this project.",
      };
    case "failed":
      return error.problem;
    default:
      return unreachable(error);
  }
}

export function appendProblem(error: AppendError, run: string): Problem {
  switch (error.kind) {
    case "fenced":
      return lostLease(run);
    case "unknown":
      return error.problem;
    case "conflict":
      return {
        code: "JournalConflict",
        message: `the journal of run ${run} has ${error.expected - 1} events, but this process expected ${error.actual - 1}`,
        hint: `Continue with \`heddle resume ${run}\`, which reads it again.`,
      };
    default:
      return unreachable(error);
  }
}

export function lostLease(run: string): Problem {
  return {
    code: "LeaseLost",
    message: `another process took run ${run} over while this one did not respond; this one has recorded nothing more`,
    hint: `Follow it with \`heddle watch ${run}\`.`,
  };
}

/** The engine is done with the run, which needs answers or signals to go on. */
export function notLive(run: string): Problem {
  return {
    code: "RunNotLive",
    message: `this process does not work on run ${run} any more`,
    hint: `Nothing was recorded. Send it as to a run that nobody works on: by \`open("${run}")\`, or on the command line.`,
  };
}

/** `phase`: the step's phase; absent: there is no such step. */
export function notAsked(run: string, step: string, phase: string | undefined): Problem {
  return {
    code: "NotAsked",
    message: `step ${step} of run ${run} is not waiting for an answer${phase === undefined ? ": there is no such step" : ` (it is ${phase === "waiting-for-answer" ? "answered" : phase})`}`,
    hint: `\`heddle show ${run}\` lists the steps that are.`,
  };
}

export function answeredTooLate(run: string, step: string): Problem {
  return {
    code: "AnswerTooLate",
    message: `the time to answer ${step} in run ${run} is over; what its \`onTimeout\` says counts`,
    hint: `\`heddle resume ${run}\` goes on with that.`,
  };
}
