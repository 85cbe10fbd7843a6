/** Operations that look at a run over time and as a whole: replay, timeline, reports, comparison. They change nothing. */
import type { RunComparison } from "../view/compare.ts";
import type { RunForecast } from "../view/forecast.ts";
import type { HistoryMarks } from "../view/marks.ts";
import type { ReportView } from "../view/report.ts";
import type { LiveRunAt, ReplayPatch } from "../view/run-replay.ts";
import type { CanonicalHistory } from "../view/protocol.ts";
import type { TimelinePage } from "../view/timeline-view.ts";
import type { Trace } from "../view/trace.ts";
import type { Ask, AskText, CallOptions } from "./call.ts";

export interface TimelineCallOptions extends CallOptions {
  /** The run as it was at this event. */
  readonly at?: number;
  /** At most so many bars, up to 10,000 (default: 2,000). */
  readonly limit?: number;
  /** Only bars that had not ended then, in milliseconds since the epoch: those that may have changed since. */
  readonly since?: number;
  readonly cursor?: string;
}

export interface CompareOptions extends CallOptions {
  /** At most so many steps, up to 1,000 (default: 200). */
  readonly limit?: number;
  readonly cursor?: string;
}

/** A run over time. */
export interface ReplayCalls {
  /** As pages show it, as it was after the event with this number. */
  at(run: string, seq: number, options?: CallOptions): Promise<LiveRunAt>;
  /** What makes the run at one event the run at another, forwards or backwards: for `patchedRun` of `heddle/view`. */
  patch(run: string, from: number, to: number, options?: CallOptions): Promise<ReplayPatch>;
  /** Where failures, retries, questions, conflicts and resumes are in its history. */
  marks(run: string, options?: CallOptions): Promise<HistoryMarks>;
  /** Every attempt as a bar, page by page: `cursor` is `next` of the page before. */
  timeline(run: string, options?: TimelineCallOptions): Promise<TimelinePage>;
  /** When what has not ended is expected to begin and to end. */
  forecast(run: string, options?: CallOptions): Promise<RunForecast>;
}

/** A run as a whole. */
export interface ReportCalls {
  /** Its figures, as `heddle report --json`. */
  get(run: string, options?: CallOptions): Promise<ReportView>;
  /** As a page without scripts, or as JUnit XML: the text of a file. */
  file(run: string, format: "html" | "junit", options?: CallOptions): Promise<string>;
  /** For chrome://tracing and Perfetto. */
  trace(run: string, options?: CallOptions): Promise<Trace>;
  /** Its graph as a Mermaid flowchart or for Graphviz. `at`: as it was at this event. */
  drawing(run: string, format: "mermaid" | "dot", options?: CallOptions & { readonly at?: number }): Promise<string>;
  /** The canonical history: two runs of a plan whose steps end the same way have the same. */
  canonical(run: string, options?: CallOptions): Promise<CanonicalHistory>;
  /** Two runs side by side, what moved the makespan most first. */
  compare(run: string, other: string, options?: CompareOptions): Promise<RunComparison>;
}

export function replayCalls(ask: Ask): ReplayCalls {
  return {
    at: (run, seq, { signal } = {}) => ask({ method: "GET", path: ["runs", run, "live"], query: { at: seq }, signal }),
    patch: (run, from, to, { signal } = {}) =>
      ask({ method: "GET", path: ["runs", run, "live", "patch"], query: { from, to }, signal }),
    marks: (run, { signal } = {}) => ask({ method: "GET", path: ["runs", run, "marks"], signal }),
    timeline: (run, { signal, ...query } = {}) =>
      ask({ method: "GET", path: ["runs", run, "timeline"], query, signal }),
    forecast: (run, { signal } = {}) => ask({ method: "GET", path: ["runs", run, "forecast"], signal }),
  };
}

export function reportCalls(ask: Ask, askText: AskText): ReportCalls {
  return {
    get: (run, { signal } = {}) => ask({ method: "GET", path: ["runs", run, "report"], signal }),
    file: (run, format, { signal } = {}) =>
      askText({ method: "GET", path: ["runs", run, "report"], query: { format }, signal }),
    trace: (run, { signal } = {}) => ask({ method: "GET", path: ["runs", run, "trace"], signal }),
    drawing: (run, format, { signal, at } = {}) =>
      askText({ method: "GET", path: ["runs", run, "graph"], query: { format, at }, signal }),
    canonical: (run, { signal } = {}) =>
      ask({ method: "GET", path: ["runs", run, "history"], query: { canonical: "true" }, signal }),
    compare: (run, other, { signal, ...query } = {}) =>
      ask({ method: "GET", path: ["runs", run, "compare", other], query, signal }),
  };
}
