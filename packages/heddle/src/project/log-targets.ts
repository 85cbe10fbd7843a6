/** Log targets: finds the log files of a run, those of one step or of all, of one attempt or the latest. Opens none of them. */
import type { RunSnapshot } from "../view/history.ts";
import { writesLog } from "../view/run-view.ts";

export interface LogTarget {
  readonly step: string;
  readonly attempt: number;
  readonly log: string;
  /** The attempt has begun. */
  readonly isStarted: boolean;
}

/**
 * Of one step or all; of one attempt or the latest. Empty where nothing of the kind was started. `unstarted`: the first
 * attempt of a step that has not begun counts too.
 */
export function logTargets(
  logFile: (run: string, step: string, attempt: number) => string,
  state: RunSnapshot,
  wanted: { readonly step: string | undefined; readonly attempt: number | undefined; readonly unstarted?: boolean },
): readonly LogTarget[] {
  const targets: LogTarget[] = [];
  for (let index = 0; index < state.steps.length; index++) {
    const step = state.steps[index]?.id ?? "";
    if (wanted.step !== undefined && wanted.step !== step) continue;
    const started = state.attempts[index] ?? 0;
    const begins = wanted.unstarted === true && started === 0 && state.phases[index]?.tag === "waiting" ? 1 : 0;
    const attempt = wanted.attempt ?? Math.max(started, begins);
    if (attempt < 1 || attempt > Math.max(started, begins) || !writesLog(state, index)) continue;
    targets.push({ step, attempt, log: logFile(state.run, step, attempt), isStarted: attempt <= started });
  }
  return targets;
}
