/**
 * Output checks of the run itself: holds what a plan inside a step, or a signal, gives against the step's `output` schema. The checks are
 * loaded when the first such step is seen. Outputs of attempts are checked where these are carried out.
 */
import { invariant } from "../base/assert.ts";
import type { Json, JsonObject } from "../base/json.ts";
import type { Step } from "../plan/plan.ts";
import type { EnginePorts } from "./ports.ts";

function isCheckedHere({ action, output }: Step): boolean {
  return output !== undefined && (action.kind === "plan" || action.kind === "signal");
}

export class OutputChecks {
  readonly #load: EnginePorts["loadOutputCheck"];
  #check: Awaited<ReturnType<EnginePorts["loadOutputCheck"]>> | undefined;

  constructor({ loadOutputCheck }: Pick<EnginePorts, "loadOutputCheck">) {
    this.#load = loadOutputCheck;
  }

  /** Call with every step before {@link problem} is asked about it. */
  async prepare(steps: readonly Step[]): Promise<void> {
    if (this.#check === undefined && steps.some(isCheckedHere)) this.#check = await this.#load();
  }

  problem(schema: JsonObject, output: Json): string | undefined {
    invariant(this.#check !== undefined, "an output was to be checked before its step was prepared");
    return this.#check(schema, output);
  }
}
