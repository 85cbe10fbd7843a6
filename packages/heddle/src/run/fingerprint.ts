/**
 * Step fingerprint: a hash of what determines a step's result, and the comparison of a plan with the recorded one by it.
 */
import { canonicalJson, type Json, type JsonObject } from "../base/json.ts";
import type { Plan, Step } from "../plan/plan.ts";
import { RUN_RULES } from "./event.ts";
import { hasEnded, isWaiting, phaseOf, satisfies, stepAt, type RunState } from "./state.ts";

/** Keys that change when, where or how often a step runs, or how it is shown, but not what a success of it means. */
const BESIDE_THE_POINT: ReadonlySet<string> = new Set([
  "description",
  "labels",
  "acceptance",
  "after",
  "group",
  "cache",
  "writes",
  "timeoutMs",
  "totalTimeoutMs",
  "graceMs",
  "retry",
  "resources",
  "locks",
  "limits",
  "runsOn",
  // Derived from the expressions, and compared by value where it matters.
  "readsParams",
  "optional",
  "always",
  "onInterrupt",
  "undo",
  "priority",
  "estimateMs",
  "secrets",
]);

/** Of these, the ones that reach the prompt of an agent's own step: for it they are the task. From the second version of the rules on. */
const IN_PROMPT: ReadonlySet<string> = new Set(["description", "acceptance"]);

function counts(key: string, { action }: Step, rules: number): boolean {
  if (!BESIDE_THE_POINT.has(key)) return true;
  return rules >= 2 && action.kind === "agent" && IN_PROMPT.has(key);
}

/**
 * The text of a step's definition: equal texts mean that a success stays valid. `rules`: the version that the run was
 * recorded under; its results are always compared by it.
 */
export function definitionOf(step: Step, rules: number = RUN_RULES): string {
  const kept = Object.fromEntries(Object.entries(stepUnder(rules, step)).filter(([key]) => counts(key, step, rules)));
  return canonicalJson(kept as Json);
}

/** Before the third version of the rules a plan kept no defaults beside its steps. */
function planUnder(rules: number, plan: Plan): Plan {
  if (rules >= 3) return plan;
  const { defaults: _defaults, ...rest } = plan;
  return { ...rest, steps: plan.steps.map((step) => stepUnder(rules, step)) };
}

function stepUnder(rules: number, step: Step): Step {
  const { action } = step;
  if (rules >= 3 || action.kind !== "plan" || action.plan === undefined) return step;
  return { ...step, action: { ...action, plan: planUnder(rules, action.plan) } };
}

/** The parameters, of those known, whose values belong to the step's definition. Code is handed all of them, and may read any. */
export function paramsRead({ action, readsParams = [] }: Step, known: JsonObject): readonly string[] {
  const readsAll = action.kind === "function" || action.kind === "call" || readsParams.includes("*");
  return readsAll ? Object.keys(known) : readsParams;
}

export interface PlanDrift {
  /** Steps with a recorded success whose definition is another now, with the keys, parameters and plan files that differ. */
  readonly changed: readonly { readonly id: string; readonly keys: readonly string[] }[];
  /**
   * Containers whose definition has changed and that have no success inside, approvals that are asked for, and waits: they are
   * expanded, asked for, and begun again, without `--accept-changes`.
   */
  readonly renewed: readonly string[];
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** Whether anything at all differs between the two plans, plan files inside them apart. */
  readonly differs: boolean;
}

/** A plan file that the run has read for a step of its plan, or inside of it, and that is not as it was. */
export interface PlanFileDrift {
  readonly step: number;
  readonly file: string;
  /** `gone`: it cannot be read now. `unrecorded`: what it said then is not known. */
  readonly kind: "changed" | "gone" | "unrecorded";
}

/**
 * What is different in `current` from the plan that the run was recorded with. What a plan file says belongs to the definition of
 * the step that it is inside of, at any depth; one that was made on the way and is gone again says nothing else.
 */
export function driftOf(state: RunState, current: Plan, planFiles: readonly PlanFileDrift[] = []): PlanDrift {
  const files = changedFiles(planFiles);
  const recorded = new Map(state.plan.steps.map((step) => [step.id, step]));
  const changed: { id: string; keys: readonly string[] }[] = [];
  const renewed: string[] = [];
  const added: string[] = [];
  for (const step of current.steps) {
    const before = recorded.get(step.id);
    recorded.delete(step.id);
    if (before === undefined) {
      added.push(step.id);
      continue;
    }
    const index = state.index.byId.get(step.id);
    if (index === undefined) continue;
    const others = [...paramsDiffering(step, state.plan.params, current.params), ...(files.get(index) ?? [])];
    files.delete(index);
    if (others.length === 0 && definitionOf(before, state.rules) === definitionOf(step, state.rules)) continue;
    if (hasSucceeded(state, index) || hasSuccessInside(state, index))
      changed.push({ id: step.id, keys: [...differingKeys(before, step, state.rules), ...others] });
    else if (state.containers.has(index) || isOpen(state, index)) renewed.push(step.id);
  }
  // What is left was added to the run beside the plan's steps, or has left the plan.
  for (const [index, others] of files) {
    const { id } = stepAt(state, index);
    if (!state.addedBy.has(index)) continue;
    if (hasSucceeded(state, index) || hasSuccessInside(state, index)) changed.push({ id, keys: others });
    else renewed.push(id);
  }
  const text = (plan: Plan): string => canonicalJson(planUnder(state.rules, plan) as unknown as Json);
  const differs = text(state.plan) !== text(current);
  return { changed, renewed, added, removed: [...recorded.keys()], differs };
}

/** A parameter that is new now was read by nobody. */
export function paramsDiffering(step: Step, then: JsonObject = {}, now: JsonObject = {}): readonly string[] {
  if (then === now) return [];
  return paramsRead(step, then)
    .filter((name) => canonicalJson(then[name]) !== canonicalJson(now[name]))
    .map((name) => `params.${name}`);
}

/** By step, each once. */
function changedFiles(planFiles: readonly PlanFileDrift[]): Map<number, readonly string[]> {
  const files = new Map<number, readonly string[]>();
  for (const { step, file, kind } of planFiles) {
    const known = files.get(step) ?? [];
    if (kind === "changed" && !known.includes(file)) files.set(step, [...known, file]);
  }
  return files;
}

function hasSucceeded(state: RunState, step: number): boolean {
  const phase = phaseOf(state, step);
  return hasEnded(phase) && satisfies(phase);
}

/** Whether a person is, or was, asked what the step itself says, or the step waits. */
function isOpen(state: RunState, step: number): boolean {
  const phase = phaseOf(state, step);
  return isWaiting(phase.tag) || (phase.tag === "waiting-for-answer" && phase.about === "step");
}

/** Keys of the plan file by which the results of the two may differ; empty: the one's success is the other's. */
export function differingKeys(before: Step, after: Step, rules: number = RUN_RULES): string[] {
  const a = stepUnder(rules, before) as unknown as Record<string, Json | undefined>;
  const b = stepUnder(rules, after) as unknown as Record<string, Json | undefined>;
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys]
    .filter(
      (key) =>
        (counts(key, before, rules) || counts(key, after, rules)) && canonicalJson(a[key]) !== canonicalJson(b[key]),
    )
    .sort();
}

/** Whether a step of the container, at any depth, has a recorded success: of the container's definition as it was. */
export function hasSuccessInside(state: RunState, container: number): boolean {
  const children = state.containers.get(container)?.children ?? [];
  return children.some((child) => hasSucceeded(state, child) || hasSuccessInside(state, child));
}
