/**
 * Reducer inputs: what happened in the world between two turns, and the events that record it. Pure: reads a state,
 * changes nothing.
 */
import { unreachable } from "../base/assert.ts";
import { defined } from "../base/defined.ts";
import type { Json } from "../base/json.ts";
import { ok, type Result } from "../base/result.ts";
import type { Step } from "../plan/plan.ts";
import type { Note, Outcome } from "./attempt.ts";
import type { Answer, ConcurrencyChange } from "./control.ts";
import type { CancelReason, EventBody, EventOf, MachineShortage, StepError } from "./event.ts";
import { expansionProblem, type Expansion } from "./expansion.ts";
import { haltReason } from "./finish.ts";
import { closesAt } from "./queue.ts";
import { isSheltered } from "./shelter.ts";
import { eventsOfOutcome, failure, type ClockInputs } from "./outcome-events.ts";
import { isRunEnded, phaseOf, questionOf, stepAt, type RunState } from "./state.ts";

export type Input =
  /** An attempt ended; `added`: what it adds to the run, validated. */
  | {
      readonly kind: "outcome";
      readonly step: number;
      readonly attempt: number;
      readonly outcome: Outcome;
      readonly added: Result<readonly Step[], string>;
    }
  /** What an attempt reports while it runs. */
  | { readonly kind: "note"; readonly step: number; readonly attempt: number; readonly note: Note }
  /** A container knows its children. */
  | {
      readonly kind: "expanded";
      readonly step: number;
      readonly attempt: number;
      readonly expansion: Result<Expansion, string>;
    }
  /** It is known whether a stored result can be used; an error means that the step has to run. */
  | { readonly kind: "examined"; readonly step: number; readonly finding: Result<Finding, string> }
  /** The output of a container, or the value of a signal, was held against its schema. */
  | { readonly kind: "checked"; readonly step: number; readonly problem: string | undefined }
  | { readonly kind: "undone"; readonly step: number; readonly outcome: Outcome; readonly durationMs: number }
  | { readonly kind: "answer"; readonly step: number; readonly answer: Answer }
  /** A signal was sent; `id`: of the request that brought it. */
  | {
      readonly kind: "signal";
      readonly signal: string;
      readonly value: Json;
      readonly by: string;
      readonly id?: string;
    }
  /** A step that may start waits for a lock that another run holds. */
  | { readonly kind: "held-up"; readonly step: number; readonly run: string }
  /** Steps that may start have waited for the machine for some time. */
  | ({ readonly kind: "short" } & MachineShortage)
  | ({ readonly kind: "set-concurrency" } & ConcurrencyChange)
  | { readonly kind: "pause"; readonly reason: string }
  | { readonly kind: "unpause" }
  /** The run is to end early. The first reason counts. */
  | { readonly kind: "halt"; readonly reason: CancelReason }
  /** It is to end at once: what is always to run too. */
  | { readonly kind: "kill" }
  /** Nothing is left of ended attempts. */
  | { readonly kind: "swept" };

export type InputOf<K extends Input["kind"]> = Extract<Input, { readonly kind: K }>;

/** What an examination found. */
export type Finding =
  | EventOf<"step.examined">["data"]
  /** A stored result was restored for the step. */
  | { readonly decision: "cached"; readonly key: string; readonly from: string; readonly output: Json }
  /** What its last success left is there as it was. */
  | { readonly decision: "up-to-date"; readonly output: Json };

/** Progress events that one run may record per step. */
const MOST_PROGRESS = 1000;

/** The events that record an input; none where it comes too late. */
export function eventsOfInput(state: RunState, input: Input, clockInputs: ClockInputs): readonly EventBody[] {
  switch (input.kind) {
    case "outcome":
      return eventsOfOutcome(state, input, clockInputs);
    case "note":
      return eventsOfNote(state, input);
    case "expanded":
      return isRunning(state, input) ? [eventOfExpansion(state, input, clockInputs)] : [];
    case "examined":
      return eventsOfExamination(state, input);
    case "undone":
      return [eventOfUndo(state, input)];
    case "answer":
      return isTooLate(state, input.step, clockInputs.now) ? [] : eventsOfAnswer(state, input.step, input.answer);
    case "signal":
      return eventsOfSignal(state, input);
    case "held-up":
      return eventsOfHoldUp(state, input);
    case "short":
      return eventsOfShortage(state, input);
    case "set-concurrency":
      return eventsOfConcurrency(state, input);
    case "pause":
      // What is still done in a run that ends early is not held up.
      return state.phase.tag === "running" && haltReason(state) === undefined
        ? [{ type: "run.paused", data: { reason: input.reason } }]
        : [];
    case "unpause":
      return state.phase.tag === "paused" ? [{ type: "run.unpaused", data: {} }] : [];
    case "checked":
    case "halt":
    case "kill":
    case "swept":
      return [];
    default:
      return unreachable(input);
  }
}

function isRunning(state: RunState, { step, attempt }: { readonly step: number; readonly attempt: number }): boolean {
  const phase = phaseOf(state, step);
  return phase.tag === "running" && phase.attempt === attempt;
}

