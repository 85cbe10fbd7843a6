/**
 * Template filling: evaluates the templates in what a task says, with what the task sees. Loads the expression language with the
 * first template. Does not know what the texts are for.
 */
import type { Json } from "../base/json.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { Step } from "../plan/plan.ts";
import type { Task } from "../run/attempt.ts";
import { scopeOf } from "../run/task.ts";

/** What `env` in expressions may name. */
type ProcessEnvironment = Readonly<Record<string, string | undefined>>;

type StepEnv = NonNullable<Step["env"]>;

const NO_ENV: StepEnv = {};

/** Whether a template may be in it: where none is, nothing has to be loaded. */
export function mayHoldTemplate(...values: readonly (Json | undefined)[]): boolean {
  return values.some((value) => value !== undefined && JSON.stringify(value).includes("${{"));
}

/** `value` with every template evaluated. */
export async function filledValue(
  value: Json,
  task: Task,
  environment: ProcessEnvironment,
): Promise<Result<Json, string>> {
  if (!mayHoldTemplate(value)) return ok(value);
  const { fillTemplates } = await import("../plan/expression/cel.ts");
  return fillTemplates(value, scopeOf(task, environment));
}

/** `text` with every template evaluated: also where it is one template alone, whose value may be anything. */
export async function filledText(
  text: string,
  task: Task,
  environment: ProcessEnvironment,
): Promise<Result<string, string>> {
  if (!mayHoldTemplate(text)) return ok(text);
  const { asText, fillTemplates } = await import("../plan/expression/cel.ts");
  const filled = fillTemplates(text, scopeOf(task, environment));
  return filled.ok ? ok(asText(filled.value)) : filled;
}

/** The environment of the step with every template evaluated, as texts. */
export async function filledEnv(task: Task, environment: ProcessEnvironment): Promise<Result<StepEnv, string>> {
  const { env = NO_ENV } = task.step;
  if (!mayHoldTemplate(env)) return ok(env);
  const texts: [string, string][] = [];
  for (const [name, text] of Object.entries(env)) {
    const filled = await filledText(text, task, environment);
    if (!filled.ok) return err(`env.${name} cannot be evaluated: ${filled.error}`);
    texts.push([name, filled.value]);
  }
  return ok(Object.fromEntries(texts));
}
