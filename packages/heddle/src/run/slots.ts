/** Slots, pools and locks of a run: what running attempts take, and the lanes in which ready steps compete for them. */
import { present } from "../base/assert.ts";
import type { Step } from "../plan/plan.ts";
import type { Lane, LockUse } from "./run-index.ts";
import { groupLock, isContainerStep, stepAt, type RunState } from "./state.ts";
import { writeGlobsOf } from "./write-locks.ts";

/** Whether the step wants more than a slot: such steps may have to be waited for. */
export function contends(state: RunState, step: number): boolean {
  const definition = stepAt(state, step);
  if (isContainerStep(definition) || definition.action.kind === "approve") return false;
  if (definition.resources !== undefined || definition.locks !== undefined) return true;
  return groupLock(definition) !== undefined || writeGlobsOf(state.plan, definition).length > 0;
}

/** The attempt of `step` takes its slot, pools and locks. Containers take none. */
export function takeSlots(state: RunState, step: number): void {
  changeSlots(state, step, 1);
}

/** Gives back what {@link takeSlots} took. */
export function releaseSlots(state: RunState, step: number): void {
  changeSlots(state, step, -1);
}

function changeSlots(state: RunState, step: number, by: 1 | -1): void {
  if (isContainerStep(stepAt(state, step))) return;
  const { index } = state;
  const lane = laneFor(state, step);
  index.slots += by;
  if (lane.agent) index.agents += by;
  for (const [pool, units] of lane.resources) index.pools.set(pool, (index.pools.get(pool) ?? 0) + by * units);
  for (const name of lane.read) lockUse(state, name).readers += by;
  for (const name of lane.write) lockUse(state, name).writers += by;
  if (by === 1) index.writing.take(step, lane.writeGlobs);
  else index.writing.give(step);
  if (lane.container !== -1) present(index.containers.get(lane.container), "container").running += by;
}

function lockUse({ index }: RunState, name: string): LockUse {
  let use = index.locks.get(name);
  if (use === undefined) {
    use = { readers: 0, writers: 0 };
    index.locks.set(name, use);
  }
  return use;
}

/** The lane in which the step competes. */
export function laneFor(state: RunState, step: number): Lane {
  const { index } = state;
  const known = index.lanes[index.laneOf[step] ?? -1];
  if (known !== undefined) return known;
  const definition = stepAt(state, step);
  const parent = state.parents[step] ?? -1;
  const limited = state.containers.get(parent)?.maxConcurrency === undefined ? -1 : parent;
  const writeGlobs = writeGlobsOf(state.plan, definition);
  const key = laneKey(definition, limited, writeGlobs);
  let at = index.laneKeys.get(key);
  if (at === undefined) {
    at = index.lanes.length;
    index.lanes.push(newLane(state, definition, limited, writeGlobs));
    index.laneKeys.set(key, at);
  }
  index.laneOf[step] = at;
  return present(index.lanes[at], "lane");
}

function laneKey(step: Step, container: number, writeGlobs: readonly string[]): string {
  const agent = step.action.kind === "agent";
  const turn = groupLock(step);
  if (!step.resources && !step.locks && container === -1 && turn === undefined && writeGlobs.length === 0)
    return agent ? "agent" : "";
  return JSON.stringify([agent, container, step.resources ?? null, step.locks ?? null, turn ?? null, writeGlobs]);
}

function newLane(state: RunState, step: Step, container: number, writeGlobs: readonly string[]): Lane {
  const turn = groupLock(step);
  const write = [...new Set([...(step.locks?.write ?? []), ...(turn === undefined ? [] : [turn])])];
  return {
    heap: state.index.newHeap((a, b) => goesBefore(state, a, b)),
    resources: Object.entries(step.resources ?? {}),
    read: [...new Set(step.locks?.read ?? [])].filter((name) => !write.includes(name)),
    write,
    writeGlobs,
    agent: step.action.kind === "agent",
    container,
  };
}

/**
 * Which of two ready steps goes first: by priority, then by the longest expected remaining path, then by the position
 * in the plan.
 */
export function goesBefore(state: RunState, a: number, b: number): boolean {
  if (state.options.sequential === true) {
    const layers = (state.layers[a] ?? 0) - (state.layers[b] ?? 0);
    return layers === 0 ? a < b : layers < 0;
  }
  const priorityA = stepAt(state, a).priority ?? 0;
  const priorityB = stepAt(state, b).priority ?? 0;
  if (priorityA !== priorityB) return priorityA > priorityB;
  const { weight } = state.index.rank;
  const weightA = weight(a);
  const weightB = weight(b);
  return weightA === weightB ? a < b : weightA > weightB;
}
