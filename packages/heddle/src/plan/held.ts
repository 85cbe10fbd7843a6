/**
 * Held locks and pools: what a step asks for, and what the steps around it hold while their plans are open. Pure; for plans
 * that are checked and for steps that join a run alike.
 *
 * Invariants:
 *  1. A pool of a subplan is its own; of a name that an outer plan has too, units are taken from both.
 *  2. What an open step holds, it holds for the steps inside: they share it among themselves, and ask nobody else for it.
 *  3. Nothing that holds waits for what another may hold while that one waits too: locks are taken before pools, and the ones
 *     that {@link heldProblem} accepts are taken at once. Nor is anything reserved for what waits for a
 *     holder (`run/slots.ts`). So there is no deadlock.
 */
import type { Step } from "./plan.ts";

export type Pools = { readonly [pool: string]: number };

/** A step that stands for a plan, or for items, around another one. */
export interface StepAround {
  readonly step: Pick<Step, "id" | "action" | "forEach" | "resources" | "locks">;
  /** Pools of its plan; absent: none. */
  readonly pools?: Pools | undefined;
}

/** Where units of a pool come from. */
export interface PoolPlace {
  /** In the list of steps around, from inside out; -1: the run. */
  readonly around: number;
  /** The units that the step around holds itself, not a pool of its plan. */
  readonly isHeld: boolean;
  readonly capacity: number;
}

/** Whether the step, which stands for a plan, takes locks or pools as it opens and keeps them until it has ended. */
export function isHolder({ action, forEach, resources, locks }: StepAround["step"]): boolean {
  return action.kind === "plan" && forEach === undefined && (resources !== undefined || locks !== undefined);
}

/** The pools of this name that a step takes units from, the innermost first. `around`: from inside out. */
export function poolPlaces(pool: string, around: readonly StepAround[], runPools: Pools = {}): readonly PoolPlace[] {
  const places: PoolPlace[] = [];
  for (const [at, { step, pools }] of around.entries()) {
    const own = capacityIn(pools, pool);
    if (own !== undefined) places.push({ around: at, isHeld: false, capacity: own });
    const held = isHolder(step) ? capacityIn(step.resources, pool) : undefined;
    if (held !== undefined) return [...places, { around: at, isHeld: true, capacity: held }];
  }
  const outer = capacityIn(runPools, pool);
  // A pool that nobody has never has units.
  if (outer !== undefined || places.length === 0) places.push({ around: -1, isHeld: false, capacity: outer ?? 0 });
  return places;
}

/** The pools that a step may ask for, with how much of each it can get. */
export function poolsWithin(around: readonly StepAround[], runPools: Pools = {}): Pools {
  const pools: Record<string, number> = { ...runPools };
  for (const { step, pools: own = {} } of around.toReversed()) {
    if (isHolder(step)) Object.assign(pools, step.resources);
    for (const [pool, capacity] of Object.entries(own)) pools[pool] = Math.min(capacity, pools[pool] ?? capacity);
  }
  return pools;
}

/** The place of the innermost step around that holds something of the kind; -1: none does. */
export function holderOf(around: readonly StepAround[], holds: (step: StepAround["step"]) => boolean): number {
  return around.findIndex(({ step }) => isHolder(step) && holds(step));
}

export function lockMode({ locks }: Pick<Step, "locks">, name: string): "read" | "write" | undefined {
  if (locks?.write?.includes(name) === true) return "write";
  return locks?.read?.includes(name) === true ? "read" : undefined;
}

/** What a step asks for and could never get, or only by waiting for what may wait for it. */
export interface HeldProblem {
  readonly key: "resources" | "locks";
  /** The lock or pool. */
  readonly name: string;
  readonly message: string;
  readonly hint: string;
}

type Asking = Pick<Step, "id" | "resources" | "locks">;

export function heldProblem(
  step: Asking,
  around: readonly StepAround[],
  runPools: Pools = {},
): HeldProblem | undefined {
  return unitsProblem(step, around, runPools) ?? lockProblem(step, around) ?? poolProblem(step, around, runPools);
}

function unitsProblem(step: Asking, around: readonly StepAround[], runPools: Pools): HeldProblem | undefined {
  for (const [pool, units] of Object.entries(step.resources ?? {})) {
    const place = poolPlaces(pool, around, runPools).find(({ capacity }) => units > capacity);
    if (place === undefined) continue;
    const { step: outer } = around[place.around] ?? {};
    const has =
      outer === undefined
        ? "the run's plan has"
        : place.isHeld
          ? `${outer.id} around it holds`
          : `the plan of ${outer.id} has`;
    const where = outer === undefined ? "the run's plan" : place.isHeld ? outer.id : `the plan of ${outer.id}`;
    return {
      key: "resources",
      name: pool,
      message: `step ${step.id} asks for ${units} ${pool}; ${has} ${place.capacity}`,
      hint: `declare it under \`resources\` of ${where}, with as many`,
    };
  }
  return undefined;
}

function lockProblem(step: Asking, around: readonly StepAround[]): HeldProblem | undefined {
  const holder = around[holderOf(around, () => true)]?.step;
  if (holder === undefined) return undefined;
  for (const name of [...(step.locks?.write ?? []), ...(step.locks?.read ?? [])]) {
    const mode = lockMode(holder, name);
    if (mode === "write" || (mode === "read" && lockMode(step, name) === "read")) continue;
    const message =
      mode === "read"
        ? `step ${step.id} asks for the lock ${name} to write, and ${holder.id} around it holds it to read`
        : `step ${step.id} asks for the lock ${name} while ${holder.id} around it holds other things`;
    const hint =
      mode === "read"
        ? `let ${holder.id} hold it to write`
        : `add it to the \`locks\` of ${holder.id}: both are taken at once`;
    return { key: "locks", name, message, hint };
  }
  return undefined;
}

function poolProblem(step: Asking, around: readonly StepAround[], runPools: Pools): HeldProblem | undefined {
  const at = holderOf(around, ({ resources }) => resources !== undefined);
  const holder = around[at]?.step;
  if (holder === undefined) return undefined;
  // A pool of a plan inside of the holder has no holder outside of it.
  const isOutside = (pool: string): boolean =>
    poolPlaces(pool, around, runPools).some((place) => place.around === -1 || place.around > at);
  const name = Object.keys(step.resources ?? {}).find(isOutside);
  if (name === undefined) return undefined;
  const message = `step ${step.id} asks for ${name} while ${holder.id} around it holds other pools`;
  return {
    key: "resources",
    name,
    message,
    hint: `add it to the \`resources\` of ${holder.id}: both are taken at once`,
  };
}

function capacityIn(pools: Pools | undefined, pool: string): number | undefined {
  return pools !== undefined && Object.hasOwn(pools, pool) ? pools[pool] : undefined;
}
