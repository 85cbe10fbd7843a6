/** Claims: the pools and locks that a step of the run asks for, by the containers around it. Pure: reads the state. */
import { present } from "../base/assert.ts";
import {
  heldProblem,
  holderOf,
  isHolder,
  lockMode,
  poolPlaces,
  poolsWithin,
  type Pools,
  type StepAround,
} from "../plan/held.ts";
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

/** Whether the step holds locks or pools while it is open: under earlier rules none did. */
export function holdsWhileOpen(step: Step, rules: number): boolean {
  return rules >= 3 && isHolder(step);
}

interface NumberedStep extends StepAround {
  readonly number: number;
}

/** The containers from `parent` on, from inside out. `inside`: what the plan of `parent` says, where it has not joined the run yet. */
function chainFrom(state: RunState, parent: number, inside?: SubplanSettings): readonly NumberedStep[] {
  const chain: NumberedStep[] = [];
  // Under earlier rules nothing around a step changed what it asks for.
  for (let at = state.rules < 3 ? -1 : parent; at !== -1; at = state.parents[at] ?? -1) {
    const settings = at === parent && inside !== undefined ? inside : state.containers.get(at)?.settings;
    chain.push({ step: stepAt(state, at), pools: settings?.resources, number: at });
  }
  return chain;
}

/** What the step asks for. */
export function claimsOf(state: RunState, step: number): Claims {
  const { resources, locks } = stepAt(state, step);
  if (resources === undefined && locks === undefined) return NO_CLAIMS;
  const chain = chainFrom(state, state.parents[step] ?? -1);
  const pools = Object.entries(resources ?? {}).flatMap(([pool, units]) =>
    poolPlaces(pool, chain, state.plan.resources).map(({ around, isHeld, capacity }): PoolClaim => {
      const owner = chain[around]?.number;
      const key = owner === undefined ? pool : `${owner} ${isHeld ? "held " : ""}${pool}`;
      return { key, pool, units, capacity };
    }),
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
      const holder = chain[holderOf(chain, (held) => lockMode(held, name) !== undefined)];
      if (holder === undefined) shared[kind].push(name);
      else inner[kind].push(`${holder.number} ${name}`);
    }
  }
  return { pools, shared, inner };
}

/** The pools that a step inside of `parent` may ask for, with how much of each it can get. */
export function poolsAround(state: RunState, parent: number): Pools {
  return poolsWithin(chainFrom(state, parent), state.plan.resources);
}

/** Why the step, which is to join the run inside of `parent`, could never get what it asks for. `settings`: of the subplan that it is in. */
export function claimProblem(
  state: RunState,
  step: Step,
  parent: number,
  settings?: SubplanSettings,
): string | undefined {
  const problem = heldProblem(step, chainFrom(state, parent, settings), state.plan.resources);
  return problem && `${problem.message}: ${problem.hint}`;
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
