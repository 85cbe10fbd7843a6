/** What one attempt may see of its run: outputs and statuses of its deps, under the names that its plan uses. */
import type { Task } from "../backend/port.ts";
import { present } from "../base/assert.ts";
import type { Json, JsonObject } from "../base/json.ts";
import { DEFAULT_GRACE_MS, type Step } from "../plan/plan.ts";
import type { Scope } from "../plan/expression.ts";
import { enclosingContainer } from "../run/grow.ts";
import { outputOf, phaseOf, stepAt, type RunState } from "../run/state.ts";

const NO_DEPS: JsonObject = {};
const NO_STATUS: Readonly<Record<string, string>> = {};

/** The task of an attempt that is about to start. */
export function taskOf(state: RunState, index: number, attempt: number): Task {
  const step = stepAt(state, index);
  const container = enclosingContainer(state, index);
  const item = state.items.get(index);
  return {
    run: state.run,
    step,
    attempt,
    params: container?.params ?? state.plan.params ?? NO_DEPS,
    ...(step.deps === undefined && step.after === undefined
      ? { deps: NO_DEPS, depStatus: NO_STATUS }
      : seenDeps(state, step, container?.prefix ?? "")),
    ...(item === undefined ? {} : { item }),
    graceMs: step.graceMs ?? state.plan.graceMs ?? DEFAULT_GRACE_MS,
  };
}

/** Deps with their outputs; what comes before by `after`, for its status; and outputs of farther steps that expressions read. */
function seenDeps(
  state: RunState,
  step: Step,
  prefix: string,
): { deps: JsonObject; depStatus: Record<string, string> } {
  // Without a prototype: any id, `__proto__` too, is a key like others, and a million different keys make no million shapes.
  const deps = Object.create(null) as Record<string, Json>;
  const depStatus = Object.create(null) as Record<string, string>;
  for (const list of [step.deps, step.after, step.reads]) {
    for (const id of list ?? []) {
      const name = prefix !== "" && id.startsWith(prefix) ? id.slice(prefix.length) : id;
      const phase = phaseOf(state, present(state.indexOf.get(id), "predecessor", id));
      const output = outputOf(phase);
      depStatus[name] = phase.tag;
      if (output !== undefined) deps[name] = output;
    }
  }
  return { deps, depStatus };
}

/** What the expressions of a task may read. */
export function scopeOf(task: Task, environment: Readonly<Record<string, string | undefined>>): Scope {
  const deps = Object.fromEntries(
    Object.entries(task.depStatus).map(([id, status]) => {
      const output = task.deps[id];
      return [id, output === undefined ? { status } : { status, output }];
    }),
  );
  const env: [string, string][] = [];
  for (const name of task.step.passEnv ?? []) {
    const value = environment[name];
    if (value !== undefined) env.push([name, value]);
  }
  return {
    params: task.params,
    deps,
    run: { id: task.run },
    ...(task.item === undefined ? {} : { item: task.item }),
    env: Object.fromEntries(env),
  };
}
