/** Command events: converts commands that only need recording to their events. Pure. */
import { invariant, present, unreachable } from "../base/assert.ts";
import { defined } from "../base/defined.ts";
import { writeDuration } from "../base/duration.ts";
import type { Json, JsonObject } from "../base/json.ts";
import { containerOutput, earlierFailures } from "./finish.ts";
import type { CommandOf } from "./command.ts";
import type { EventBody, StepError } from "./event.ts";
import { phaseOf, stepAt, type RunState } from "./state.ts";

/** Commands that an event alone carries out. */
export type RecordedCommand = CommandOf<
  | "skip"
  | "fire"
  | "end-wait"
  | "take-signal"
  | "answer"
  | "fail"
  | "cancel"
  | "finish"
  | "rollback"
  | "end-rollback"
  | "end"
>;

/** The event that carries the command out. */
export function eventOf(state: RunState, command: RecordedCommand, now: number): EventBody {
  switch (command.kind) {
    case "skip":
      return { type: "step.skipped", step: stepAt(state, command.step).id, data: { reason: command.reason } };
    case "fire":
      return fired(state, command.step);
    case "end-wait":
      return waited(state, command.step, now);
    case "take-signal":
      return signalled(state, command.step, now);
    case "answer":
      return answered(state, command.step, now);
    case "fail":
      return failed(state, command.step, command.error, now);
    case "cancel":
      return cancelled(state, command, now);
    case "finish":
      return finished(state, command.step, now);
    case "rollback":
      return rollbackStarted(state, command);
    case "end-rollback":
      return rollbackEnded(state);
    case "end":
      return runEnded(state, command, now);
    default:
      return unreachable(command);
  }
}

/** The question of an `approve` step, with its templates filled in, or about a step that was cut short. */
export function question(
  state: RunState,
  { step: index, attempt, about }: CommandOf<"ask">,
  text: string,
  now: number,
): EventBody {
  const step = stepAt(state, index);
  const deadline = about === "interrupt" || step.timeoutMs === undefined ? undefined : now + step.timeoutMs;
  return { type: "approval.requested", step: step.id, attempt, data: defined({ about, question: text, deadline }) };
}

/** The end of a step whose question was answered. */
function answered(state: RunState, index: number, now: number): EventBody {
  const phase = phaseOf(state, index);
  const { id } = stepAt(state, index);
  invariant(phase.tag === "waiting-for-answer" && phase.answer !== undefined, `step ${id} got no answer in time`);
  const attempt = state.attempts[index] ?? 1;
  const { decision, by, comment } = phase.answer;
  const durationMs = sinceStart(state, index, now);
  if (decision === "approve") {
    const output: JsonObject = defined({ approved: true, by, comment });
    return { type: "step.succeeded", step: id, attempt, data: { output, durationMs } };
  }
  const said = comment === undefined ? "" : `: ${comment}`;
  const error: StepError = {
    code: phase.about === "interrupt" ? "interrupted" : "rejected",
    message: `rejected by ${by}${said}`,
  };
  return { type: "step.failed", step: id, attempt, data: { error, durationMs, willRetry: false } };
}

function fired(state: RunState, index: number): EventBody {
  return { type: "timer.fired", step: stepAt(state, index).id, attempt: state.attempts[index] ?? 1, data: {} };
}

/** The end of a wait whose time is over. */
function waited(state: RunState, index: number, now: number): EventBody {
  const phase = phaseOf(state, index);
  const { action } = stepAt(state, index);
  if (phase.tag === "waiting-for-signal" && !(action.kind === "signal" && action.onTimeout === "continue")) {
    const after = phase.durationMs === undefined ? "in time" : `within ${writeDuration(phase.durationMs)}`;
    return failed(state, index, { code: "timeout", message: `no signal ${phase.signal} came ${after}` }, now);
  }
  return succeeded(state, index, null, now);
}

/** The end of a wait for a signal that has come. */
function signalled(state: RunState, index: number, now: number): EventBody {
  return succeeded(state, index, signalFor(state, index), now);
}

/** The value of the signal that the step takes. */
export function signalFor(state: RunState, index: number): Json {
  const phase = phaseOf(state, index);
  const received = phase.tag === "waiting-for-signal" ? state.signals.get(phase.signal)?.[0] : undefined;
  return present(received, "signal for step", stepAt(state, index).id).value;
}

function succeeded(state: RunState, index: number, output: Json, now: number): EventBody {
  const data = { output, durationMs: sinceStart(state, index, now) };
  return { type: "step.succeeded", step: stepAt(state, index).id, attempt: state.attempts[index] ?? 1, data };
}

/** A step failed without an attempt of its own: its children did, or its interruption is final. */
function failed(state: RunState, index: number, error: StepError, now: number): EventBody {
  const data = { error, durationMs: sinceStart(state, index, now), willRetry: false };
  return { type: "step.failed", step: stepAt(state, index).id, attempt: state.attempts[index] ?? 0, data };
}

function cancelled(state: RunState, { step: index, reason }: CommandOf<"cancel">, now: number): EventBody {
  const data = { reason, durationMs: sinceStart(state, index, now) };
  return { type: "step.cancelled", step: stepAt(state, index).id, attempt: state.attempts[index] ?? 0, data };
}

/** All steps of a container are done. */
function finished(state: RunState, index: number, now: number): EventBody {
  return succeeded(state, index, containerOutput(state, index), now);
}

function rollbackStarted(state: RunState, { mode, steps }: CommandOf<"rollback">): EventBody {
  return { type: "rollback.started", data: { mode, steps: steps.map((step) => stepAt(state, step).id) } };
}

function rollbackEnded(state: RunState): EventBody {
  const steps = state.rollback?.steps ?? [];
  const undone = steps.filter((step) => phaseOf(state, step).tag === "waiting").length;
  return { type: "rollback.ended", data: { undone, failed: steps.length - undone } };
}

function runEnded(state: RunState, { status, reason }: CommandOf<"end">, now: number): EventBody {
  const durationMs = Math.max(0, now - (state.startedAt ?? state.createdAt));
  if (status === "succeeded") return { type: "run.succeeded", data: { durationMs } };
  if (status === "cancelled") return { type: "run.cancelled", data: { durationMs, reason: reason ?? "cancel" } };
  const lost = state.steps
    .filter((_step, index) => phaseOf(state, index).tag === "failed" && !isTolerated(state, index))
    .map((step) => step.id);
  const earlier = earlierFailures(state).map((step) => stepAt(state, step).id);
  const before = earlier.length === 0 ? undefined : `failed before, and did not run again: ${earlier.join(", ")}`;
  const why = reason === "run-timeout" ? "the run timed out" : before;
  return { type: "run.failed", data: defined({ durationMs, failed: lost, reason: why }) };
}

/** It is optional, or in something that is: its failure has not failed the run. */
function isTolerated(state: RunState, index: number): boolean {
  for (let at = index; at !== -1; at = state.parents[at] ?? -1) if (stepAt(state, at).optional === true) return true;
  return false;
}

function sinceStart(state: RunState, index: number, now: number): number {
  const phase = phaseOf(state, index);
  return "since" in phase ? Math.max(0, now - phase.since) : 0;
}
