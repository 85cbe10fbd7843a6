/** Waits of running steps, in words: what they wait for, since when, and when the next try is due. Pure. */
import type { JsonObject } from "../base/json.ts";
import { waitIn, waitText } from "../run/attempt-wait.ts";
import type { RunState } from "../run/state.ts";

/** From the data of a `step.progress` at `time`; `undefined`: it tells of none. */
export function waitNotice(data: JsonObject, time: number): string | undefined {
  const wait = waitIn(data, time);
  return wait === undefined ? undefined : waitText(wait, time);
}

/** Of a step that runs; `undefined`: it does not wait. */
export function waitOfStep(state: Pick<RunState, "phases" | "index">, id: string, now: number): string | undefined {
  const phase = state.phases[state.index.byId.get(id) ?? -1];
  return phase?.tag === "running" && phase.waits !== undefined ? waitText(phase.waits, now) : undefined;
}
