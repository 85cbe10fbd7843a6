/** Background work beside the scheduler's loop: an error that it throws ends the engine with a problem. */
import { HeddleError, messageOf, type Problem } from "../base/errors.ts";

export function runInBackground(work: Promise<unknown>, onFault: (problem: Problem) => void): void {
  work.catch((thrown: unknown) => onFault(faultOf(thrown)));
}

/** The problem for a thrown value that no other code converted to a problem. */
export function faultOf(thrown: unknown): Problem {
  if (thrown instanceof HeddleError) return thrown;
  return {
    code: "EngineFault",
    message: `the engine had to stop: ${messageOf(thrown)}`,
    hint: "What is recorded is safe. Continue with `heddle resume`.",
    cause: thrown,
  };
}
