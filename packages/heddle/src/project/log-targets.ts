/** Log targets: finds the log files of a run, those of one step or of all, of one attempt or the latest. Opens none of them. */
import { plural } from "../base/plural.ts";
import type { Problem } from "../base/errors.ts";
import { shellWord } from "../base/shell-word.ts";
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

/** Why {@link logTargets} found nothing. */
export function noLog(state: RunSnapshot, id: string | undefined, attempt: number | undefined): Problem {
  const { run } = state;
  const hint = `\`heddle show ${run}\` shows which steps ran, and how often.`;
  const at = id === undefined ? undefined : state.index.byId.get(id);
  const step = at === undefined ? undefined : state.steps[at];
  if (at === undefined || step === undefined)
    return { code: "NoLog", message: `no step of run ${run} has written a log`, hint };
  if (step.forEach === undefined && step.action.kind === "approve")
    return { code: "NoLog", message: `step ${step.id} has no log: it is an approval`, hint };
  if (step.forEach === undefined && (step.action.kind === "sleep" || step.action.kind === "signal"))
    return { code: "NoLog", message: `step ${step.id} has no log: it only waits`, hint };
  if (!writesLog(state, at)) {
    const child = state.steps[state.containers.get(at)?.children[0] ?? -1]?.id;
    const message = `step ${step.id} has no log of its own: it is a ${step.forEach === undefined ? "plan" : "forEach"}`;
    return {
      code: "NoLog",
      message,
      hint: child === undefined ? hint : `Its steps have: \`heddle logs ${run} ${shellWord(child)}\``,
    };
  }
  const attempts = state.attempts[at] ?? 0;
  const message =
    attempts === 0
      ? `step ${step.id} has not run (it is ${state.phases[at]?.tag ?? "waiting"})`
      : `step ${step.id} has no attempt ${attempt ?? 0}: it had ${plural(attempts, "attempt")}`;
  return { code: "NoLog", message, hint };
}

/** What stands in the place of logs: each a sentence with its path. */
export function unreadableLogs(found: readonly string[]): Problem {
  const hint = "A log is a plain file. Something has put another kind of file there; remove it.";
  return { code: "LogUnreadable", message: found.join("; "), hint };
}
