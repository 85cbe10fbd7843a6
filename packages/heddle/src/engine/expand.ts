/**
 * Expander: finds the steps of a container: one per item of a `forEach`, or the steps of a subplan. The result is
 * recorded, so that a resume does not ask again.
 */
import { defined } from "../base/defined.ts";
import { isJsonObject, type Json, type JsonObject } from "../base/json.ts";
import { err, ok, type Result } from "../base/result.ts";
import { subplanParams } from "../plan/params.ts";
import type { Plan, Step } from "../plan/plan.ts";
import type { EnginePorts, Subplan } from "./ports.ts";
import { scopeOf } from "../run/task.ts";
import type { Task } from "../run/attempt.ts";
import type { SubplanSettings } from "../run/event.ts";
import type { Expansion } from "../run/expansion.ts";
import { filledEnv, filledValue } from "./templates.ts";

/** Most items that one `forEach` may have. */
export const MOST_ITEMS = 100_000;

/** The children of the container whose task is given, or why there are none. */
export async function expand(task: Task, ports: EnginePorts): Promise<Result<Expansion, string>> {
  const { forEach } = task.step;
  return forEach === undefined ? expandPlan(task, ports) : expandItems(task, forEach, ports);
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

async function expandPlan(task: Task, ports: EnginePorts): Promise<Result<Expansion, string>> {
  const { action } = task.step;
  if (action.kind !== "plan") return err(`a step of kind ${action.kind} cannot be expanded`);
  const params = await fillParams(action.params ?? {}, task, ports);
  if (!params.ok) return params;
  const subplan = await subplanOf(task, action.file, action.plan, params.value, ports);
  if (!subplan.ok) return subplan;
  const { plan, content } = subplan.value;
  // Its templates read what that step sees, not what those inside do.
  const env = await filledEnv(task, ports.environment);
  if (!env.ok) return env;
  const prefix = `${task.step.id}/`;
  const steps = plan.steps.map((step) => prefixed(handedDown(task.step, env.value, step), prefix));
  return ok(defined({ kind: "children", steps, params: plan.params ?? {}, settings: settingsOf(plan), content }));
}

/** What the plan says of its own steps, and the run keeps for it. */
function settingsOf({ maxConcurrency, maxAgents, failure, timeoutMs, resources }: Plan): SubplanSettings | undefined {
  const settings: SubplanSettings = defined({ maxConcurrency, maxAgents, failure, timeoutMs, resources });
  return Object.keys(settings).length === 0 ? undefined : settings;
}

async function fillParams(params: JsonObject, task: Task, ports: EnginePorts): Promise<Result<JsonObject, string>> {
  const filled = await filledValue(params, task, ports.environment);
  if (!filled.ok) return err(`its params cannot be evaluated: ${filled.error}`);
  return isJsonObject(filled.value) ? ok(filled.value) : err("its params are not an object");
}

/** What a step that stands for a plan says of commands holds for the steps inside, where these say nothing else. */
function handedDown(outer: Step, env: NonNullable<Step["env"]>, step: Step): Step {
  const { envMode, cwd, shell } = outer;
  const passEnv = [...new Set([...(outer.passEnv ?? []), ...(step.passEnv ?? [])])];
  const secrets = [...new Set([...(outer.secrets ?? []), ...(step.secrets ?? [])])];
  const both = { ...env, ...step.env };
  return defined<Step>({
    ...step,
    env: Object.keys(both).length === 0 ? undefined : both,
    passEnv: passEnv.length === 0 ? undefined : passEnv,
    secrets: secrets.length === 0 ? undefined : secrets,
    envMode: step.envMode ?? envMode,
    cwd: step.cwd ?? cwd,
    shell: step.shell ?? shell,
  });
}

async function subplanOf(
  task: Task,
  file: string | undefined,
  inline: Plan | undefined,
  params: JsonObject,
  ports: EnginePorts,
): Promise<Result<Pick<Subplan, "plan"> & Partial<Subplan>, string>> {
  if (inline !== undefined) {
    const values = subplanParams(inline, params);
    return values.ok ? ok({ plan: { ...inline, params: values.value } }) : values;
  }
  if (file === undefined) return err("it does not name a plan");
  const loaded = await ports.loadSubplan(task.run, defined({ file, params, within: task.within }));
  return loaded.ok ? loaded : err(loaded.error.message);
}

function prefixed(step: Step, prefix: string): Step {
  const inside = (ids: readonly string[]): string[] => ids.map((id) => `${prefix}${id}`);
  return defined({
    ...step,
    id: `${prefix}${step.id}`,
    deps: step.deps === undefined ? undefined : inside(step.deps),
    after: step.after === undefined ? undefined : inside(step.after),
    reads: step.reads === undefined ? undefined : inside(step.reads),
  });
}

function describe(value: Json): string {
  if (value === null) return "null";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
