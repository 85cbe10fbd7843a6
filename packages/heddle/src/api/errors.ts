/** Library errors: the `HeddleError` of a wrong call, and the `PlanError` that carries every diagnostic of a plan. */
import { HeddleError } from "../base/errors.ts";
import type { Diagnostic } from "../plan/diagnostic.ts";

/** A plan that cannot run (code `PlanInvalid`). Its message has one line per diagnostic. */
export class PlanError extends HeddleError {
  /** All that is wrong, in the order of the plan's text; never empty. */
  readonly diagnostics: readonly Diagnostic[];

  constructor(diagnostics: readonly Diagnostic[]) {
    super({
      code: "PlanInvalid",
      message: diagnostics.map(lineOf).join("\n"),
      hint: "`diagnostics` lists each problem with its position and a hint.",
    });
    this.diagnostics = diagnostics;
  }
}

function lineOf({ file, line, column, code, message }: Diagnostic): string {
  return `${file}:${line}:${column}: ${code}: ${message}`;
}

/** The step asks something that words do not answer: an approval is not given by chance. */
export function notAQuestion(run: string, step: string): HeddleError {
  return new HeddleError({
    code: "InvalidAnswer",
    message: `step ${step} of run ${run} asks no question that a text answers`,
    hint: "Use `approve`, `reject` or `resolve`.",
  });
}

/** `what` was closed by the program, and is used again. */
export function handleClosed(what: string): HeddleError {
  return new HeddleError({
    code: "HandleClosed",
    message: `the handle of ${what} was closed`,
    hint: "Open it again. Nothing that it opened is affected.",
  });
}

/** An option that no run can be started with. */
export function invalidOption(name: string, wanted: string, given: unknown): HeddleError {
  return new HeddleError({
    code: "InvalidOption",
    message: `the option ${name} must be ${wanted}, not ${describe(given)}`,
    hint: "docs/reference/api.md lists the options.",
  });
}

function describe(value: unknown): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value.slice(0, 40));
    case "number":
    case "boolean":
    case "bigint":
    case "undefined":
      return String(value);
    case "object":
      return value === null ? "null" : "an object";
    default:
      return `a ${typeof value}`;
  }
}