function eventsOfNote(state: RunState, input: InputOf<"note">): readonly EventBody[] {
  const { step, attempt, note } = input;
  if (!isRunning(state, input)) return [];
  const isTooMuch = note.type === "step.progress" && (state.volatile.progress.get(step) ?? 0) >= MOST_PROGRESS;
  return isTooMuch ? [] : [{ ...note, step: stepAt(state, step).id, attempt }];
}

/** Once for each wait. */
function eventsOfHoldUp(state: RunState, { step, run }: InputOf<"held-up">): readonly EventBody[] {
  if (phaseOf(state, step).tag !== "waiting" || state.lockWaits.has(step)) return [];
  const attempt = (state.attempts[step] ?? 0) + 1;
  return [
    { type: "step.progress", step: stepAt(state, step).id, attempt, data: { type: "waiting", for: "lock", run } },
  ];
}

function eventOfExpansion(state: RunState, input: InputOf<"expanded">, clockInputs: ClockInputs): EventBody {
  const { attempt, expansion } = input;
  const step = stepAt(state, input.step).id;
  const halt = haltReason(state);
  if (halt !== undefined && !isSheltered(state, input.step))
    return { type: "step.cancelled", step, attempt, data: { reason: halt, durationMs: 0 } };
  const found = expansion.ok ? ok(underRules(state, expansion.value)) : expansion;
  const problem = found.ok ? expansionProblem(state, input.step, found.value) : found.error;
  if (found.ok && problem === undefined) return { type: "steps.added", step, data: found.value };
  return failure(state, input.step, { code: "expansion", message: problem ?? "" }, undefined, clockInputs);
}

/** Under earlier rules, what a subplan says of its own steps has no effect. */
function underRules({ rules }: RunState, expansion: Expansion): Expansion {
  if (rules >= 3 || expansion.settings === undefined) return expansion;
  const { settings: _settings, ...rest } = expansion;
  return rest;
}

function eventsOfExamination(state: RunState, { step: index, finding }: InputOf<"examined">): readonly EventBody[] {
  // The run ends, or the step did, or it has to wait for something else again: it is examined again later.
  if (isRunEnded(state.phase) || (haltReason(state) !== undefined && !isSheltered(state, index))) return [];
  if (phaseOf(state, index).tag !== "waiting" || state.arrivals[index] === 0) return [];
  const step = stepAt(state, index).id;
  if (!finding.ok) return [{ type: "step.examined", step, data: { decision: "uncacheable", reason: finding.error } }];
  switch (finding.value.decision) {
    case "cached": {
      const { key, from, output } = finding.value;
      return [{ type: "step.cached", step, data: { key, from, output } }];
    }
    case "up-to-date":
      return [{ type: "step.skipped", step, data: { reason: { kind: "up-to-date", output: finding.value.output } } }];
    default:
      return [{ type: "step.examined", step, data: finding.value }];
  }
}

function eventOfUndo(state: RunState, { step: index, outcome, durationMs }: InputOf<"undone">): EventBody {
  const step = stepAt(state, index).id;
  if (outcome.kind === "succeeded") return { type: "step.rolledback", step, data: { durationMs } };
  const error: StepError =
    outcome.kind === "failed"
      ? outcome.error
      : { code: "error", message: `its undo was ended: ${outcome.kind === "stopped" ? outcome.reason : outcome.kind}` };
  return { type: "rollback.failed", step, data: { error, durationMs } };
}

/** Once for each wait. */
function eventsOfShortage({ phase, shortage }: RunState, input: InputOf<"short">): readonly EventBody[] {
  if (phase.tag !== "running" || shortage !== undefined) return [];
  const { resource, used, limit } = input;
  return [{ type: "machine.short", data: { resource, used, limit } }];
}

/** None where the run has as many already, or has ended. */
function eventsOfConcurrency(
  { phase, options }: RunState,
  { maxConcurrency, by }: ConcurrencyChange,
): readonly EventBody[] {
  if (isRunEnded(phase) || options.maxConcurrency === maxConcurrency) return [];
  return [{ type: "run.options", data: { maxConcurrency, by } }];
}

/** Whether the time for an answer to the step's question is over: what `onTimeout` says counts, or the time of a container around it. */
export function isTooLate(state: RunState, step: number, now: number): boolean {
  return questionOf(phaseOf(state, step)) !== undefined && closesAt(state, step) <= now;
}

/** The answer to the question that the step has open; none where it has none. */
export function eventsOfAnswer(state: RunState, step: number, answer: Answer): readonly EventBody[] {
  if (questionOf(phaseOf(state, step)) === undefined) return [];
  return [{ type: "approval.given", step: stepAt(state, step).id, attempt: state.attempts[step] ?? 1, data: answer }];
}

/** The event of a signal; none where the run has ended, or the request was delivered before. */
export function eventsOfSignal(
  state: RunState,
  { signal, value, by, id }: Omit<InputOf<"signal">, "kind">,
): readonly EventBody[] {
  if (isRunEnded(state.phase) || (id !== undefined && state.signalIds.has(id))) return [];
  return [{ type: "signal.received", data: defined({ signal, value, by, id }) }];
}
