/** Outcome masker: masks secrets in the texts of an attempt's outcome. Does not know what is secret. */
import { defined } from "../base/defined.ts";
import type { Masker } from "../base/mask.ts";
import type { Outcome } from "./attempt.ts";

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
      return { ...outcome, error: { ...outcome.error, message: mask.text(outcome.error.message) } };
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
