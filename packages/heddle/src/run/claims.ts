/**
 * Claims: the pools and locks that a step asks for, by the containers around it. Pure: reads the state.
 *
 * Invariants:
 *  1. A pool of a subplan is its own; of a name that an outer plan has too, units are taken from both.
 *  2. What an open container holds, it holds for the steps inside: they share it among themselves, and ask nobody else
 *     for it.
 *  3. Nothing that holds waits for what another may hold while it waits itself: locks are taken before pools, and the
 *     ones that {@link claimProblem} accepts are taken at once. So there is no deadlock.
 */
import { present } from "../base/assert.ts";
import type { Step } from "../plan/plan.ts";
import type { SubplanSettings } from "./event.ts";
import type { PoolClaim } from "./run-index.ts";
import { stepAt, type RunState } from "./state.ts";

export interface LockClaims {
  readonly read: readonly string[];
  readonly write: readonly string[];
}

export interface Claims {
  readonly pools: readonly PoolClaim[];
  /** Locks of the project, over all its runs. */
  readonly shared: LockClaims;
  /** Locks that a container around the step holds: shared among the steps inside. */
  readonly inner: LockClaims;
}

const NONE: readonly string[] = [];
const NO_LOCKS: LockClaims = { read: NONE, write: NONE };
const NO_CLAIMS: Claims = { pools: [], shared: NO_LOCKS, inner: NO_LOCKS };

/** Whether the step, which stands for a plan, takes locks or pools as it opens and keeps them until it has ended. */
export function holdsWhileOpen(step: Step, rules: number): boolean {
  if (rules < 3 || step.action.kind !== "plan" || step.forEach !== undefined) return false;
  return step.resources !== undefined || step.locks !== undefined;
}

/** What the step asks for. */
export function claimsOf(state: RunState, step: number): Claims {
  return claimsIn(state, stepAt(state, step), state.parents[step] ?? -1);
}

function claimsIn(state: RunState, step: Step, parent: number, settings?: SubplanSettings): Claims {
  const { resources, locks } = step;
  if (resources === undefined && locks === undefined) return NO_CLAIMS;
  const pools = Object.entries(resources ?? {}).flatMap(([pool, units]) =>
    placesOf(state, pool, parent, settings).map(({ key, capacity }) => ({ key, pool, units, capacity })),
  );
  const shared = { read: [] as string[], write: [] as string[] };
  const inner = { read: [] as string[], write: [] as string[] };
  const write = [...new Set(locks?.write)];
  const read = [...new Set(locks?.read)].filter((name) => !write.includes(name));
  for (const [kind, names] of [
    ["read", read],
    ["write", write],
  ] as const) {
    for (const name of names) {
      const holder = holderOf(state, parent, (held) => modeOfLock(held, name) !== undefined);
      if (holder === -1) shared[kind].push(name);
      else inner[kind].push(`${holder} ${name}`);
    }
  }
  return { pools, shared, inner };
}

interface PoolPlace {
  readonly key: string;
  readonly capacity: number;
}

/** The pools of this name that a step inside of `parent` takes units from, the innermost first. */
function placesOf(state: RunState, pool: string, parent: number, inside?: SubplanSettings): readonly PoolPlace[] {
  const places: PoolPlace[] = [];
  for (let at = parent; at !== -1; at = state.parents[at] ?? -1) {
    const settings = at === parent && inside !== undefined ? inside : state.containers.get(at)?.settings;
    const own = capacityIn(settings?.resources, pool);
    if (own !== undefined) places.push({ key: `${at} ${pool}`, capacity: own });
    const container = stepAt(state, at);
    const held = holdsWhileOpen(container, state.rules) ? capacityIn(container.resources, pool) : undefined;
    if (held !== undefined) return [...places, { key: `${at} held ${pool}`, capacity: held }];
  }
  const outer = capacityIn(state.plan.resources, pool);
  // A pool that nobody has never has units.
  if (outer !== undefined || places.length === 0) places.push({ key: pool, capacity: outer ?? 0 });
  return places;
}

/** The pools that a step inside of `parent` may ask for, with how much of each it can get. */
export function poolsAround(state: RunState, parent: number): { readonly [pool: string]: number } {
  const pools: Record<string, number> = { ...state.plan.resources };
  const chain: number[] = [];
  for (let at = parent; at !== -1; at = state.parents[at] ?? -1) chain.unshift(at);
  for (const at of chain) {
    const container = stepAt(state, at);
    if (holdsWhileOpen(container, state.rules)) Object.assign(pools, container.resources);
    for (const [pool, capacity] of Object.entries(state.containers.get(at)?.settings?.resources ?? {}))
      pools[pool] = Math.min(capacity, pools[pool] ?? capacity);
  }
  return pools;
}

