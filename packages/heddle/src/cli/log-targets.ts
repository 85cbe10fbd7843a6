/** Log targets: finds the logs that a command line names. */
import type { RunSnapshot } from "../view/history.ts";
import { writesLog } from "../view/run-view.ts";
import type { Project } from "../project/port.ts";

export interface LogTarget {
  readonly step: string;
  readonly attempt: number;
  readonly log: string;
}

/** Of one step or all; of one attempt or the latest. Empty where nothing of the kind was started. */
export function logTargets(
  project: Project,
  state: RunSnapshot,
  wanted: { readonly step: string | undefined; readonly attempt: number | undefined },
): readonly LogTarget[] {
  const targets: LogTarget[] = [];
  for (let index = 0; index < state.steps.length; index++) {
    const step = state.steps[index]?.id ?? "";
    if (wanted.step !== undefined && wanted.step !== step) continue;
    const started = state.attempts[index] ?? 0;
    const attempt = wanted.attempt ?? started;
    if (attempt < 1 || attempt > started || !writesLog(state, index)) continue;
    targets.push({ step, attempt, log: project.logFile(state.run, step, attempt) });
  }
  return targets;
}

export function hasEnded(state: RunSnapshot, step: string): boolean {
  const tag = state.phases[state.index.byId.get(step) ?? -1]?.tag;
  return tag !== "running" && tag !== "waiting" && tag !== "retrying";
}
