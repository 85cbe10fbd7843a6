/** What the world tells the scheduler between two turns, and the events that record it. Pure: a state is read, nothing is changed. */
import { unreachable } from "../base/assert.ts";
import type { Result } from "../base/result.ts";
import type { Step } from "../plan/plan.ts";
import type { CancelReason, EventBody, StepError } from "./event.ts";
import { phaseOf, questionOf, stepAt, type RunState } from "./state.ts";
import type { Answer } from "./control.ts";
import { eventsOfOutcome, failure, type Circumstances } from "./outcome-events.ts";
import type { Outcome, Note } from "./attempt.ts";
import { expansionProblem, type Expansion } from "./expansion.ts";

export type News =
  /** An attempt ended; `added`: what it adds to the run, validated. */
  | {
      readonly kind: "outcome";
      readonly index: number;
      readonly attempt: number;
      readonly outcome: Outcome;
      readonly added: Result<readonly Step[], string>;
    }
  /** What an attempt tells while it runs. */
  | { readonly kind: "note"; readonly index: number; readonly attempt: number; readonly note: Note }
  /** A container knows its children. */
  | {
      readonly kind: "expanded";
      readonly index: number;
      readonly attempt: number;
      readonly expansion: Result<Expansion, string>;
    }
  | { readonly kind: "undone"; readonly index: number; readonly outcome: Outcome; readonly durationMs: number }
  | { readonly kind: "answer"; readonly step: string; readonly answer: Answer }
  | { readonly kind: "pause"; readonly reason: string }
  | { readonly kind: "unpause" };

export function eventsOfNews(
  state: RunState,
  news: News,
  halt: CancelReason | undefined,
  circumstances: Circumstances,
): readonly EventBody[] {
  switch (news.kind) {
    case "outcome":
      return eventsOfOutcome(state, news.index, news.attempt, news.outcome, news.added, circumstances);
    case "note": {
      const { index, attempt, note } = news;
      if (!isRunning(state, index, attempt)) return [];
      return [{ ...note, step: stepAt(state, index).id, attempt }];
    }
    case "expanded":
      return isRunning(state, news.index, news.attempt) ? [eventOfExpansion(state, news, halt, circumstances)] : [];
    case "undone":
      return [eventOfUndo(state, news)];
    case "answer":
      return eventsOfAnswer(state, news.step, news.answer);
    case "pause":
      return state.phase.tag === "running" ? [{ type: "run.paused", data: { reason: news.reason } }] : [];
    case "unpause":
      return state.phase.tag === "paused" ? [{ type: "run.unpaused", data: {} }] : [];
    default:
      return unreachable(news);
  }
}

function isRunning(state: RunState, index: number, attempt: number): boolean {
  const phase = phaseOf(state, index);
  return phase.tag === "running" && phase.attempt === attempt;
}

function eventOfExpansion(
  state: RunState,
  { index, attempt, expansion }: Extract<News, { kind: "expanded" }>,
  halt: CancelReason | undefined,
  circumstances: Circumstances,
): EventBody {
  const step = stepAt(state, index).id;
  if (halt !== undefined) return { type: "step.cancelled", step, attempt, data: { reason: halt, durationMs: 0 } };
  const problem = expansion.ok ? expansionProblem(state, expansion.value) : expansion.error;
  if (expansion.ok && problem === undefined) return { type: "steps.added", step, data: expansion.value };
  return failure(state, index, { code: "expansion", message: problem ?? "" }, undefined, circumstances);
}

function eventOfUndo(state: RunState, { index, outcome, durationMs }: Extract<News, { kind: "undone" }>): EventBody {
  const step = stepAt(state, index).id;
  if (outcome.kind === "succeeded") return { type: "step.rolledback", step, data: { durationMs } };
  const error: StepError =
    outcome.kind === "failed"
      ? outcome.error
      : { code: "error", message: `its undo was ended: ${outcome.kind === "stopped" ? outcome.reason : outcome.kind}` };
  return { type: "rollback.failed", step, data: { error, durationMs } };
}

function eventsOfAnswer(state: RunState, step: string, answer: Answer): readonly EventBody[] {
  const index = state.indexOf.get(step);
  if (index === undefined) return [];
  if (questionOf(phaseOf(state, index)) === undefined) return [];
  return [{ type: "approval.given", step, attempt: state.attempts[index] ?? 1, data: answer }];
}
