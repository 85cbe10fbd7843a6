/**
 * Step table: adds a row, and renumbers the rows when the plan changes under a resumed run. Knows no queue: whoever
 * renumbers rebuilds the index.
 */
import { BugError, present } from "../base/assert.ts";
import { buildGraph } from "../graph/build.ts";
import type { Step } from "../plan/plan.ts";
import type { StepPhase } from "./facts.ts";
import { phaseOf, WAITING, type RunState } from "./state.ts";

/** What is known of one step. */
export interface StepRow {
  /** Its number before; -1: it is new. */
  readonly number: number;
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

/** A step that waits. */
export function newRow(step: Step, layer: number, parent = -1): StepRow {
  return {
    number: -1,
    step,
    layer,
    phase: WAITING,
    attempts: 0,
    attemptBase: 0,
    firstStart: undefined,
    started: undefined,
    parent,
    adder: undefined,
  };
}

/** Adds one step. Returns its number. */
export function addRow(state: RunState, row: StepRow): number {
  const number = state.steps.length;
  const past = row.number === -1 ? earlierAttempts(state, row.step.id) : 0;
  state.steps.push(row.step);
  state.phases.push(row.phase);
  state.attempts.push(row.attempts + past);
  state.attemptBase.push(row.attemptBase + past);
  state.firstStart.push(row.firstStart);
  state.startedTimes.push(row.started);
  state.layers.push(row.layer);
  state.parents.push(row.parent);
  state.arrivals.push(0);
  state.arrivedTimes.push(0);
  return number;
}

/** Of a step that was in the run before. */
function earlierAttempts({ rules, pastAttempts }: RunState, id: string): number {
  return rules >= 2 ? (pastAttempts.get(id) ?? 0) : 0;
}

/** The plan changed between two engines: results stay with the steps that are still in it. */
export function adoptPlan(state: RunState, plan: RunState["plan"]): void {
  const built = buildGraph(plan.steps);
  if (!built.ok) throw new BugError("a plan that is no graph was recorded by run.resumed");
  const carried = snapshot(state);
  const fresh = plan.steps.map((step, i) => {
    const from = state.index.byId.get(step.id);
    const layer = built.value.layerOf[i] ?? 0;
    const entry =
      from === undefined || from >= state.index.graph.size
        ? newRow(step, layer)
        : present(carried[from], "carried step");
    return { ...entry, step, layer };
  });
  const grown = survivors(carried.slice(state.index.graph.size), fresh);
  state.plan = plan;
  state.index.graph = built.value;
  rebuild(state, [...fresh, ...layered(grown, fresh)]);
}

/** Added steps whose origin is still there, whose name the new plan does not take, and whose predecessors are still there. */
function survivors(grown: readonly StepRow[], fresh: readonly StepRow[]): readonly StepRow[] {
  const ids = new Set(fresh.map(({ step }) => step.id));
  const origins = new Set(fresh.map(({ number }) => number));
  let left = grown.filter(({ step }) => !ids.has(step.id));
  for (;;) {
    const names = new Set([...ids, ...left.map(({ step }) => step.id)]);
    const known = new Set([...origins, ...left.map(({ number }) => number)]);
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
function layered(grown: readonly StepRow[], fresh: readonly StepRow[]): readonly StepRow[] {
  const byId = new Map([...fresh, ...grown].map((entry) => [entry.step.id, entry.layer]));
  const byNumber = new Map(fresh.map(({ number, step }) => [number, step.id]));
  for (const { number, step } of grown) byNumber.set(number, step.id);
  const layerOf = (number: number | undefined): number => byId.get(byNumber.get(number ?? -1) ?? "") ?? 0;
  // Steps of one event may name each other in any order: done when a pass changes nothing.
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

function snapshot(state: RunState): StepRow[] {
  return state.steps.map((step, number) => ({
    number,
    step,
    layer: state.layers[number] ?? 0,
    phase: phaseOf(state, number),
    attempts: state.attempts[number] ?? 0,
    attemptBase: state.attemptBase[number] ?? 0,
    firstStart: state.firstStart[number],
    started: state.startedTimes[number],
    parent: state.parents[number] ?? -1,
    adder: state.addedBy.get(number),
  }));
}

/** Keeps only the steps that `keep` accepts. */
export function compact(state: RunState, keep: (step: number) => boolean): void {
  rebuild(
    state,
    snapshot(state).filter(({ number }) => keep(number)),
  );
}

/** Renumbers the steps, with all that is known of each. */
function rebuild(state: RunState, rows: readonly StepRow[]): void {
  const renumbered = new Map<number, number>();
  rows.forEach(({ number }, at) => {
    if (number !== -1) renumbered.set(number, at);
  });
  state.steps.forEach(({ id }, number) => {
    const attempts = state.attempts[number] ?? 0;
    if (attempts > 0 && !renumbered.has(number)) state.pastAttempts.set(id, attempts);
  });
  const items = new Map(state.items);
  const containers = new Map(state.containers);
  const successes = state.successes.flatMap((step) => renumbered.get(step) ?? []);
  for (const list of [
    state.steps,
    state.phases,
    state.attempts,
    state.attemptBase,
    state.firstStart,
    state.startedTimes,
    state.layers,
    state.parents,
    state.arrivals,
    state.arrivedTimes,
    state.successes,
  ])
    list.length = 0;
  for (const map of [state.items, state.containers, state.addedBy, state.askedAt, state.readySince, state.examined])
    map.clear();
  const { byId } = state.index;
  byId.clear();
  rows.forEach(({ step }, at) => byId.set(step.id, at));
  for (const step of successes) state.successes.push(step);
  rows.forEach((row, at) => {
    addRow(state, { ...row, parent: renumbered.get(row.parent) ?? -1 });
    const adder = row.adder === undefined ? undefined : renumbered.get(row.adder);
    if (adder !== undefined) state.addedBy.set(at, adder);
    const item = items.get(row.number);
    if (item !== undefined) state.items.set(at, item);
    const container = containers.get(row.number);
    if (container) {
      const children = container.children.flatMap((child) => renumbered.get(child) ?? []);
      state.containers.set(at, { ...container, children });
    }
  });
}

/** The step starts again: its earlier attempts, and the time since the first of them, do not count any more. */
export function forgetAttempts(state: RunState, step: number): void {
  state.attemptBase[step] = state.attempts[step] ?? 0;
  state.firstStart[step] = undefined;
}
