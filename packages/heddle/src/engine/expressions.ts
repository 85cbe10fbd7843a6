/**
 * Expression reader: evaluates a step's `if`, the question that it asks, and what it waits for. The expression language is loaded when the
 * first step that has one is seen.
 */
import { invariant } from "../base/assert.ts";
import { err, ok, type Result } from "../base/result.ts";
import type * as language from "../plan/expression/cel.ts";
import { hasTemplate } from "../plan/expression/templates.ts";
import type { Step } from "../plan/plan.ts";
import type { Expressions } from "../run/transition.ts";

type Language = typeof language;

function hasExpression({ action, if: condition }: Step): boolean {
  if (condition !== undefined) return true;
  if (action.kind === "approve") return hasTemplate(action.question);
  return (
    (action.kind === "sleep" && hasTemplate(action.time)) || (action.kind === "signal" && hasTemplate(action.name))
  );
}

export class ExpressionReader implements Expressions {
  #language: Language | undefined;

  /** Call with every step before it is asked about. */
  async prepare(steps: readonly Step[]): Promise<void> {
    if (this.#language === undefined && steps.some(hasExpression)) {
      this.#language = await import("../plan/expression/cel.ts");
    }
  }

  text(template: string, scope: () => language.Scope): Result<string, string> {
    if (!hasTemplate(template)) return ok(template);
    invariant(this.#language !== undefined, "a template was asked for before its steps were prepared");
    const filled = this.#language.fillTemplates(template, scope());
    return filled.ok ? ok(this.#language.asText(filled.value)) : filled;
  }

  holds(text: string, scope: language.Scope): Result<boolean, string> {
    invariant(this.#language !== undefined, "a condition was asked for before its steps were prepared");
    const expression = this.#language.compileExpression(text);
    if (!expression.ok) return err(expression.error.message);
    const value = expression.value.evaluate(scope);
    if (!value.ok) return value;
    return typeof value.value === "boolean" ? ok(value.value) : err("its value is not a boolean");
  }
}
