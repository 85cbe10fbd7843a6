/** Slots, pools and locks of a run: what running attempts take, and the lanes in which ready steps compete for them. */
import { present } from "../base/assert.ts";
import { isWait } from "../plan/plan.ts";
import { boundsAround, boundsOf, claimsOf, holdsWhileOpen } from "./claims.ts";
import type { Lane, LockUse } from "./run-index.ts";
import { groupLock, isContainerStep, stepAt, type RunState } from "./state.ts";
import { writeGlobsOf } from "./write-locks.ts";

/** Whether the step wants more than a slot: such steps may have to be waited for. */
export function contends(state: RunState, step: number): boolean {
  const definition = stepAt(state, step);
  if (holdsWhileOpen(definition, state.rules)) return true;
  if (isContainerStep(definition) || definition.action.kind === "approve" || isWait(definition)) return false;
  if (definition.resources !== undefined || definition.locks !== undefined) return true;
  return groupLock(definition) !== undefined || writeGlobsOf(state.plan, definition).length > 0;
}

/** The attempt of `step` takes its slot, pools and locks; a container, which takes no slot, what it holds while it is open. */
export function takeSlots(state: RunState, step: number): void {
  changeSlots(state, step, 1);
}

/** Gives back what {@link takeSlots} took. */
export function releaseSlots(state: RunState, step: number): void {
  changeSlots(state, step, -1);
}

function changeSlots(state: RunState, step: number, by: 1 | -1): void {
  const definition = stepAt(state, step);
  if (isContainerStep(definition) && !holdsWhileOpen(definition, state.rules)) return;
  const { index } = state;
  const lane = laneFor(state, step);
  for (const { key, units } of lane.pools) index.pools.set(key, (index.pools.get(key) ?? 0) + by * units);
  for (const name of lane.read) lockUse(state, name).readers += by;
  for (const name of lane.write) lockUse(state, name).writers += by;
  if (!lane.takesSlot) return;
  index.slots += by;
  if (lane.agent) index.agents += by;
  for (const subplan of lane.bounds) {
    const use = present(index.containers.get(subplan), "container");
    use.slots += by;
    if (lane.agent) use.agents += by;
  }
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
  const plain = index.laneKeys.get(PLAIN);
  if (plain !== undefined && isPlain(state, step)) {
    index.laneOf[step] = plain;
    return present(index.lanes[plain], "lane");
  }
  const wanted = wantedBy(state, step);
  const key = laneKey(wanted);
  let at = index.laneKeys.get(key);
  if (at === undefined) {
    at = index.lanes.length;
    const heap = index.newHeap((a, b) => goesBefore(state, a, b));
    index.lanes.push({ ...wanted, heap });
    index.laneKeys.set(key, at);
  }
  index.laneOf[step] = at;
  return present(index.lanes[at], "lane");
}

const NONE: readonly number[] = [];

/** Key of the lane of steps that want a slot of the run and nothing else. */
const PLAIN = "";

/** Most steps are: nothing is made to find that out. */
function isPlain(state: RunState, step: number): boolean {
  const { action, forEach, resources, locks, writes } = stepAt(state, step);
  if (action.kind === "agent" || action.kind === "plan" || forEach !== undefined) return false;
  return resources === undefined && locks === undefined && writes === undefined && (state.parents[step] ?? -1) === -1;
}

function wantedBy(state: RunState, step: number): Omit<Lane, "heap"> {
  const definition = stepAt(state, step);
  const parent = state.parents[step] ?? -1;
  const { pools, shared, inner } = claimsOf(state, step);
  const turn = groupLock(definition);
  const takesSlot = !isContainerStep(definition);
  return {
    pools,
    read: [...shared.read, ...inner.read],
    write: [...shared.write, ...inner.write, ...(turn === undefined || !takesSlot ? [] : [turn])],
    isShared: shared.read.length + shared.write.length > 0,
    writeGlobs: takesSlot ? writeGlobsOf(state.plan, definition) : [],
    agent: takesSlot && definition.action.kind === "agent",
    takesSlot,
    container: takesSlot && state.containers.get(parent)?.maxConcurrency !== undefined ? parent : -1,
    bounds: takesSlot && parent !== -1 ? boundsAround(state, step) : NONE,
  };
}

