/**
 * Definition document: converts a plan made by code to the document that a file would contain, plus its functions. From there on
 * validation is the same.
 *
 * Invariant: copies of a step that `sequence` or `when` made become one step again.
 */
import { defined } from "../base/defined.ts";
import { asGroup, type PlanDefinition, type StepValue } from "./define.ts";
import type { Functions, StepFunction } from "./plan.ts";

/**
 * The document that a file would have held, and the functions by step id; those of a plan inside a step by
 * `id of the step/id inside`.
 */
export function definitionDocument(definition: PlanDefinition): {
  readonly document: unknown;
  readonly functions: Functions;
} {
  const functions = new Map<string, StepFunction>();
  return { document: documentOf(definition, "", functions), functions };
}

function documentOf(definition: PlanDefinition, prefix: string, functions: Map<string, StepFunction>): object {
  const { steps, ...top } = definition.options;
  const all = collect(steps.flatMap((part) => asGroup(part).steps));
  const written = all.map((each) => {
    if (each.fn !== undefined) functions.set(prefix + each.id, each.fn);
    const { inner } = each as { readonly inner?: PlanDefinition };
    return {
      id: each.id,
      ...each.written,
      ...defined<{ readonly plan?: object; readonly deps?: readonly string[] }>({
        plan: inner && documentOf(inner, `${prefix}${each.id}/`, functions),
        deps: each.deps.length === 0 ? undefined : [...new Set(each.deps)],
      }),
    };
  });
  return { name: definition.name, ...top, steps: written };
}

/** All steps that the listed ones hang on, each before what names it, copies of one step joined. */
function collect(listed: readonly StepValue[]): readonly StepValue[] {
  const ordered = new Map<object, StepValue>();
  const stack: { readonly value: StepValue; next: number }[] = [];
  const isOpen = new Set<object>();
  for (const root of listed) {
    stack.push({ value: root, next: 0 });
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const { value } = top;
      if (top.next === 0) isOpen.add(value.origin);
      const used = value.uses[top.next++];
      if (used !== undefined) {
        if (!ordered.has(used.origin) && !isOpen.has(used.origin)) stack.push({ value: used, next: 0 });
        continue;
      }
      stack.pop();
      isOpen.delete(value.origin);
      const known = ordered.get(value.origin);
      ordered.set(value.origin, known === undefined ? value : joined(known, value));
    }
  }
  return [...ordered.values()];
}

/** Two copies of one step: the edges of both, and the condition that either was given. */
function joined(a: StepValue, b: StepValue): StepValue {
  if (a === b) return a;
  return {
    ...a,
    deps: [...a.deps, ...b.deps],
    written: defined({ ...a.written, if: b.written.if ?? a.written.if }),
  };
}
