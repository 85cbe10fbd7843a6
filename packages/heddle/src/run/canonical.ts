/**
 * The canonical history: what happened, without when, where and in which order of chance. Two runs of one plan whose steps
 * end the same way have byte-identical canonical histories, whatever the concurrency, the schedule or the timing.
 *
 * Left out: times, durations, usage, retry waits, run ids, versions, who answered, how many steps went at once; progress,
 * pauses and resumes, which tell about the engine's day and not about the plan. Kept and ordered by (layer, place in the
 * plan, attempt, kind); added steps have their place under the step that they came from.
 */
import { canonicalJson, type Json, type JsonObject } from "../base/json.ts";
import type { Plan } from "../plan/plan.ts";
import type { Event, EventType } from "./event.ts";
import { fold } from "./apply.ts";
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
  "approval.requested": 11,
  "approval.given": 12,
  "steps.added": 13,
  "step.succeeded": 20,
  "step.cached": 20,
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
  readonly place: readonly number[];
  readonly attempt: number;
  readonly kind: number;
}

/** The canonical form of a whole history. A history that does not begin with `run.created` gives an empty one. */
export function canonicalHistory(events: readonly Event[]): readonly CanonicalEvent[] {
  const state = fold(events);
  if (state === undefined) return [];
  const places = new Map<number, readonly number[]>();
  const keyed = events.flatMap((event) => key(state, event, places) ?? []);
  keyed.sort(compare);
  return keyed.map(({ event }, at) => strip(event, at + 1));
}

/** One line of JSON per event, keys sorted: what is compared byte by byte. */
export function canonicalText(events: readonly Event[]): string {
  return canonicalHistory(events)
    .map((event) => `${canonicalJson(event as unknown as Json)}\n`)
    .join("");
}

function key(state: RunState, event: Event, places: Map<number, readonly number[]>): Keyed | undefined {
  const kind = KIND_ORDER[event.type];
  if (kind === undefined) return undefined;
  if (!("step" in event)) return { event, zone: zoneOf(event.type), layer: 0, place: [event.seq], attempt: 0, kind };
  const step = state.indexOf.get(event.step);
  if (step === undefined) return undefined;
  const undo = event.type === "step.rolledback" || event.type === "rollback.failed";
  const attempt = "attempt" in event ? event.attempt : event.type === "steps.added" ? Number.MAX_SAFE_INTEGER : 0;
  return { event, zone: undo ? 2 : 1, layer: undo ? 0 : (state.layers[step] ?? 0), place: placeOf(state, step, places), attempt, kind };
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

/** The path from the plan down to the step: its place, below the place of the step it came from. */
function placeOf(state: RunState, step: number, places: Map<number, readonly number[]>): readonly number[] {
  const known = places.get(step);
  if (known) return known;
  const chain: number[] = [];
  let root: readonly number[] | undefined;
  for (let at = step; at !== -1 && root === undefined; ) {
    chain.push(at);
    const parent = state.addedBy.get(at) ?? state.parents[at] ?? -1;
    root = parent === -1 ? [] : places.get(parent);
    at = parent;
  }
  let place: readonly number[] = root ?? [];
  // Steps with one origin were added in one event: their numbers follow each other in the same order in every run.
  for (const at of chain.toReversed()) {
    place = [...place, at];
    places.set(at, place);
  }
  return place;
}

function compare(a: Keyed, b: Keyed): number {
  return (
    a.zone - b.zone ||
    a.layer - b.layer ||
    comparePlaces(a.place, b.place) ||
    a.attempt - b.attempt ||
    a.kind - b.kind ||
    a.event.seq - b.event.seq
  );
}

function comparePlaces(a: readonly number[], b: readonly number[]): number {
  const shared = Math.min(a.length, b.length);
  for (let at = 0; at < shared; at++) {
    const difference = (a[at] as number) - (b[at] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

const LEFT_OUT: ReadonlySet<string> = new Set(["durationMs", "usage", "retryAt", "retryDelayMs", "engine", "gitHead", "from", "by", "deadline", "options"]);

function strip(event: Event, seq: number): CanonicalEvent {
  const data: Record<string, Json> = {};
  for (const [name, value] of Object.entries(event.data)) {
    if (LEFT_OUT.has(name) || value === undefined) continue;
    data[name] = name === "plan" ? stripPlan(value as Plan) : (value as Json);
  }
  return {
    seq,
    type: event.type,
    ...("step" in event ? { step: event.step } : {}),
    ...("attempt" in event ? { attempt: event.attempt } : {}),
    data,
  };
}

function stripPlan(plan: Plan): Json {
  const { schedule: _schedule, maxConcurrency: _maxConcurrency, ...rest } = plan;
  return rest as unknown as Json;
}
