/** Output checks of this process: picks the check, its bounds, and the program of its threads. */
import { systemClock } from "../base/clock.ts";
import type { Json, JsonObject } from "../base/json.ts";
import { programAt } from "./program-at.ts";
import {
  boundedChecks,
  type BoundedChecks,
  checkNow,
  type CheckOutput,
  type UnboundedCheck,
} from "../runner/bounded-checks.ts";

const WORKER = "./output-check-worker";

export function localOutputChecks(): BoundedChecks {
  return boundedChecks({ clock: systemClock(), workerEntry: programAt(WORKER), load: loadCheck });
}

/** One check, by itself. */
export async function checkOnce(schema: JsonObject, output: Json): Promise<string | undefined> {
  await using checks = localOutputChecks();
  return await checks.check(schema, output);
}

/** The check for who cannot wait. */
export async function loadImmediateCheck(): Promise<CheckOutput> {
  const unbounded = await loadCheck();
  const workerEntry = programAt(WORKER);
  return (schema, output) => checkNow({ ...unbounded, workerEntry }, schema, output);
}

async function loadCheck(): Promise<UnboundedCheck> {
  const { isPlainCheck, outputProblem } = await import("../plan/schema/output-check.ts");
  return { check: outputProblem, isShort: isPlainCheck };
}
