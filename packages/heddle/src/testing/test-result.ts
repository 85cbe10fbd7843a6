/** Test result: what a run in a test came to: its status and outputs, what ran in which order, each attempt, every event. */
import { defined } from "../base/defined.ts";
import type { Json } from "../base/json.ts";
import type { RunResult } from "../api/handle.ts";
import type { Event, EventOf, StepError } from "../run/event.ts";
import type { RunState } from "../run/state.ts";
import { canonicalLines } from "../view/history.ts";
import { stepProgressOf, type StepProgress } from "../view/run-progress.ts";
import type { MadeCall } from "./fake-machine.ts";

/** One attempt of a step. */
export interface TestAttempt {
  /** Its number, from 1. */
  readonly attempt: number;
  /** `open`: the run ended before it, as it waits for a person. */
  readonly status: "succeeded" | "failed" | "cancelled" | "open";
  /** Milliseconds from the run's begin to the attempt's. */
  readonly startedMs: number;
  /** Milliseconds that it took; absent: it is open. */
  readonly durationMs?: number;
  /** Why it failed; absent: it did not. */
  readonly error?: StepError;
  /** Milliseconds until the next attempt; absent: none follows by itself. */
  readonly retryDelayMs?: number;
  /** What its fake was called with, a prompt or a command for instance; absent: its real function ran. */
  readonly call?: Omit<MadeCall, "isMain">;
}

/** A step of a run in a test. */
export interface TestStep extends Omit<StepProgress, "attempts"> {
  /** All of them, the first one first. */
  readonly attempts: readonly TestAttempt[];
  /** Its `verify` and `undo` commands that were carried out, in order. */
  readonly commands: readonly string[];
}

/** What a run in a test came to. */
export interface TestResult extends Pick<RunResult, "run" | "outputs" | "failures" | "output"> {
  /** `waiting`: nothing but a person's answer, or a signal, lets the run go on. */
  readonly status: "succeeded" | "failed" | "cancelled" | "waiting";
  /** Every event, the first one first. */
  readonly events: readonly Event[];
  /** Ids of steps by the begin of their attempts, questions to people among them: one that was tried three times is there three times. */
  readonly order: readonly string[];
  /** Milliseconds on the fake clock from the run's begin to its last event. */
  readonly elapsedMs: number;
  /** A step of the run. @throws {HeddleError} `UnknownStep`. */
  step(id: string): TestStep;
  /** The history as lines of JSON without times and chance, the same for equal runs: for a snapshot. */
  history(): string;
}

export interface ResultInput {
  readonly state: RunState;
  readonly events: readonly Event[];
  readonly calls: readonly MadeCall[];
}

/** What is told of the events alone. */
export function eventsTold(events: readonly Event[]): Pick<TestResult, "events" | "order" | "elapsedMs" | "history"> {
  return {
    events,
    order: events.flatMap((event) => (isBegin(event) ? [event.step] : [])),
    elapsedMs: (events.at(-1)?.time ?? 0) - (events[0]?.time ?? 0),
    history: () => canonicalLines(events),
  };
}

/** A question that is the step itself is its attempt. */
function isBegin(event: Event): event is EventOf<"step.started"> | EventOf<"approval.requested"> {
  return event.type === "step.started" || (event.type === "approval.requested" && event.data.about === "step");
}

/** `undefined`: the run has no such step. */
export function testStep({ state, events, calls }: ResultInput, id: string): TestStep | undefined {
  const progress = stepProgressOf(state, id, false, events.at(-1)?.time ?? 0);
  if (progress === undefined) return undefined;
  const own = calls.filter(({ step }) => step === id);
  const begin = events[0]?.time ?? 0;
  const attempts: TestAttempt[] = [];
  for (const event of events) {
    if (!("attempt" in event) || event.step !== id) continue;
    if (isBegin(event)) {
      const call = own.find((one) => one.isMain && one.attempt === event.attempt);
      attempts.push(
        defined<TestAttempt>({
          attempt: event.attempt,
          status: "open",
          startedMs: event.time - begin,
          call: call === undefined ? undefined : withoutMark(call),
        }),
      );
      continue;
    }
    const at = attempts.findLastIndex(({ attempt, status }) => attempt === event.attempt && status === "open");
    const open = attempts[at];
    if (open !== undefined) attempts[at] = ended(open, event);
  }
  const commands = own.filter(({ kind }) => kind === "verify" || kind === "undo").map(({ command }) => command ?? "");
  return { ...progress, attempts, commands };
}

function ended(open: TestAttempt, event: Event): TestAttempt {
  switch (event.type) {
    case "step.succeeded":
      return { ...open, status: "succeeded", durationMs: event.data.durationMs };
    case "step.cancelled":
      return { ...open, status: "cancelled", durationMs: event.data.durationMs };
    case "step.failed": {
      const { error, durationMs, retryDelayMs } = event.data;
      return defined<TestAttempt>({ ...open, status: "failed", durationMs, error, retryDelayMs });
    }
    default:
      return open;
  }
}

function withoutMark({ isMain: _isMain, ...call }: MadeCall): Omit<MadeCall, "isMain"> {
  return call;
}

/** The outputs, and their reader by step value. */
export function outputsIn(outputs: Readonly<Record<string, Json>>): Pick<RunResult, "outputs" | "output"> {
  return {
    outputs,
    output: <Output>(step: { readonly id: string; readonly output?: Output }) =>
      Object.hasOwn(outputs, step.id) ? (outputs[step.id] as Output) : undefined,
  };
}