function capacityIn(pools: { readonly [pool: string]: number } | undefined, pool: string): number | undefined {
  return pools !== undefined && Object.hasOwn(pools, pool) ? pools[pool] : undefined;
}

/** The innermost container, from `parent` on, that holds something of the kind; -1: none does. */
function holderOf(state: RunState, parent: number, holds: (container: Step) => boolean): number {
  for (let at = parent; at !== -1; at = state.parents[at] ?? -1) {
    const container = stepAt(state, at);
    if (holdsWhileOpen(container, state.rules) && holds(container)) return at;
  }
  return -1;
}

function modeOfLock({ locks }: Step, name: string): "read" | "write" | undefined {
  if (locks?.write?.includes(name) === true) return "write";
  return locks?.read?.includes(name) === true ? "read" : undefined;
}

/** Why the step, which is to join the run inside of `parent`, could never get what it asks for. `settings`: of the subplan that it is in. */
export function claimProblem(
  state: RunState,
  step: Step,
  parent: number,
  settings?: SubplanSettings,
): string | undefined {
  for (const { pool, units, key, capacity } of claimsIn(state, step, parent, settings).pools) {
    if (units <= capacity) continue;
    const holder = key.includes(" held ") ? stepAt(state, Number.parseInt(key, 10)).id : undefined;
    if (holder !== undefined) return `step ${step.id} asks for ${units} ${pool}; ${holder} around it holds ${capacity}`;
    return `step ${step.id} asks for ${units} ${pool}; the run's plan has ${capacity}: declare it under \`resources\` there`;
  }
  return state.rules < 3 ? undefined : heldProblem(state, step, parent, settings);
}

/** A step that asks for more while a container around it holds something could wait for one that waits for it. */
function heldProblem(
  state: RunState,
  step: Step,
  parent: number,
  settings: SubplanSettings | undefined,
): string | undefined {
  const holder = holderOf(state, parent, () => true);
  if (holder === -1) return undefined;
  const around = stepAt(state, holder);
  for (const name of [...(step.locks?.write ?? []), ...(step.locks?.read ?? [])]) {
    const mode = modeOfLock(around, name);
    if (mode === undefined)
      return `step ${step.id} asks for the lock ${name} while ${around.id} around it holds other things: add it to the \`locks\` of ${around.id}`;
    if (mode === "read" && modeOfLock(step, name) === "write")
      return `step ${step.id} asks for the lock ${name} to write, and ${around.id} around it holds it to read: let that one hold it to write`;
  }
  const withPools = holderOf(state, parent, ({ resources }) => resources !== undefined);
  if (withPools === -1) return undefined;
  const missing = claimsIn(state, step, parent, settings).pools.find(({ key }) => isOutside(state, key, withPools));
  if (missing === undefined) return undefined;
  const { id } = stepAt(state, withPools);
  return `step ${step.id} asks for ${missing.pool} while ${id} around it holds other pools: add it to the \`resources\` of ${id}`;
}

/** Whether a pool is one that steps outside of the container can hold as well. */
function isOutside(state: RunState, key: string, container: number): boolean {
  const owner = Number.parseInt(key, 10);
  if (Number.isNaN(owner)) return true;
  for (let at = owner; at !== -1; at = state.parents[at] ?? -1) if (at === container) return false;
  return true;
}

/** The subplans around the step that bound their attempts, from inside out. */
export function boundsAround(state: RunState, step: number): readonly number[] {
  const bounds: number[] = [];
  for (let at = state.parents[step] ?? -1; at !== -1; at = state.parents[at] ?? -1) {
    const settings = state.containers.get(at)?.settings;
    if (settings?.maxConcurrency !== undefined || settings?.maxAgents !== undefined) bounds.push(at);
  }
  return bounds;
}

/** How many attempts, and of them agents, a subplan may have at once. */
export function boundsOf(state: RunState, subplan: number): { readonly attempts: number; readonly agents: number } {
  const { maxConcurrency = Infinity, maxAgents = Infinity } = present(
    state.containers.get(subplan)?.settings,
    "settings of a subplan",
  );
  return { attempts: maxConcurrency, agents: maxAgents };
}
