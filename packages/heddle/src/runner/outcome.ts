/** Small makers of outcomes that several runners share. */
import { defined } from "../base/defined.ts";
import type { Masker } from "./mask.ts";
import type { RunningAttempt } from "./port.ts";
import type { Outcome } from "../run/attempt.ts";

/** An attempt that has failed before it began. */
export function failedAttempt(code: "spawn" | "error", message: string): RunningAttempt {
  return { outcome: Promise.resolve({ kind: "failed", error: { code, message } }), stop() {}, kill() {} };
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
      return { ...outcome, error: { ...outcome.error, message: mask.text(outcome.error.message) } };
    case "unresolved":
      return { ...outcome, question: mask.text(outcome.question) };
    case "stopped":
      return outcome;
  }
}
