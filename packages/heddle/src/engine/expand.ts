/**
 * Expander: finds the steps of a container: one per item of a `forEach`, or the steps of a subplan. The result is
 * recorded, so that a resume does not ask again.
 */
import { defined } from "../base/defined.ts";
import { isJsonObject, type Json, type JsonObject } from "../base/json.ts";
import { err, ok, type Result } from "../base/result.ts";
import { permissionProblem } from "../plan/check-permissions.ts";
import { keysOfRun } from "../plan/subplan-keys.ts";
import { subplanParams } from "../plan/params.ts";
import type { Plan, Step } from "../plan/plan.ts";
import type { EnginePorts, Subplan, SubplanCall } from "./ports.ts";
import { scopeOf } from "../run/task.ts";
import type { Task } from "../run/attempt.ts";
import type { HandedDown, SubplanSettings } from "../run/event.ts";
import type { Expansion } from "../run/expansion.ts";
import type { RunState } from "../run/state.ts";
import { handDown, handedBy, withinPlan } from "./hand-down.ts";
import { filledEnv, filledValue } from "./templates.ts";

/** Most items that one `forEach` may have. */
export const MOST_ITEMS = 100_000;

/** The children of the container whose task is given, or why there are none. */
export async function expand(task: Task, ports: EnginePorts, run: RunPlan): Promise<Result<Expansion, string>> {
  const { forEach } = task.step;
  return forEach === undefined ? expandPlan(task, ports, run) : expandItems(task, forEach, ports);
}

/** The plan of the run that the children join, and the version of its rules. */
export interface RunPlan extends Pick<RunState, "plan" | "rules"> {
  /** Pools that the children may ask for. */
  readonly pools: SubplanCall["pools"];
}

async function expandItems(
  task: Task,
  forEach: NonNullable<Step["forEach"]>,
  ports: EnginePorts,
): Promise<Result<Expansion, string>> {
  const listed =
    typeof forEach.items === "string" ? await evaluateItems(forEach.items, task, ports) : ok(forEach.items as Json);
  if (!listed.ok) return err(`its forEach cannot be evaluated: ${listed.error}`);
  const items = listed.value;
  if (!Array.isArray(items)) return err(`its forEach gives ${describe(items)}; expected a list`);
  if (items.length > MOST_ITEMS)
    return err(`its forEach gives ${items.length} items; at most ${MOST_ITEMS} are allowed`);
  const { forEach: _forEach, if: _if, after, optional: _optional, ...template } = task.step;
  // What a condition of the items reads stays known to them; all of it has ended.
  const condition = forEach.if === undefined ? {} : defined<Pick<Step, "if" | "after">>({ if: forEach.if, after });
  const steps = items.map((_item, at): Step => ({ ...template, ...condition, id: `${task.step.id}[${at}]` }));
  return ok(
    defined({ kind: "children", steps, items: items as readonly Json[], maxConcurrency: forEach.maxConcurrency }),
  );
}

async function evaluateItems(text: string, task: Task, ports: EnginePorts): Promise<Result<Json, string>> {
  const { compileExpression } = await import("../plan/expression/cel.ts");
  const expression = compileExpression(text);
  return expression.ok ? expression.value.evaluate(scopeOf(task, ports.environment)) : err(expression.error.message);
}

async function expandPlan(task: Task, ports: EnginePorts, run: RunPlan): Promise<Result<Expansion, string>> {
  const { action } = task.step;
  if (action.kind !== "plan") return err(`a step of kind ${action.kind} cannot be expanded`);
  const params = await fillParams(action.params ?? {}, task, ports);
  if (!params.ok) return params;
  const subplan = await subplanOf(task, action, params.value, ports, run);
  if (!subplan.ok) return subplan;
  const { plan, content } = subplan.value;
  const [refused] = run.rules >= 3 ? keysOfRun(plan, run.plan) : [];
  if (refused !== undefined)
    return err(`its plan says \`${refused.path.join(".")}\`, which holds for a whole run: ${refused.hint}`);
  const unbound = unboundStep(plan, run);
  if (unbound !== undefined) return err(unbound);
  // Its templates read what that step sees, not what those inside do.
  const env = await filledEnv(task, ports.environment);
  if (!env.ok) return env;
  const handed = handedBy(task.step, env.value, plan);
  const prefix = `${task.step.id}/`;
  const steps = plan.steps.map((step) => withinPlan(handDown(handed, step), prefix));
  return ok(
    defined({ kind: "children", steps, params: plan.params ?? {}, content, settings: settingsOf(plan, handed) }),
  );
}

/** A file may have been read without the agents of the run that its steps join. */
function unboundStep({ steps }: Plan, { plan, rules }: RunPlan): string | undefined {
  if (rules < 3) return undefined;
  for (const { id, action } of steps) {
    const problem = action.kind === "agent" ? permissionProblem(plan.agents ?? {}, action.options ?? {}) : undefined;
    if (problem !== undefined) return `in its step ${id} ${problem}`;
  }
  return undefined;
}

/** What the plan says of its own steps, and the run keeps for it. */
function settingsOf(plan: Plan, handed: HandedDown): SubplanSettings | undefined {
  const { maxConcurrency, maxAgents, failure, timeoutMs, resources, defaults } = plan;
  const settings: SubplanSettings = defined({
    maxConcurrency,
    maxAgents,
    failure,
    timeoutMs,
    resources,
    defaults,
    handed: Object.keys(handed).length === 0 ? undefined : handed,
  });
  return Object.keys(settings).length === 0 ? undefined : settings;
}

async function fillParams(params: JsonObject, task: Task, ports: EnginePorts): Promise<Result<JsonObject, string>> {
  const filled = await filledValue(params, task, ports.environment);
  if (!filled.ok) return err(`its params cannot be evaluated: ${filled.error}`);
  return isJsonObject(filled.value) ? ok(filled.value) : err("its params are not an object");
}

async function subplanOf(
  task: Task,
  { file, plan: inline }: Extract<Step["action"], { readonly kind: "plan" }>,
  params: JsonObject,
  ports: EnginePorts,
  { pools }: RunPlan,
): Promise<Result<Pick<Subplan, "plan"> & Partial<Subplan>, string>> {
  if (inline !== undefined) {
    const values = subplanParams(inline, params);
    return values.ok ? ok({ plan: { ...inline, params: values.value } }) : values;
  }
  if (file === undefined) return err("it does not name a plan");
  const loaded = await ports.loadSubplan(task.run, defined({ file, params, within: task.within, pools }));
  return loaded.ok ? loaded : err(loaded.error.message);
}

function describe(value: Json): string {
  if (value === null) return "null";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
