/**
 * Tracing port: what the engine tells of runs to whoever follows them as traces, and what attempts pass on. Knows no tracing system.
 *
 * Invariant: nothing of it changes a run: no call throws, and none waits.
 */
import type { Event } from "../run/event.ts";
import type { Task, TraceContext } from "../run/attempt.ts";
import type { RunState } from "../run/state.ts";

export interface TracedRun {
  readonly run: string;
  /** Name of the plan. */
  readonly plan: string;
  /** What the engine that began the run recorded ({@link RunTrace.traceparent}); absent: the run begins here, or was not traced. */
  readonly recorded?: string;
}

export interface Tracing {
  /** `undefined`: the run is not traced. */
  begin(run: TracedRun): RunTrace | undefined;
  /** Does what an attempt does, as a part of its trace. */
  within<T>(task: Pick<Task, "run" | "step" | "attempt">, work: () => T): T;
}

/** The trace of a run, as long as one engine works on it. */
export interface RunTrace {
  /** Names the trace, and the run's place in it, to a later engine. W3C's `traceparent`. */
  readonly traceparent: string;
  /** Takes up what an earlier engine left under way. */
  takeUp(state: RunState): void;
  /** Called with each event once it is on disk. */
  event(event: Event, state: RunState): void;
  /** What the processes of an attempt are to pass on; `undefined`: nothing. */
  contextOf(step: string, attempt: number): TraceContext | undefined;
  /** The engine is done with the run. */
  end(): void;
}
