/** Waits of runs and of running steps, in words: what they wait for, since when, and when the next try is due. Pure. */
import type { JsonObject } from "../base/json.ts";
import { formatDuration } from "../base/duration.ts";
import { waitIn, waitText } from "../run/attempt-wait.ts";
import type { MachineShortage } from "../run/event.ts";
import { shortageText } from "../run/explain.ts";
import { hasReady, type RunState } from "../run/state.ts";

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

/** What is said as the machine lacks something. */
export function shortageNotice(shortage: MachineShortage): string {
  return `Nothing starts now: waiting for ${shortageText(shortage)}`;
}

/** Why nothing starts in a run at work although steps are ready, as its history tells it; `undefined`: it tells of nothing. */
export function heldBackBy(state: RunState, now: number): string | undefined {
  if (!hasReady(state)) return undefined;
  for (const { since, why } of state.lockWaits.values())
    return `${why}, for ${formatDuration(Math.max(0, now - since))}`;
  return state.shortage === undefined ? undefined : shortageText(state.shortage);
}
