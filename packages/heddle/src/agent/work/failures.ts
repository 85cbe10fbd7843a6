/** Failed outcomes of an agent's attempt, for all of its parts that can fail. */
import { defined } from "../../base/defined.ts";
import type { Problem } from "../../base/errors.ts";
import type { Outcome } from "../../run/attempt.ts";

/** `of`: the class of the failure. `mayMend`: whether another attempt could. */
export function failed(code: "error" | "exit" | "output", message: string, of?: string, mayMend = true): Outcome {
  return {
    kind: "failed",
    error: defined({ code, message, class: of, final: mayMend ? undefined : (true as const) }),
  };
}

export function failedBy(problem: Problem): Outcome {
  return failed("error", withHint(problem));
}

/** What happened and what to do next, in the one text that a step's failure has. */
export function withHint({ message, hint }: Problem): string {
  return hint === undefined ? message : `${message} (${hint})`;
}
