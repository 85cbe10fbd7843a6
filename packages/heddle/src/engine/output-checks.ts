/**
 * Output checks of the run itself: holds what a plan inside a step, or a signal, gives against the step's `output` schema. The checks are
 * loaded when the first such step is seen. Outputs of attempts are checked where these are carried out.
 *
 * Invariant: the loop of the run stands still for none of them.
 */
import { present } from "../base/assert.ts";
import type { Json, JsonObject } from "../base/json.ts";
import type { Step } from "../plan/plan.ts";
import type { EnginePorts, OutputCheck } from "./ports.ts";

function isCheckedHere({ action, output }: Step): boolean {
  return output !== undefined && (action.kind === "plan" || action.kind === "signal");
}

export class OutputChecks {
  readonly #load: EnginePorts["loadOutputCheck"];
  readonly #ending = new AbortController();
  #check: OutputCheck | undefined;

  constructor({ loadOutputCheck }: Pick<EnginePorts, "loadOutputCheck">) {
    this.#load = loadOutputCheck;
  }

  /** Call with every step before it is asked about. */
  async prepare(steps: readonly Step[]): Promise<void> {
    if (this.#check === undefined && steps.some(isCheckedHere)) this.#check = await this.#load();
  }

  now(schema: JsonObject, output: Json): ReturnType<OutputCheck["now"]> {
    return this.#loaded.now(schema, output);
  }

  later(schema: JsonObject, output: Json): Promise<string | undefined> {
    return this.#loaded.later(schema, output, this.#ending.signal);
  }

  /** Gives those under way up at once. */
  close(): void {
    this.#ending.abort();
  }

  get #loaded(): OutputCheck {
    return present(this.#check, "output check of a step that was prepared");
  }
}
