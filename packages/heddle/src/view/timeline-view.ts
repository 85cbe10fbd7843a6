/**
 * Timeline view: every attempt of a run as a bar, in pages, with the times in which no engine had the run. Pure. Times are milliseconds
 * since the epoch.
 *
 * Invariant: a bar has the same place in the list for ever: attempts are added at its end.
 */
import { defined } from "../base/defined.ts";
import type { RunState } from "../run/state.ts";
import { criticalPathOf } from "./critical.ts";
import { failureText } from "./failure-text.ts";
import { durationOf } from "./run-view.ts";
import type { Span, Timeline } from "./timeline.ts";

/** Of plans that name none. */
const DEFAULT_AGENT = "claude";

export interface TimelineBar extends Omit<Readonly<Span>, "usage" | "error"> {
  /** That carried it out, as it said by its usage, or as the plan says. */
  readonly agent?: string;
  readonly model?: string;
  /** Its error in one line. */
  readonly note?: string;
}

/** `GET .../runs/{run}/timeline`. */
export interface TimelinePage {
  readonly run: string;
  /** Of the last event. */
  readonly seq: number;
  readonly startedAt: number;
  /** `null`: it has not ended. */
  readonly endedAt: number | null;
  /** Of the last event. */
  readonly lastTime: number;
  /** Steps at once. */
  readonly maxConcurrency: number;
  /** Slots that were used. */
  readonly slots: number;
  /** Times in which no engine had the run. */
  readonly gaps: readonly { readonly from: number; readonly to: number }[];
  /** The longest path through the steps, by how long they took. */
  readonly criticalPath: readonly string[];
  readonly criticalPathMs: number;
  /** Bars in all. */
  readonly total: number;
  /** In the order in which they began. */
  readonly bars: readonly TimelineBar[];
  /** What to send as `cursor` for more; absent: there are no more. */
  readonly next?: string;
}

export interface TimelineQuery {
  readonly limit: number;
  /** Bars that earlier pages went through. */
  readonly cursor?: number | undefined;
  /** Only bars that had not ended then. */
  readonly since?: number | undefined;
}

export function timelinePage(
  { state, timeline }: { readonly state: RunState; readonly timeline: Timeline },
  { limit, cursor = 0, since = 0 }: TimelineQuery,
): TimelinePage {
  const spans = timeline.spans();
  const bars: TimelineBar[] = [];
  const usedBy = usedByAttempts(state);
  let next: string | undefined;
  for (let at = cursor; at < spans.length; at++) {
    const span = spans[at] as Span;
    if (span.endedAt !== null && span.endedAt < since) continue;
    if (bars.length === limit) {
      next = String(at);
      break;
    }
    bars.push(barOf(state, span, usedBy));
  }
  const path = criticalPathOf(state, (step) => durationOf(state, step));
  return defined<TimelinePage>({
    run: state.run,
    seq: state.seq,
    startedAt: state.startedAt ?? state.createdAt,
    endedAt: "endedAt" in state.phase ? state.phase.endedAt : null,
    lastTime: state.lastTime,
    maxConcurrency: state.options.maxConcurrency,
    slots: timeline.slots,
    gaps: timeline.gaps(),
    criticalPath: path.steps,
    criticalPathMs: path.ms,
    total: spans.length,
    bars,
    next,
  });
}

type UsedBy = ReadonlyMap<string, { readonly agent: string; readonly model?: string }>;

/** The agent and model that each attempt used last. */
export function usedByAttempts(state: RunState): UsedBy {
  const used = new Map<string, { readonly agent: string; readonly model?: string }>();
  for (const { step, attempt, agent, model } of state.usage.values())
    used.set(`${attempt} ${step}`, defined({ agent, model }));
  return used;
}

/** A span as a bar. */
export function barOf(state: RunState, { usage: _usage, error, ...span }: Span, usedBy: UsedBy): TimelineBar {
  const used = span.kind === "attempt" ? usedBy.get(`${span.attempt} ${span.step}`) : undefined;
  const note = error === undefined ? undefined : failureText(error).line;
  return defined({ ...span, agent: used?.agent ?? plannedAgent(state, span), model: used?.model, note });
}

function plannedAgent(state: RunState, { step, kind }: Pick<Span, "step" | "kind">): string | undefined {
  if (kind !== "attempt") return undefined;
  const action = state.steps[state.index.byId.get(step) ?? -1]?.action;
  return action?.kind === "agent" ? (action.options?.use ?? state.plan.agents?.default ?? DEFAULT_AGENT) : undefined;
}
