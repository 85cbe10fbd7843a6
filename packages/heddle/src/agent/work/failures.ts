/** Failed outcomes of an agent's attempt, for all of its parts that can fail. */
import { defined } from "../../base/defined.ts";
import type { Problem } from "../../base/errors.ts";
import type { VerifyFailure } from "../../git/types.ts";
import type { Outcome } from "../../run/attempt.ts";

/** `of`: the class of the failure. `mayMend`: whether another attempt could. */
export function failed(code: "error" | "exit" | "output", message: string, of?: string, mayMend = true): Outcome {
  return {
    kind: "failed",
    error: defined({ code, message, class: of, final: mayMend ? undefined : (true as const) }),
  };
}

const LONGEST_COMMAND = 80;

/** A command of the plan failed. `what`: its purpose. */
export function failedCommand(what: "setup" | "verification", { command, reason, output }: VerifyFailure): Outcome {
  const [line = ""] = command.trim().split("\n", 1);
  const shown = line.length > LONGEST_COMMAND ? `${line.slice(0, LONGEST_COMMAND)}…` : line;
  const message = `${what} \`${shown}\` failed: ${reason}`;
  const said = output === "" ? undefined : output;
  // The next attempt may mend what was verified: `retry` decides.
  const name = what === "verification" ? "verify" : undefined;
  return { kind: "failed", error: defined({ code: "exit", message, output: said, class: name }) };
}

export function failedBy(problem: Problem): Outcome {
  return failed("error", withHint(problem));
}

/** What happened and what to do next, in the one text that a step's failure has. */
export function withHint({ message, hint }: Problem): string {
  return hint === undefined ? message : `${message} (${hint})`;
}
