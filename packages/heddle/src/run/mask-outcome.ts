/** Outcome masker: masks secrets in the texts of an attempt's outcome. Does not know what is secret. */
import { defined } from "../base/defined.ts";
import type { Masker } from "../base/mask.ts";
import type { Outcome } from "./attempt.ts";
import type { StepError } from "./event.ts";

function maskError(error: StepError, mask: Masker): StepError {
  const { message, output } = error;
  return defined({
    ...error,
    message: mask.text(message),
    output: output === undefined ? undefined : mask.text(output),
  });
}

/** Masks every text of an outcome. */
export function maskOutcome(outcome: Outcome, mask: Masker): Outcome {
  switch (outcome.kind) {
    case "succeeded":
      return defined({
        ...outcome,
        output: mask.json(outcome.output),
        steps: outcome.steps?.map((step) => mask.json(step as never)),
      });
    case "failed":
      return { ...outcome, error: maskError(outcome.error, mask) };
    case "unresolved":
      return defined({
        ...outcome,
        question: mask.text(outcome.question),
        options: outcome.options?.map((option) => mask.text(option)),
      });
    case "stopped":
      return outcome;
  }
}
