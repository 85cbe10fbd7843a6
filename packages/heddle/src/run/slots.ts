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
    index.lanes.push({ ...wanted, key, heap });
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

function wantedBy(state: RunState, step: number): Wants {
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

function laneKey(wanted: Wants): string {
  const { pools, read, write, writeGlobs, agent, takesSlot, container, bounds } = wanted;
  const isPlain = takesSlot && container === -1 && bounds.length === 0 && writeGlobs.length === 0;
  if (isPlain && pools.length === 0 && read.length === 0 && write.length === 0) return agent ? "agent" : PLAIN;
  const units = pools.map(({ key, units: wanted }) => [key, wanted]);
  return JSON.stringify([agent, takesSlot, container, bounds, units, read, write, writeGlobs]);
}

/** Something of which steps of a lane want more than there is now. */
export type Shortage =
  /** `within`: the subplan or `forEach` whose limit it is; -1: that of the run. */
  | { readonly kind: "slot" | "agent-slot"; readonly within: number; readonly limit: number }
  | { readonly kind: "pool"; readonly pool: string; readonly want: number; readonly have: number; readonly of: number }
  | { readonly kind: "lock"; readonly lock: string }
  /** Another step of the group has its worktree. */
  | { readonly kind: "group"; readonly group: string }
  /** A running step that may write the same files. */
  | { readonly kind: "writes"; readonly step: number };

/** What a step asks for before it starts. */
export type Wants = Omit<Lane, "heap" | "key">;

/** What the step asks for; makes no lane. */
export function wantsOf(state: RunState, step: number): Wants {
  return state.index.lanes[state.index.laneOf[step] ?? -1] ?? wantedBy(state, step);
}

/** Equal for steps that ask for the same. */
export function laneKeyOf(state: RunState, step: number): string {
  return laneKey(wantsOf(state, step));
}

/** All that the step wants more of than there is now: the limits first. Empty: it can start. */
export function shortagesOf(state: RunState, wants: Wants): readonly Shortage[] {
  const found: Shortage[] = [];
  isFull(state, wants, found);
  fits(state, wants, NOTHING_RESERVED, found);
  return found;
}

/**
 * Whether what the lane's steps ask for is free, beside what is `reserved` for others. `found`: gets everything that is short, and not
 * only the first.
 */
export function fits(
  { index }: RunState,
  wants: Wants,
  reserved: Reserved = NOTHING_RESERVED,
  found?: Shortage[],
): boolean {
  const { pools, locks, writing } = index;
  let isFree = true;
  for (const { key, pool, units, capacity } of wants.pools) {
    const have = capacity - (pools.get(key) ?? 0) - (reserved.pools.get(key) ?? 0);
    if (units <= have) continue;
    if (found === undefined) return false;
    found.push({ kind: "pool", pool, want: units, have: Math.max(0, have), of: capacity });
    isFree = false;
  }
  for (const name of wants.read) {
    if ((locks.get(name)?.writers ?? 0) === 0 && !reserved.write.has(name)) continue;
    if (found === undefined) return false;
    found.push(lockShortage(name));
    isFree = false;
  }
  for (const name of wants.write) {
    const use = locks.get(name);
    const isTaken = use !== undefined && use.readers + use.writers > 0;
    if (!isTaken && !reserved.read.has(name) && !reserved.write.has(name)) continue;
    if (found === undefined) return false;
    found.push(lockShortage(name));
    isFree = false;
  }
  if (wants.writeGlobs.length === 0) return isFree;
  const writer = writing.holder(wants.writeGlobs);
  if (writer !== undefined) found?.push({ kind: "writes", step: writer });
  return isFree && writer === undefined && !writing.meet(wants.writeGlobs, reserved.writeGlobs);
}

/** Names of locks are words; that of a lock which a container holds has its number before it, that of a group's turn `group`. */
function lockShortage(name: string): Shortage {
  const at = name.indexOf(" ");
  const rest = name.slice(at + 1);
  return name.slice(0, Math.max(0, at)) === "group" ? { kind: "group", group: rest } : { kind: "lock", lock: rest };
}

/** Every slot of the run is taken. */
export function areSlotsTaken({ index, options }: RunState): boolean {
  return index.slots >= options.maxConcurrency;
}

/** Whether a limit on attempts, on agents or on items stops the whole lane. `found`: gets every such limit, and not only the first. */
export function isFull(state: RunState, wants: Wants, found?: Shortage[]): boolean {
  const { agent, takesSlot, container, bounds } = wants;
  const { index, options } = state;
  let full = false;
  if (takesSlot && areSlotsTaken(state)) {
    if (found === undefined) return true;
    found.push({ kind: "slot", within: -1, limit: options.maxConcurrency });
    full = true;
  }
  if (agent && index.agents >= options.maxAgents) {
    if (found === undefined) return true;
    found.push({ kind: "agent-slot", within: -1, limit: options.maxAgents });
    full = true;
  }
  for (const subplan of bounds) {
    const { attempts, agents } = boundsOf(state, subplan);
    const use = index.containers.get(subplan);
    const isShort = (use?.slots ?? 0) >= attempts;
    const lacksAgent = agent && (use?.agents ?? 0) >= agents;
    if (!isShort && !lacksAgent) continue;
    if (found === undefined) return true;
    if (isShort) found.push({ kind: "slot", within: subplan, limit: attempts });
    if (lacksAgent) found.push({ kind: "agent-slot", within: subplan, limit: agents });
    full = true;
  }
  if (container === -1) return full;
  const limit = state.containers.get(container)?.maxConcurrency ?? Infinity;
  if ((index.containers.get(container)?.running ?? 0) < limit) return full;
  found?.push({ kind: "slot", within: container, limit });
  return true;
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
