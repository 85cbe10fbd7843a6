/**
 * Dep names: which deps the expressions of a checked step read, from their syntax. Loads the expression language, so it is loaded
 * only for steps that come after others.
 */
import { isJsonObject } from "../../base/json.ts";
import type { Action, Step } from "../plan.ts";
import { compileExpression, compileTemplate, type Expression } from "./cel.ts";
import { hasTemplate } from "./templates.ts";

/** `undefined`: an expression cannot be read here, so that it may read any. A plan inside the step has names of its own. */
export function depNamesOf({ if: condition, forEach, action, env }: Step): ReadonlySet<string> | undefined {
  const names = new Set<string>();
  const add = ({ names: uses }: Expression): void => {
    for (const { root, name } of uses) if (root === "deps" && name !== undefined) names.add(name);
  };
  for (const text of [condition, forEach?.if, forEach?.items]) {
    if (typeof text !== "string") continue;
    const compiled = compileExpression(text);
    if (!compiled.ok) return undefined;
    add(compiled.value);
  }
  for (const text of textsIn([env, filledIn(action)])) {
    if (!hasTemplate(text)) continue;
    const compiled = compileTemplate(text);
    if (!compiled.ok) return undefined;
    for (const { expression } of compiled.value.expressions) add(expression);
  }
  return names;
}

/** What of an action may hold templates: in a command they are refused. */
function filledIn(action: Action): unknown {
  if (action.kind === "run") return undefined;
  return action.kind === "plan" ? action.params : action;
}

/** Every text of a value, however deep. */
function* textsIn(value: unknown): Generator<string, void, undefined> {
  if (typeof value === "string") yield value;
  else if (Array.isArray(value)) for (const one of value as readonly unknown[]) yield* textsIn(one);
  else if (isJsonObject(value)) for (const one of Object.values(value)) yield* textsIn(one);
}
