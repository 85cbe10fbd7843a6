/** Report: times, speed-up, utilisation and slowest steps of a run. */
import { mermaid } from "../graph/draw.ts";
import { isRunEnded, phaseOf, stepAt } from "../run/state.ts";
import { costOfRun, totalUsage } from "../run/usage.ts";
import { criticalPathOf } from "./critical.ts";
import { durationOf, speedupOf, type RunViewInput } from "./run-view.ts";
import { runStatus, stepCounts, type RunStatus, type StepCounts } from "./status.ts";

export interface ReportView {
  readonly run: string;
  readonly plan: string;
  readonly status: RunStatus;
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly counts: StepCounts;
  readonly attempts: number;
  readonly sequentialMs: number;
  readonly parallelMs: number;
  readonly speedup: number | null;
  readonly criticalPath: readonly string[];
  readonly criticalPathMs: number;
  /** Slots that the run could use at once, as it was set last. */
  readonly slots: number;
  /** Share of the time in which the slots that there were worked, 0 to 1; `null` where no time passed. */
  readonly utilisation: number | null;
  /** The longest attempts, the longest first. */
  readonly slowest: readonly { readonly step: string; readonly durationMs: number }[];
  /** As in a {@link RunView}. */
  readonly cost: number | null;
  readonly turnsWithoutCost: number;
}

const SLOWEST = 5;

export function reportView(input: RunViewInput): ReportView {
  const { state, timeline, live, now } = input;
  const ended = isRunEnded(state.phase);
  const { sequentialMs } = timeline;
  const parallelMs = timeline.parallelMs(live && !ended ? now : undefined);
  const path = criticalPathOf(state, (step) => durationOf(state, step));
  const slotMs = timeline.slotMs(live && !ended ? now : undefined);
  const spans = timeline.spans().filter((span) => span.kind === "attempt");
  return {
    run: state.run,
    plan: state.plan.name,
    status: runStatus(state, live),
    startedAt: state.startedAt ?? state.createdAt,
    endedAt: "endedAt" in state.phase ? state.phase.endedAt : null,
    counts: stepCounts(state, live),
    attempts: spans.length,
    sequentialMs,
    parallelMs,
    speedup: speedupOf(sequentialMs, parallelMs),
    criticalPath: path.steps,
    criticalPathMs: path.ms,
    slots: state.options.maxConcurrency,
    utilisation: slotMs > 0 ? Math.min(1, Math.round((sequentialMs / slotMs) * 1000) / 1000) : null,
    slowest: spans
      .flatMap(({ step, durationMs }) => (durationMs === null ? [] : [{ step, durationMs }]))
      .sort((a, b) => b.durationMs - a.durationMs)
      .slice(0, SLOWEST),
    cost: costOfRun(state.usage),
    turnsWithoutCost: totalUsage(state.usage).turnsWithoutUsd,
  };
}

/** Style classes for drawings: one per status, letters alone. */
export function statusClass(state: RunViewInput["state"], step: number): string {
  return phaseOf(state, step).tag;
}

/** Colours of {@link statusClass} in a Mermaid chart. */
export const MERMAID_STYLES: { readonly [status: string]: string } = {
  succeeded: "fill:#d4f4dd,stroke:#2e7d32,color:#111",
  cached: "fill:#d6ecff,stroke:#1565c0,color:#111",
  failed: "fill:#ffd9d6,stroke:#c62828,color:#111",
  cancelled: "fill:#f0dcf5,stroke:#7b1fa2,color:#111",
  skipped: "fill:#eee,stroke:#888,color:#444",
  running: "fill:#fff3cd,stroke:#b8860b,color:#111",
};

/** The label of a step in a drawing: its id, and how long it took. */
export function drawnLabel(state: RunViewInput["state"], step: number): string {
  const ms = durationOf(state, step);
  const { id } = stepAt(state, step);
  return ms > 0 ? `${id} (${(ms / 1000).toFixed(1)}s)` : id;
}

/** The run as a Mermaid flowchart, coloured by status, line by line. */
export function runDrawing({ state }: Pick<RunViewInput, "state">): Iterable<string> {
  return mermaid(state.index.graph, {
    labelOf: (step) => drawnLabel(state, step),
    classOf: (step) => statusClass(state, step),
    styles: MERMAID_STYLES,
  });
}
