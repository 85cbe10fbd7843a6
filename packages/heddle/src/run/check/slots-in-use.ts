/** Slots in use: counts the slots, agents, pools and locks of running attempts and open containers, for the history checker. */
import { GlobOverlaps } from "../../plan/glob/overlap.ts";
import type { Plan, Step } from "../../plan/plan.ts";
import type { RunOptions, SubplanSettings } from "../event.ts";
import type { Rule } from "./rules.ts";

/** A container around a step. */
export interface Around {
  readonly id: string;
  readonly step: Step;
  /** What its plan says of its own steps. */
  readonly settings: SubplanSettings | undefined;
  /** It has its step's locks and pools while it is open. */
  readonly holds: boolean;
}

/** Around a step of the plan itself. */
export const NONE_AROUND: readonly Around[] = [];

/** A step that takes something. */
export interface Taker {
  readonly step: Step;
  /** From inside out. */
  readonly around: readonly Around[];
  /** It is a container that holds its locks and pools, and takes no slot. */
  readonly isHold: boolean;
}

/** What one step has taken, by the names of what is counted. */
interface Taken {
  readonly units: readonly (readonly [count: string, units: number])[];
  readonly read: readonly string[];
  readonly write: readonly string[];
}

export class SlotsInUse {
  readonly #taken = new Map<string, Taken>();
  readonly #counts = new Map<string, number>();
  readonly #readers = new Map<string, number>();
  readonly #writers = new Map<string, number>();
  /** Globs of running steps that take turns by them. */
  readonly #globs = new Map<string, readonly string[]>();
  readonly #overlaps = new GlobOverlaps();
  #running = 0;

  get running(): number {
    return this.#running;
  }

  /** Whether the step has something. */
  has(id: string): boolean {
    return this.#taken.has(id);
  }

  /** An attempt starts, or a container opens; the rules that this breaks, each with how. */
  enter(taker: Taker, options: RunOptions | undefined, plan: Plan | undefined): readonly (readonly [Rule, string])[] {
    const { step, around, isHold } = taker;
    if (!isHold && isContainer(step)) return [];
    const broken: [Rule, string][] = [];
    if (!isHold) {
      const most = options?.maxConcurrency ?? 1;
      this.#running++;
      if (this.#running > most) broken.push(["concurrency", `${this.#running} of ${most} attempts run`]);
      if (isPlain(taker)) {
        this.#taken.set(step.id, NOTHING);
        return broken;
      }
    }
    const units: [string, number][] = [];
    const take = (rule: Rule, count: string, wanted: number, most: number, words: string): void => {
      const used = add(this.#counts, count, wanted);
      units.push([count, wanted]);
      if (used > most) broken.push([rule, `${used} of ${most} ${words}`]);
    };
    if (!isHold) {
      const isAgent = step.action.kind === "agent";
      if (isAgent) take("agents", "agents", 1, options?.maxAgents ?? 1, "agents run");
      for (const { id, settings } of around) {
        const { maxConcurrency, maxAgents } = settings ?? {};
        if (maxConcurrency !== undefined)
          take("concurrency", `attempts in ${id}`, 1, maxConcurrency, `attempts run in ${id}`);
        if (isAgent && maxAgents !== undefined) take("agents", `agents in ${id}`, 1, maxAgents, `agents run in ${id}`);
      }
    }
    for (const [pool, wanted] of Object.entries(step.resources ?? {}))
      for (const { place, capacity } of poolsFor(pool, around, plan))
        take("pools", `pool ${place}${pool}`, wanted, capacity, `${pool} are in use`);
    const { read, write } = locksOf(step, around);
    for (const name of read) add(this.#readers, name, 1);
    for (const name of write) add(this.#writers, name, 1);
    this.#taken.set(step.id, { units, read, write });
    for (const name of new Set([...read, ...write])) {
      const writers = this.#writers.get(name) ?? 0;
      const readers = (this.#readers.get(name) ?? 0) - (read.includes(name) && write.includes(name) ? 1 : 0);
      if (writers > 1 || (writers === 1 && readers > 0))
        broken.push(["locks", `lock ${name} has ${writers} writers and ${readers} readers`]);
    }
    if (!isHold && plan?.agents?.conflicts === "serialize" && step.writes !== undefined) {
      for (const [other, globs] of this.#globs) {
        const meet = step.writes.find((glob) => globs.some((held) => this.#overlaps.has(glob, held)));
        if (meet !== undefined) broken.push(["locks", `${step.id} and ${other} may both write ${meet}`]);
      }
      this.#globs.set(step.id, step.writes);
    }
    return broken;
  }

  /** The step gives back what it took, if anything. */
  exit(step: Step): void {
    const taken = this.#taken.get(step.id);
    if (taken === undefined) return;
    this.#taken.delete(step.id);
    this.#globs.delete(step.id);
    if (!isContainer(step)) this.#running--;
    for (const [count, units] of taken.units) add(this.#counts, count, -units);
    for (const name of taken.read) add(this.#readers, name, -1);
    for (const name of taken.write) add(this.#writers, name, -1);
  }
}

/** The pools that units of this name come from: of plans around the step, up to what a container holds, else the run's. */
function poolsFor(
  pool: string,
  around: readonly Around[],
  plan: Plan | undefined,
): readonly { readonly place: string; readonly capacity: number }[] {
  const found: { readonly place: string; readonly capacity: number }[] = [];
  for (const { id, step, settings, holds } of around) {
    const own = settings?.resources?.[pool];
    if (own !== undefined) found.push({ place: `of ${id}: `, capacity: own });
    const held = holds ? step.resources?.[pool] : undefined;
    if (held !== undefined) return [...found, { place: `held by ${id}: `, capacity: held }];
  }
  const outer = plan?.resources?.[pool];
  return outer === undefined && found.length > 0 ? found : [...found, { place: "", capacity: outer ?? 0 }];
}

const NONE: readonly string[] = [];

const NOTHING: Taken = { units: [], read: NONE, write: NONE };

/** It takes a slot of the run and nothing else, as most steps do. */
function isPlain({ step, around }: Taker): boolean {
  const { action, resources, locks, writes } = step;
  return (
    around.length === 0 &&
    action.kind !== "agent" &&
    resources === undefined &&
    locks === undefined &&
    writes === undefined
  );
}

/**
 * Agents of one group take turns, as if their worktree were a lock. A lock that a container holds is shared by the steps inside
 * it.
 */
function locksOf(
  { action, group, locks }: Step,
  around: readonly Around[],
): { readonly read: readonly string[]; readonly write: readonly string[] } {
  const within = (name: string): string => {
    const holder = around.find(
      ({ holds, step }) => holds && [...(step.locks?.read ?? NONE), ...(step.locks?.write ?? NONE)].includes(name),
    );
    return holder === undefined ? name : `${name} held by ${holder.id}`;
  };
  const write = (locks?.write ?? NONE).map(within);
  const isInGroup = action.kind === "agent" && group !== undefined;
  return {
    read: (locks?.read ?? NONE).map(within),
    write: isInGroup ? [...write, `the worktree of group ${group}`] : write,
  };
}

function isContainer(step: Step): boolean {
  return step.forEach !== undefined || step.action.kind === "plan";
}

/** The new count. */
function add(map: Map<string, number>, key: string, by: number): number {
  const count = (map.get(key) ?? 0) + by;
  map.set(key, count);
  return count;
}
