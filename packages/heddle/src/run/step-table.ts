/** The table of a run's steps: adding a row, and numbering the rows anew when the plan changes under a resumed run. */
import { BugError, present } from "../base/assert.ts";
import { buildGraph } from "../graph/build.ts";
import type { Step } from "../plan/plan.ts";
import { hasEnded, phaseOf, questionOf, WAITING, type PhaseCounts, type RunState, type StepPhase } from "./state.ts";

export function emptyCounts(): PhaseCounts {
  return {
    waiting: 0,
    running: 0,
    expanded: 0,
    retrying: 0,
    asking: 0,
    interrupted: 0,
    succeeded: 0,
    cached: 0,
    skipped: 0,
    failed: 0,
    cancelled: 0,
  };
}

/** Adds one step, waiting, without edges. Returns its number. */
export function register(state: RunState, step: Step, layer: number, parent: number): number {
  const index = state.steps.length;
  state.steps.push(step);
  state.indexOf.set(step.id, index);
  state.phases.push(WAITING);
  state.attempts.push(0);
  state.attemptBase.push(0);
  state.firstStart.push(undefined);
  state.startedTimes.push(undefined);
  state.unresolved.push((step.deps?.length ?? 0) + (step.after?.length ?? 0));
  state.layers.push(layer);
  state.parents.push(parent);
  state.laneOf.push(-1);
  state.counts.waiting++;
  state.open++;
  return index;
}

/** The plan changed between two engines: results stay with the steps that are still in it. */
export function adoptPlan(state: RunState, plan: RunState["plan"]): void {
  const built = buildGraph(plan.steps);
  if (!built.ok) throw new BugError("a plan that is no graph was recorded by run.resumed");
  const carried = snapshot(state);
  const fresh = plan.steps.map((step, i) => {
    const from = state.indexOf.get(step.id);
    const layer = built.value.layerOf[i] ?? 0;
    const entry =
      from === undefined || from >= state.graph.size ? newEntry(step, layer) : present(carried[from], "carried step");
    return { ...entry, step, layer };
  });
  const grown = survivors(carried.slice(state.graph.size), fresh);
  state.plan = plan;
  state.graph = built.value;
  rebuild(state, [...fresh, ...layered(grown, fresh)]);
}

/** Added steps whose origin is still there, whose name the new plan does not take, and whose predecessors are still there. */
function survivors(grown: readonly Entry[], fresh: readonly Entry[]): readonly Entry[] {
  const ids = new Set(fresh.map(({ step }) => step.id));
  const origins = new Set(fresh.map(({ index }) => index));
  let left = grown.filter(({ step }) => !ids.has(step.id));
  for (;;) {
    const names = new Set([...ids, ...left.map(({ step }) => step.id)]);
    const known = new Set([...origins, ...left.map(({ index }) => index)]);
    const next = left.filter(
      ({ step, parent, adder }) =>
        (parent === -1 || known.has(parent)) &&
        (adder === undefined || known.has(adder)) &&
        [...(step.deps ?? []), ...(step.after ?? [])].every((id) => names.has(id)),
    );
    if (next.length === left.length) return next;
    left = next;
  }
}

/** Layers of added steps in the new plan: a child has its container's, another one more than its adder and predecessors. */
function layered(grown: readonly Entry[], fresh: readonly Entry[]): readonly Entry[] {
  const byId = new Map([...fresh, ...grown].map((entry) => [entry.step.id, entry.layer]));
  const byIndex = new Map(fresh.map(({ index, step }) => [index, step.id]));
  for (const { index, step } of grown) byIndex.set(index, step.id);
  const layerOf = (index: number | undefined): number => byId.get(byIndex.get(index ?? -1) ?? "") ?? 0;
  // Steps of one event may name each other in any order: settled when a pass raises nothing.
  for (let changed = true; changed;) {
    changed = false;
    for (const { step, parent, adder } of grown) {
      const below = [...(step.deps ?? []), ...(step.after ?? [])].map((id) => byId.get(id) ?? 0);
      const layer = parent === -1 ? Math.max(layerOf(adder), ...below) + 1 : layerOf(parent);
      if (layer === byId.get(step.id)) continue;
      byId.set(step.id, layer);
      changed = true;
    }
  }
  return grown.map((entry) => ({ ...entry, layer: byId.get(entry.step.id) ?? entry.layer }));
}