function laneKey(wanted: Omit<Lane, "heap">): string {
  const { pools, read, write, writeGlobs, agent, takesSlot, container, bounds } = wanted;
  const isPlain = takesSlot && container === -1 && bounds.length === 0 && writeGlobs.length === 0;
  if (isPlain && pools.length === 0 && read.length === 0 && write.length === 0) return agent ? "agent" : PLAIN;
  const units = pools.map(({ key, units: wanted }) => [key, wanted]);
  return JSON.stringify([agent, takesSlot, container, bounds, units, read, write, writeGlobs]);
}

/** Whether what the lane's steps ask for is free, beside what is `reserved` for others. */
export function fits({ index }: RunState, lane: Lane, reserved: Reserved = NOTHING_RESERVED): boolean {
  const { pools, locks, writing } = index;
  for (const { key, units, capacity } of lane.pools) {
    if ((pools.get(key) ?? 0) + (reserved.pools.get(key) ?? 0) + units > capacity) return false;
  }
  for (const name of lane.read) if ((locks.get(name)?.writers ?? 0) > 0 || reserved.write.has(name)) return false;
  for (const name of lane.write) {
    const use = locks.get(name);
    if ((use !== undefined && use.readers + use.writers > 0) || reserved.read.has(name) || reserved.write.has(name))
      return false;
  }
  if (lane.writeGlobs.length === 0) return true;
  return writing.holder(lane.writeGlobs) === undefined && !writing.meet(lane.writeGlobs, reserved.writeGlobs);
}

/** Every slot of the run is taken. */
export function areSlotsTaken({ index, options }: RunState): boolean {
  return index.slots >= options.maxConcurrency;
}

/** Whether a limit on attempts, on agents or on items stops the whole lane. */
export function isFull(state: RunState, { agent, takesSlot, container, bounds }: Lane): boolean {
  const { index } = state;
  if (takesSlot && areSlotsTaken(state)) return true;
  if (agent && index.agents >= state.options.maxAgents) return true;
  for (const subplan of bounds) {
    const { attempts, agents } = boundsOf(state, subplan);
    const use = index.containers.get(subplan);
    if ((use?.slots ?? 0) >= attempts || (agent && (use?.agents ?? 0) >= agents)) return true;
  }
  if (container === -1) return false;
  const running = index.containers.get(container)?.running ?? 0;
  return running >= (state.containers.get(container)?.maxConcurrency ?? Infinity);
}

/** What is reserved for steps further ahead. */
export interface Reserved {
  readonly pools: Map<string, number>;
  readonly read: Set<string>;
  readonly write: Set<string>;
  readonly writeGlobs: string[];
}

/** Mostly the first step fits: nothing is made for it. */
export const NOTHING_RESERVED: Reserved = { pools: new Map(), read: new Set(), write: new Set(), writeGlobs: [] };

/** With what the lane's first step asks for. */
export function reserve(lane: Lane, before: Reserved): Reserved {
  const reserved: Reserved =
    before === NOTHING_RESERVED ? { pools: new Map(), read: new Set(), write: new Set(), writeGlobs: [] } : before;
  for (const { key, units } of lane.pools) reserved.pools.set(key, (reserved.pools.get(key) ?? 0) + units);
  for (const name of lane.read) reserved.read.add(name);
  for (const name of lane.write) reserved.write.add(name);
  for (const glob of lane.writeGlobs) reserved.writeGlobs.push(glob);
  return reserved;
}

/**
 * Whether an open container holds something that the lane asks for. Nothing is reserved for such a lane: the steps inside of the container
 * may need it, and the container may be open for days.
 */
export function asksForHeld(state: RunState, lane: Lane): boolean {
  for (const container of state.volatile.holding) {
    const { pools, read, write } = laneFor(state, container);
    const names = new Set([...read, ...write, ...pools.map(({ key }) => `pool ${key}`)]);
    if ([...lane.read, ...lane.write].some((name) => names.has(name))) return true;
    if (lane.pools.some(({ key }) => names.has(`pool ${key}`))) return true;
  }
  return false;
}

/** Whether something ready could start, if the machine and other runs let it: the rest waits for what open containers hold. */
export function hasStartable(state: RunState): boolean {
  for (const lane of state.index.activeLanes) if (!isFull(state, lane) && fits(state, lane)) return true;
  return false;
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
