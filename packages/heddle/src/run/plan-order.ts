/**
 * Plan order: a step's position in its plan, whatever the timing of the run: its number in the plan, and for added steps
 * the path from there. The numbers of added steps depend on which of two containers expanded first; orders do not.
 */
import type { RunState } from "./state.ts";

/** Numbers to compare from the front; steps of one origin were added in one event, so theirs keep their order in every run. */
export type PlanOrder = readonly number[];

/** `known` remembers orders over calls for one state. */
export function orderOf(state: RunState, step: number, known: Map<number, PlanOrder> = new Map()): PlanOrder {
  const chain: number[] = [];
  let order: PlanOrder | undefined;
  for (let at = step; at !== -1 && order === undefined; at = originOf(state, at)) {
    order = known.get(at);
    if (order === undefined) chain.push(at);
  }
  order ??= [];
  for (const at of chain.toReversed()) {
    order = [...order, at];
    known.set(at, order);
  }
  return order;
}

function originOf(state: RunState, step: number): number {
  return state.addedBy.get(step) ?? state.parents[step] ?? -1;
}

/** Below 0 where `a` comes first. */
export function compareOrder(a: PlanOrder, b: PlanOrder): number {
  const shared = Math.min(a.length, b.length);
  for (let at = 0; at < shared; at++) {
    const difference = (a[at] as number) - (b[at] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Whether `a` comes before `b` in the plan. Steps of the plan itself are compared without making their orders. */
export function standsBefore(state: RunState, a: number, b: number): boolean {
  if (a < state.index.graph.size && b < state.index.graph.size) return a < b;
  return compareOrder(orderOf(state, a), orderOf(state, b)) < 0;
}
