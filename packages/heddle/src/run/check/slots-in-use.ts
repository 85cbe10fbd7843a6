/** Slots in use: counts the slots, agents, pools and locks of running attempts, for the history checker. */
import { GlobOverlaps } from "../../plan/glob/overlap.ts";
import type { Plan, Step } from "../../plan/plan.ts";
import type { RunOptions } from "../event.ts";
import type { Rule } from "./rules.ts";

export class SlotsInUse {
  readonly #pools = new Map<string, number>();
  readonly #readers = new Map<string, number>();
  readonly #writers = new Map<string, number>();
  /** Globs of running steps that take turns by them. */
  readonly #globs = new Map<string, readonly string[]>();
  readonly #overlaps = new GlobOverlaps();
  #running = 0;
  #agents = 0;

  get running(): number {
    return this.#running;
  }

  /** An attempt starts; the rules that this breaks, each with how. */
  enter(step: Step, options: RunOptions | undefined, plan: Plan | undefined): readonly (readonly [Rule, string])[] {
    if (!takesSlot(step)) return [];
    const broken: [Rule, string][] = [];
    const { maxConcurrency = 1, maxAgents = 1 } = options ?? {};
    this.#running++;
    if (this.#running > maxConcurrency)
      broken.push(["concurrency", `${this.#running} attempts run, ${maxConcurrency} may`]);
    if (step.action.kind === "agent" && ++this.#agents > maxAgents) {
      broken.push(["agents", `${this.#agents} agents run, ${maxAgents} may`]);
    }
    for (const [pool, units] of Object.entries(step.resources ?? {})) {
      const used = add(this.#pools, pool, units);
      const capacity = plan?.resources?.[pool] ?? 0;
      if (used > capacity) broken.push(["pools", `${used} of ${capacity} ${pool} are in use`]);
    }
    const { read, write } = locksOf(step);
    for (const name of read) add(this.#readers, name, 1);
    for (const name of write) add(this.#writers, name, 1);
    for (const name of new Set([...read, ...write])) {
      const writers = this.#writers.get(name) ?? 0;
      const readers = (this.#readers.get(name) ?? 0) - (read.includes(name) && write.includes(name) ? 1 : 0);
      if (writers > 1 || (writers === 1 && readers > 0))
        broken.push(["locks", `lock ${name} has ${writers} writers and ${readers} readers`]);
    }
    if (plan?.agents?.conflicts === "serialize" && step.writes !== undefined) {
      for (const [other, globs] of this.#globs) {
        const meet = step.writes.find((glob) => globs.some((held) => this.#overlaps.has(glob, held)));
        if (meet !== undefined) broken.push(["locks", `${step.id} and ${other} may both write ${meet}`]);
      }
      this.#globs.set(step.id, step.writes);
    }
    return broken;
  }

  exit(step: Step): void {
    if (!takesSlot(step)) return;
    this.#running--;
    this.#globs.delete(step.id);
    if (step.action.kind === "agent") this.#agents--;
    for (const [pool, units] of Object.entries(step.resources ?? {})) add(this.#pools, pool, -units);
    const { read, write } = locksOf(step);
    for (const name of read) add(this.#readers, name, -1);
    for (const name of write) add(this.#writers, name, -1);
  }
}

const NONE: readonly string[] = [];

/** Agents of one group take turns, as if their worktree were a lock. */
function locksOf({ action, group, locks }: Step): {
  readonly read: readonly string[];
  readonly write: readonly string[];
} {
  const write = locks?.write ?? NONE;
  const isInGroup = action.kind === "agent" && group !== undefined;
  return { read: locks?.read ?? NONE, write: isInGroup ? [...write, `the worktree of group ${group}`] : write };
}

function takesSlot(step: Step): boolean {
  return step.forEach === undefined && step.action.kind !== "plan";
}

/** The new count. */
function add(map: Map<string, number>, key: string, by: number): number {
  const count = (map.get(key) ?? 0) + by;
  map.set(key, count);
  return count;
}
