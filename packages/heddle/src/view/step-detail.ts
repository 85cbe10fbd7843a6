/**
 * Step detail: what a page shows of one step beside its row: what it is, what comes before and behind it, its attempts. Pure. Linear in the
 * steps and edges of the run, as what it holds up is.
 */
import { defined } from "../base/defined.ts";
import type { TokenUsage } from "../run/event.ts";
import { forEachSuccessor, hasEnded, phaseOf, stepAt, type RunState } from "../run/state.ts";
import { totalUsage } from "../run/usage.ts";
import { heldUpBy } from "./held-up.ts";
import { barOf, usedByAttempts, type TimelineBar } from "./timeline-view.ts";
import type { Timeline } from "./timeline.ts";

type StepAction = RunState["steps"][number]["action"];

/** One try of a step, or one question to a person. */
export interface StepAttempt extends TimelineBar {
  /** US dollars as far as its agents told; absent: none did. */
  readonly cost?: number;
  /** What its agents told; absent: nothing. */
  readonly tokens?: TokenUsage;
}

export interface StepDetail {
  readonly kind: StepAction["kind"];
  /** It stands for one step for each item of a list. */
  readonly isForEach: boolean;
  /** Its command, prompt, question, module, signal, time or plan file, as the plan says, its templates not filled in. */
  readonly does: string;
  readonly group?: string;
  /** Ids that it needs, and those that it comes after besides. */
  readonly deps: readonly string[];
  readonly after: readonly string[];
  /** Steps that have not ended and cannot end before this one has. */
  readonly holdsUp: number;
  /** Nothing that is left takes longer, as far as is known, than this step with what comes behind it. */
  readonly onCriticalPath: boolean;
  /** Of the steps that it holds up those that come right after it: the first {@link MOST_BEHIND}. */
  readonly behind: readonly string[];
  /** In order; of many the last {@link MOST_ATTEMPTS}. */
  readonly attempts: readonly StepAttempt[];
}

export const MOST_BEHIND = 20;
export const MOST_ATTEMPTS = 200;

/** `expected`: durations by id, in milliseconds. */
export function stepDetailOf(
  { state, timeline }: { readonly state: RunState; readonly timeline: Timeline },
  step: number,
  expected: ReadonlyMap<string, number>,
): StepDetail {
  const { id, action, forEach, group, deps = [], after = [] } = stepAt(state, step);
  const [held] = hasEnded(phaseOf(state, step)) ? [] : heldUpBy(state, [step], expected);
  return defined({
    kind: action.kind,
    isForEach: forEach !== undefined,
    does: doesText(action),
    group,
    deps,
    after,
    holdsUp: held?.holdsUp ?? 0,
    onCriticalPath: held?.onCriticalPath ?? false,
    behind: held === undefined ? [] : behindOf(state, step),
    attempts: attemptsOf(state, timeline, id),
  });
}

function behindOf(state: RunState, step: number): readonly string[] {
  const found = new Set<string>();
  forEachSuccessor(state, step, (next) => {
    if (found.size < MOST_BEHIND && !hasEnded(phaseOf(state, next))) found.add(stepAt(state, next).id);
  });
  return [...found];
}

function doesText(action: StepAction): string {
  switch (action.kind) {
    case "run":
      return action.command;
    case "call":
      return `${action.module}: ${action.export}`;
    case "function":
      return "";
    case "agent":
      return action.prompt;
    case "approve":
      return action.question;
    case "sleep":
      return action.time;
    case "signal":
      return action.name;
    case "plan":
      return action.file ?? action.plan?.name ?? "";
  }
}

function attemptsOf(state: RunState, timeline: Timeline, id: string): readonly StepAttempt[] {
  const usedBy = usedByAttempts(state);
  const spans = timeline.spans().filter((span) => span.step === id);
  return spans.slice(-MOST_ATTEMPTS).map((span) => {
    const bar = barOf(state, span, usedBy);
    const used = totalUsage(state.usage, (record) => record.step === id && record.attempt === span.attempt);
    const isTold = span.kind === "attempt" && used.turns > 0;
    return defined<StepAttempt>({
      ...bar,
      cost: isTold && used.turnsWithoutUsd < used.turns ? used.usd : undefined,
      tokens: isTold && used.turnsWithoutTokens < used.turns ? used.tokens : undefined,
    });
  });
}
