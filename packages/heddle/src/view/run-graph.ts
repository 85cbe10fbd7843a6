/**
 * Run graph: how the steps of a run hang together, for drawings. Steps are numbers: their position in the run, as in a `LiveRun`. It
 * changes only when steps join the run; what of it follows from times, the critical path, is that of the event in `seq`.
 */
import { hasEnded, phaseOf, stepAt, type RunState } from "../run/state.ts";
import { criticalPathOf } from "./critical.ts";
import { tookOf } from "./run-view.ts";

/** `GET .../runs/{run}/graph`. */
export interface RunGraph {
  readonly run: string;
  /** Of the last event. */
  readonly seq: number;
  /** Ids by number. */
  readonly steps: readonly string[];
  /** By number: the steps that it needs. */
  readonly deps: readonly (readonly number[])[];
  /** By number: what it comes after besides, however that ends; the step that added it is one of them. */
  readonly after: readonly (readonly number[])[];
  /** Steps that stand for others: `forEach` and `plan`. Those that have none yet are not in it. */
  readonly containers: readonly {
    readonly step: number;
    readonly kind: "forEach" | "plan";
    readonly children: readonly number[];
  }[];
  /** Steps with the same `group`, in one container or in none. */
  readonly groups: readonly { readonly name: string; readonly steps: readonly number[] }[];
  /** The longest way through the run by what is known and expected of durations, first to last; children are omitted. */
  readonly criticalPath: readonly number[];
}

/** `expected`: durations by id, in milliseconds. A step of unknown length counts as long as the known ones on average. */
export function runGraphOf(state: RunState, expected: ReadonlyMap<string, number>): RunGraph {
  const numberOf = (id: string): readonly number[] => {
    const number = state.index.byId.get(id);
    return number === undefined ? [] : [number];
  };
  const deps = state.steps.map((step) => ascending((step.deps ?? []).flatMap(numberOf)));
  const after = state.steps.map((step, at) => {
    const adder = state.addedBy.get(at);
    const all = [...(step.after ?? []).flatMap(numberOf), ...(adder === undefined ? [] : [adder])];
    return ascending(all.filter((one) => deps[at]?.includes(one) === false));
  });
  const { steps: path } = criticalPathOf(state, lengthsOf(state, expected));
  return {
    run: state.run,
    seq: state.seq,
    steps: state.steps.map(({ id }) => id),
    deps,
    after,
    containers: [...state.containers].map(([step, { kind, children }]) => ({ step, kind, children })),
    groups: groupsOf(state),
    criticalPath: path.flatMap(numberOf),
  };
}

function ascending(numbers: readonly number[]): readonly number[] {
  return [...new Set(numbers)].toSorted((a, b) => a - b);
}

function groupsOf(state: RunState): RunGraph["groups"] {
  const groups = new Map<string, { readonly name: string; readonly steps: number[] }>();
  for (const [step, { group }] of state.steps.entries()) {
    if (group === undefined) continue;
    const key = `${state.parents[step] ?? -1} ${group}`;
    const known = groups.get(key);
    if (known === undefined) groups.set(key, { name: group, steps: [step] });
    else known.steps.push(step);
  }
  return [...groups.values()];
}

/** What a step took, or is expected to take. */
function lengthsOf(state: RunState, expected: ReadonlyMap<string, number>): (step: number) => number {
  const known = state.steps.map((_, step) => {
    const phase = phaseOf(state, step);
    if (hasEnded(phase)) return tookOf(phase) ?? 0;
    const { id, estimateMs } = stepAt(state, step);
    return expected.get(id) ?? estimateMs;
  });
  const given = known.filter((ms) => ms !== undefined);
  const average = given.length === 0 ? 1 : given.reduce((sum, ms) => sum + ms, 0) / given.length;
  return (step) => known[step] ?? average;
}
