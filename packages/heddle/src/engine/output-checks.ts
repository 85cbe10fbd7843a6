/**
 * Output checks of the run itself: holds what a plan inside a step, or a signal, gives against the step's `output` schema. The checks are
 * loaded when the first such step is seen. Outputs of attempts are checked where these are carried out.
 */
import { invariant } from "../base/assert.ts";
import type { Json, JsonObject } from "../base/json.ts";
import type * as checks from "../plan/schema/output-check.ts";
import type { Step } from "../plan/plan.ts";

function isCheckedHere({ action, output }: Step): boolean {
  return output !== undefined && (action.kind === "plan" || action.kind === "signal");
}

export class OutputChecks {
  #checks: typeof checks | undefined;

  /** Call with every step before {@link problem} is asked about it. */
  async prepare(steps: readonly Step[]): Promise<void> {
    if (this.#checks !== undefined) return;
    if (steps.some(isCheckedHere)) this.#checks = await import("../plan/schema/output-check.ts");
  }

  problem(schema: JsonObject, output: Json): string | undefined {
    invariant(this.#checks !== undefined, "an output was to be checked before its step was prepared");
    return this.#checks.compileOutputCheck(schema)(output);
  }
}
