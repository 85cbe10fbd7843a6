/** Output checks of this process: picks the check, its bounds, and the program of its threads. */
import { systemClock } from "../base/clock.ts";
import type { Json, JsonObject } from "../base/json.ts";
import { programAt } from "./program-at.ts";
import type { OutputCheck } from "../engine/ports.ts";
import { boundedChecks, type BoundedChecks, type UnboundedCheck } from "../runner/bounded-checks.ts";
import { CHECKED_LATER } from "../run/transition.ts";

const WORKER = "./output-check-worker";

export function localOutputChecks(): BoundedChecks {
  return boundedChecks({ clock: systemClock(), workerEntry: programAt(WORKER), load: loadCheck });
}

/** One check, by itself. */
export async function checkOnce(schema: JsonObject, output: Json): Promise<string | undefined> {
  await using checks = localOutputChecks();
  return await checks.check(schema, output);
}

/** The checks of the run itself. */
export async function runOutputCheck(checks: BoundedChecks): Promise<OutputCheck> {
  const { check, isShort } = await loadCheck();
  const isDoneAtOnce = (schema: JsonObject, output: Json): boolean => {
    try {
      return isShort(schema, output);
    } catch (thrown) {
      // Too deep to be looked through.
      if (thrown instanceof RangeError) return false;
      throw thrown;
    }
  };
  return {
    now: (schema, output) => (isDoneAtOnce(schema, output) ? check(schema, output) : CHECKED_LATER),
    later: (schema, output, signal) => checks.check(schema, output, signal),
  };
}

async function loadCheck(): Promise<UnboundedCheck> {
  const { isPlainCheck, outputProblem } = await import("../plan/schema/output-check.ts");
  return { check: outputProblem, isShort: isPlainCheck };
}