interface Entry {
  readonly index: number;
  readonly step: Step;
  readonly layer: number;
  readonly phase: StepPhase;
  readonly attempts: number;
  readonly attemptBase: number;
  readonly firstStart: number | undefined;
  readonly started: number | undefined;
  readonly parent: number;
  readonly adder: number | undefined;
}

function newEntry(step: Step, layer: number): Entry {
  return {
    index: -1,
    step,
    layer,
    phase: WAITING,
    attempts: 0,
    attemptBase: 0,
    firstStart: undefined,
    started: undefined,
    parent: -1,
    adder: undefined,
  };
}

function snapshot(state: RunState): Entry[] {
  return state.steps.map((step, index) => ({
    index,
    step,
    layer: state.layers[index] ?? 0,
    phase: phaseOf(state, index),
    attempts: state.attempts[index] ?? 0,
    attemptBase: state.attemptBase[index] ?? 0,
    firstStart: state.firstStart[index],
    started: state.startedTimes[index],
    parent: state.parents[index] ?? -1,
    adder: state.addedBy.get(index),
  }));
}

/** Keeps only the steps that `keep` accepts. */
export function compact(state: RunState, keep: (step: number) => boolean): void {
  rebuild(
    state,
    snapshot(state).filter((entry) => keep(entry.index)),
  );
}

/** Numbers the steps anew, with all that is known of each. Edges of added steps and queues are made by {@link resetQueues}. */
function rebuild(state: RunState, entries: readonly Entry[]): void {
  const renumbered = new Map<number, number>();
  entries.forEach((entry, at) => {
    if (entry.index !== -1) renumbered.set(entry.index, at);
  });
  const items = new Map(state.items);
  const containers = new Map(state.containers);
  const successes = [...state.successes];
  for (const list of [
    state.steps,
    state.phases,
    state.attempts,
    state.attemptBase,
    state.firstStart,
    state.startedTimes,
    state.unresolved,
    state.layers,
    state.parents,
    state.laneOf,
  ])
    list.length = 0;
  for (const map of [state.indexOf, state.items, state.containers, state.addedBy, state.extraSuccessors]) map.clear();
  state.counts = emptyCounts();
  state.open = 0;
  entries.forEach((entry, at) => {
    register(state, entry.step, entry.layer, renumbered.get(entry.parent) ?? -1);
    state.phases[at] = entry.phase;
    state.counts.waiting--;
    state.counts[entry.phase.tag]++;
    if (hasEnded(entry.phase)) state.open--;
    state.attempts[at] = entry.attempts;
    state.attemptBase[at] = entry.attemptBase;
    state.firstStart[at] = entry.firstStart;
    state.startedTimes[at] = entry.started;
    const adder = entry.adder === undefined ? undefined : renumbered.get(entry.adder);
    if (adder !== undefined) state.addedBy.set(at, adder);
    const item = items.get(entry.index);
    if (item !== undefined) state.items.set(at, item);
    const container = containers.get(entry.index);
    if (container) {
      const children = container.children.flatMap((child) => renumbered.get(child) ?? []);
      state.containers.set(at, { ...container, children });
    }
  });
  state.successes.length = 0;
  for (const step of successes) {
    const at = renumbered.get(step);
    if (at !== undefined) state.successes.push(at);
  }
}

export function setPhase(state: RunState, step: number, phase: StepPhase): void {
  const before = phaseOf(state, step).tag;
  if (before === "asking" || before === "running") state.asking.delete(step);
  if (questionOf(phase) !== undefined) state.asking.add(step);
  state.counts[before]--;
  state.counts[phase.tag]++;
  state.phases[step] = phase;
}

/** The step begins anew: its attempts so far, and the time since the first of them, no longer count. */
export function forgetAttempts(state: RunState, step: number): void {
  state.attemptBase[step] = state.attempts[step] ?? 0;
  state.firstStart[step] = undefined;
}
