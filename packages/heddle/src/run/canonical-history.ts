/**
 * Canonical history: what happened, without times and chance. Two runs of a plan whose steps end the same way have
 * byte-identical canonical histories, whatever the concurrency, the schedule or the timing.
 *
 * Omitted: times, durations, usage, retry delays, run ids, versions, who answered, signals before a step took them, how many steps ran at once and who set it, what the machine lacked; commits
 * and sessions; progress, pauses, resumes, worktrees, conflicts and landings, which depend on the engine and not on the
 * plan. The rest is ordered by layer, position in the plan, attempt and kind; added steps are positioned below the step
 * that they came from.
 */
import { defined } from "../base/defined.ts";
import { canonicalJson, isJsonObject, type Json, type JsonObject } from "../base/json.ts";
import type { Plan } from "../plan/plan.ts";
import type { Event, EventType } from "./event.ts";
import { fold } from "./apply.ts";
import { compareOrder, orderOf, type PlanOrder } from "./plan-order.ts";
import type { RunState } from "./state.ts";

export interface CanonicalEvent {
  readonly seq: number;
  readonly type: EventType;
  readonly step?: string;
  readonly attempt?: number;
  readonly data: JsonObject;
}

/** Order of kinds within one attempt; what is absent is left out of the canonical history. */
const KIND_ORDER: Partial<Record<EventType, number>> = {
  "run.created": 0,
  "run.started": 1,
  "step.started": 10,
  "timer.set": 11,
  "timer.fired": 12,
  "approval.requested": 11,
  "approval.given": 12,
  "steps.added": 13,
  "worktree.merged": 14,
  "step.succeeded": 20,
  "step.cached": 20,
  "step.reused": 20,
  "step.skipped": 20,
  "step.failed": 20,
  "step.cancelled": 20,
  "rollback.started": 30,
  "step.rolledback": 31,
  "rollback.failed": 31,
  "rollback.ended": 32,
  "run.succeeded": 40,
  "run.failed": 40,
  "run.cancelled": 40,
};

interface Keyed {
  readonly event: Event;
  /** Run-level events: before, after the steps in their own order. */
  readonly zone: number;
  readonly layer: number;
  readonly order: PlanOrder;
  readonly attempt: number;
  readonly kind: number;
}

/** The canonical form of a whole history. A history that does not begin with `run.created` gives an empty one. */
export function canonicalHistory(events: readonly Event[]): readonly CanonicalEvent[] {
  const state = fold(events);
  if (state === undefined) return [];
  const places = new Map<number, PlanOrder>();
  const keyed = events.flatMap((event) => key(state, event, places) ?? []);
  keyed.sort(compare);
  const isAgent = (event: Event): boolean =>
    "step" in event && state.steps[state.index.byId.get(event.step) ?? -1]?.action.kind === "agent";
  return keyed.map(({ event }, at) => strip(event, at + 1, isAgent(event)));
}

/** One line of JSON per event, keys sorted: what is compared byte by byte. */
export function canonicalText(events: readonly Event[]): string {
  return canonicalHistory(events)
    .map((event) => `${canonicalJson(event as unknown as Json)}\n`)
    .join("");
}

function key(state: RunState, event: Event, orders: Map<number, PlanOrder>): Keyed | undefined {
  const kind = KIND_ORDER[event.type];
  if (kind === undefined) return undefined;
  if (!("step" in event)) return { event, zone: zoneOf(event.type), layer: 0, order: [event.seq], attempt: 0, kind };
  const step = state.index.byId.get(event.step);
  if (step === undefined) return undefined;
  const undo = event.type === "step.rolledback" || event.type === "rollback.failed";
  const attempt = "attempt" in event ? event.attempt : event.type === "steps.added" ? Number.MAX_SAFE_INTEGER : 0;
  return {
    event,
    zone: undo ? 2 : 1,
    layer: undo ? 0 : (state.layers[step] ?? 0),
    order: orderOf(state, step, orders),
    attempt,
    kind,
  };
}

function zoneOf(type: EventType): number {
  switch (type) {
    case "run.created":
    case "run.started":
      return 0;
    case "rollback.started":
      return 1.5;
    case "rollback.ended":
      return 2.5;
    default:
      return 3;
  }
}

function compare(a: Keyed, b: Keyed): number {
  return (
    a.zone - b.zone ||
    a.layer - b.layer ||
    compareOrder(a.order, b.order) ||
    a.attempt - b.attempt ||
    a.kind - b.kind ||
    a.event.seq - b.event.seq
  );
}

const LEFT_OUT: ReadonlySet<string> = new Set([
  "durationMs",
  "at",
  "usage",
  "retryAt",
  "retryDelayMs",
  "engine",
  "gitHead",
  "traceparent",
  "begin",
  "from",
  "madeAt",
  "by",
  "deadline",
  "options",
  "branch",
  "commit",
  "onto",
  "captured",
  "ref",
]);

/** Lists of steps whose order says which ended first. */
const UNORDERED: ReadonlySet<string> = new Set(["rollback.started steps", "run.failed failed"]);

/** `isAgent`: the event is of a step whose output names a commit. */
function strip(event: Event, seq: number, isAgent: boolean): CanonicalEvent {
  const data: Record<string, Json> = {};
  for (const [name, value] of Object.entries(event.data)) {
    if (LEFT_OUT.has(name) || value === undefined) continue;
    if (name === "plan") data[name] = stripPlan(value as Plan);
    else if (name === "output" && isAgent) data[name] = withoutCommit(value as Json);
    else
      data[name] = UNORDERED.has(`${event.type} ${name}`) ? (value as readonly string[]).toSorted() : (value as Json);
  }
  return defined({
    seq,
    type: event.type,
    step: "step" in event ? event.step : undefined,
    attempt: "attempt" in event ? event.attempt : undefined,
    data,
  });
}

function withoutCommit(output: Json): Json {
  if (!isJsonObject(output)) return output;
  const { commit: _commit, ...rest } = output;
  return rest;
}

function stripPlan(plan: Plan): Json {
  const { schedule: _schedule, maxConcurrency: _maxConcurrency, ...rest } = plan;
  return rest as unknown as Json;
}
