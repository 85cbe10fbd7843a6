/**
 * Outcome events: converts an attempt's outcome to the events that record it. Pure: time, randomness and the state are
 * passed in.
 */
import { unreachable } from "../base/assert.ts";
import { defined } from "../base/defined.ts";
import type { Random } from "../base/random.ts";
import type { Result } from "../base/result.ts";
import type { Step } from "../plan/plan.ts";
import type { EventBody, StepError } from "./event.ts";
import { isClosing, isInside } from "./finish.ts";
import { judgeRetry } from "./retry.ts";
import { isSheltered, SHELTER_MS, workEndsAt } from "./shelter.ts";
import { phaseOf, stepAt, type RunState } from "./state.ts";
import type { Outcome } from "./attempt.ts";

/** What judging an outcome takes besides the state. */
export interface ClockInputs {
  readonly now: number;
  readonly random: Random;
  /** The run is coming to an end: nothing is tried again. */
  readonly halted: boolean;
}

export interface EndedAttempt {
  readonly step: number;
  readonly attempt: number;
  readonly outcome: Outcome;
  /** What it adds to the run, validated. */
  readonly added: Result<readonly Step[], string>;
}

/** The events of an attempt's end; none for one that does not run (it was given up before). */
export function eventsOfOutcome(
  state: RunState,
  { step: index, attempt, outcome, added }: EndedAttempt,
  clockInputs: ClockInputs,
): readonly EventBody[] {
  const phase = phaseOf(state, index);
  if (phase.tag !== "running" || phase.attempt !== attempt) return [];
  const step = stepAt(state, index).id;
  const durationMs = clockInputs.now - phase.since;
  switch (outcome.kind) {
    case "succeeded": {
      const problem = problemOfAdded(state, added);
      // An agent's work is merged by now: it stays, whatever else the agent proposed.
      const isDone = outcome.agent !== undefined;
      if (problem !== undefined && !isDone)
        return [failure(state, index, { code: "output", message: problem }, outcome, clockInputs)];
      const success: EventBody = {
        type: "step.succeeded",
        step,
        attempt,
        data:
          outcome.usage === undefined
            ? { output: outcome.output, durationMs }
            : { output: outcome.output, durationMs, usage: outcome.usage },
      };
      if (problem !== undefined)
        return [{ type: "step.progress", step, attempt, data: { type: "notice", text: problem } }, success];
      if (!added.ok || added.value.length === 0) return [success];
      return [{ type: "steps.added", step, data: { kind: "siblings", steps: added.value } }, success];
    }
    case "failed":
      return [failure(state, index, outcome.error, outcome, clockInputs)];
    case "unresolved": {
      const { about, question, options = [] } = outcome;
      const asked = options.length === 0 ? undefined : options;
      return [{ type: "approval.requested", step, attempt, data: defined({ about, question, options: asked }) }];
    }
    case "stopped": {
      const error =
        errorOfStop(stepAt(state, index), outcome) ?? errorOfUnaskedStop(state, index, outcome, clockInputs);
      if (error !== undefined) return [failure(state, index, error, outcome, clockInputs)];
      const reason = outcome.reason === "timeout" || outcome.reason === "memory" ? "cancel" : outcome.reason;
      const { abandoned } = outcome;
      return [{ type: "step.cancelled", step, attempt, data: defined({ reason, durationMs, abandoned }) }];
    }
    default:
      return unreachable(outcome);
  }
}

/** Why the steps that an attempt wants to add cannot join the run. */
function problemOfAdded(state: RunState, added: Result<readonly Step[], string>): string | undefined {
  if (!added.ok) return added.error;
  const taken = added.value.find(({ id }) => state.index.byId.has(id));
  return taken === undefined
    ? undefined
    : `the added steps are invalid: another step added ${taken.id} at the same time`;
}

/** The failure of the running attempt of a step, and whether another one follows. */
export function failure(
  state: RunState,
  index: number,
  error: StepError,
  outcome: Pick<Outcome, "usage"> | undefined,
  { now, random, halted }: ClockInputs,
): EventBody {
  const phase = phaseOf(state, index);
  const attempt = state.attempts[index] ?? 1;
  const failed = attempt - (state.attemptBase[index] ?? 0);
  const verdict =
    isGivenUp(state, index, halted, now) || isClosing(state, index)
      ? { retry: false as const }
      : judgeRetry(stepAt(state, index), error, failed, now - (state.firstStart[index] ?? now), random);
  const again = verdict.retry
    ? { willRetry: true, retryAt: now + verdict.delayMs, retryDelayMs: verdict.delayMs }
    : { willRetry: false };
  const durationMs = phase.tag === "running" ? now - phase.since : 0;
  return {
    type: "step.failed",
    step: stepAt(state, index).id,
    attempt,
    data: defined({ error, durationMs, ...again, usage: outcome?.usage }),
  };
}

/** Whether the step is not tried again because of the run's end. What is sheltered is, until somebody cancels the run. */
function isGivenUp(state: RunState, step: number, halted: boolean, now: number): boolean {
  return isSheltered(state, step) ? workEndsAt(state, step) - SHELTER_MS <= now : halted;
}

/** Outcomes that count as the step's failure; a cancel does not. */
function errorOfStop(step: Step, outcome: Extract<Outcome, { kind: "stopped" }>): StepError | undefined {
  if (outcome.reason === "timeout") {
    const own = Math.min(step.timeoutMs ?? Infinity, step.totalTimeoutMs ?? Infinity);
    const limit = own === Infinity ? SHELTER_MS : own;
    const ignored = outcome.abandoned === true ? "; it ignored the request to end and was abandoned" : "";
    return { code: "timeout", message: `timed out after ${limit} ms${ignored}` };
  }
  if (outcome.reason === "memory")
    return { code: "memory", message: `used more memory than its limit of ${step.limits?.maxMemoryMb ?? 0} MB` };
  return undefined;
}

/**
 * Nothing in the run asked for the stop: whoever carried the attempt out gave it up. As a cancelled step of a run that goes on it
 * would be missing from the run, and nobody's failure.
 */
function errorOfUnaskedStop(
  state: RunState,
  index: number,
  { reason }: Extract<Outcome, { kind: "stopped" }>,
  { halted }: ClockInputs,
): StepError | undefined {
  const isOutOfTime = [...state.volatile.expired.keys()].some((container) => isInside(state, index, container));
  if (halted || (reason === "step-timeout" && isOutOfTime)) return undefined;
  if (reason === "fail-fast" && isClosing(state, index)) return undefined;
  return { code: "lost", message: "the attempt was ended although nothing had asked for it" };
}
