/**
 * Where a step stands in its plan, whatever the timing of the run: its number in the plan, and for added steps the way from
 * there down. Numbers of added steps depend on which of two containers expanded first; places do not.
 */
import type { RunState } from "./state.ts";

/** Numbers to compare from the front; steps of one origin were added in one event, so theirs keep their order in every run. */
export type Place = readonly number[];

/** `known` remembers places over calls for one state. */
export function placeOf(state: RunState, step: number, known: Map<number, Place> = new Map()): Place {
  const chain: number[] = [];
  let place: Place | undefined;
  for (let at = step; at !== -1 && place === undefined; at = originOf(state, at)) {
    place = known.get(at);
    if (place === undefined) chain.push(at);
  }
  place ??= [];
  for (const at of chain.toReversed()) {
    place = [...place, at];
    known.set(at, place);
  }
  return place;
}

function originOf(state: RunState, step: number): number {
  return state.addedBy.get(step) ?? state.parents[step] ?? -1;
}

/** Below 0 where `a` comes first. */
export function comparePlaces(a: Place, b: Place): number {
  const shared = Math.min(a.length, b.length);
  for (let at = 0; at < shared; at++) {
    const difference = (a[at] as number) - (b[at] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Whether `a` comes before `b` in the plan. Steps of the plan itself are compared without making their places. */
export function standsBefore(state: RunState, a: number, b: number): boolean {
  if (a < state.index.graph.size && b < state.index.graph.size) return a < b;
  return comparePlaces(placeOf(state, a), placeOf(state, b)) < 0;
}
