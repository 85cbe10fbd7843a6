/** Graphs of commands to run: generated from a seed, with the bound that no schedule can beat. */
import type { Command } from "./projects.ts";

export interface TimedStep {
  readonly id: string;
  readonly ms: number;
  readonly deps: readonly string[];
}

/** Numbers from 0 up to 1, the same for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Steps of 50 to 350 ms in about ten layers, each with up to two deps among the eight before it. */
export function sleepers(count: number, seed: number): readonly TimedStep[] {
  const random = seeded(seed);
  return Array.from({ length: count }, (_none, at) => {
    const deps = new Set<string>();
    for (let wanted = at < 6 ? 0 : Math.floor(random() * 3); wanted > 0; wanted--) {
      deps.add(`s${at - 1 - Math.floor(random() * Math.min(at, 8))}`);
    }
    return { id: `s${at}`, ms: 50 + Math.floor(random() * 300), deps: [...deps] };
  });
}

/** Short steps listed ahead of a chain that is as long as the whole run should take. */
export function trap(): readonly TimedStep[] {
  const short = Array.from({ length: 48 }, (_none, at) => ({ id: `short${at}`, ms: 75, deps: [] }));
  const chain = Array.from({ length: 12 }, (_none, at) => ({
    id: `link${at}`,
    ms: 125,
    deps: at === 0 ? [] : [`link${at - 1}`],
  }));
  return [...short, ...chain];
}

/** No schedule on `workers` is shorter than the longest path, nor than all work spread evenly. */
export function boundMs(steps: readonly TimedStep[], workers: number): number {
  const ends = new Map<string, number>();
  let longest = 0;
  let work = 0;
  for (const { id, ms, deps } of steps) {
    const end = ms + Math.max(0, ...deps.map((dep) => ends.get(dep) ?? 0));
    ends.set(id, end);
    longest = Math.max(longest, end);
    work += ms;
  }
  return Math.max(longest, work / workers);
}

export function asSleeps(steps: readonly TimedStep[]): readonly Command[] {
  return steps.map(({ id, ms, deps }) => ({ id, command: `sleep ${(ms / 1000).toFixed(3)}`, deps }));
}

export function independent(count: number): readonly Command[] {
  return Array.from({ length: count }, (_none, at) => ({ id: `s${at}`, command: "true", deps: [] }));
}

/** For steps that do nothing: number `at` of a graph with two deps for most steps, some hundred at once ready, 30 long paths. */
export function depsOfNoop(at: number): readonly number[] {
  if (at < 10 || at % 3 === 0) return [];
  return at - 10 === at >> 1 ? [at >> 1] : [at - 10, at >> 1];
}
