/** Chrome trace of a run (the JSON of chrome://tracing and Perfetto): one row per slot, times in microseconds. */
import { defined } from "../base/defined.ts";
import type { RunViewInput } from "./run-view.ts";

export interface TraceEvent {
  readonly name: string;
  readonly cat: string;
  readonly ph: "X" | "M";
  readonly ts: number;
  readonly dur?: number;
  readonly pid: number;
  readonly tid: number;
  readonly args: { readonly [name: string]: string | number };
}

export interface Trace {
  readonly traceEvents: readonly TraceEvent[];
  readonly displayTimeUnit: "ms";
  readonly otherData: { readonly run: string; readonly plan: string };
}

/** Rows of what takes no slot. */
const ASIDE = { container: 1000, approval: 1001, undo: 1002, wait: 1003 } as const;

export function traceOf({ state, timeline, now }: Pick<RunViewInput, "state" | "timeline" | "now">): Trace {
  const from = state.startedAt ?? state.createdAt;
  const events: TraceEvent[] = [named("process_name", 0, `${state.plan.name} (run ${state.run})`)];
  for (let slot = 0; slot < timeline.slots; slot++) events.push(named("thread_name", slot + 1, `slot ${slot + 1}`));
  const aside = new Set<keyof typeof ASIDE>();
  for (const span of timeline.spans()) {
    if (span.kind !== "attempt") aside.add(span.kind);
    const until = span.endedAt ?? now;
    events.push({
      name: span.attempt > 1 ? `${span.step} (attempt ${span.attempt})` : span.step,
      cat: span.kind,
      ph: "X",
      ts: (span.startedAt - from) * 1000,
      dur: Math.max(1, (until - span.startedAt) * 1000),
      pid: 1,
      tid: span.kind === "attempt" ? span.slot + 1 : ASIDE[span.kind],
      args: defined({ status: span.status, attempt: span.attempt, error: span.error?.message }),
    });
  }
  for (const kind of aside) events.push(named("thread_name", ASIDE[kind], `${kind}s`));
  return { traceEvents: events, displayTimeUnit: "ms", otherData: { run: state.run, plan: state.plan.name } };
}

function named(name: "process_name" | "thread_name", tid: number, text: string): TraceEvent {
  return { name, cat: "__metadata", ph: "M", ts: 0, pid: 1, tid, args: { name: text } };
}
