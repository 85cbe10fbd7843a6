/** Containers whose items or plan stand in the step itself, expanded without an engine. */
import type { Json } from "../../src/base/json.ts";
import type { Step } from "../../src/plan/plan.ts";
import { defined } from "../../src/base/defined.ts";
import type { SubplanSettings } from "../../src/run/event.ts";

/** The children of a container whose items or plan stand in the step itself; `undefined`: the items are no list. */
export function childrenOf(step: Step):
  | {
      readonly steps: readonly Step[];
      readonly items?: readonly Json[];
      readonly maxConcurrency?: number;
      readonly settings?: SubplanSettings;
    }
  | undefined {
  const { forEach, if: _if, after: _after, optional: _optional, ...rest } = step;
  const template = forEach?.if === undefined ? rest : { ...rest, if: forEach.if };
  if (forEach !== undefined) {
    if (typeof forEach.items === "string") return undefined;
    const steps = forEach.items.map((_, at): Step => ({ ...template, id: `${step.id}[${at}]` }));
    return {
      steps,
      items: forEach.items,
      ...(forEach.maxConcurrency === undefined ? {} : { maxConcurrency: forEach.maxConcurrency }),
    };
  }
  if (step.action.kind !== "plan" || step.action.plan === undefined) return undefined;
  const inside = (ids: readonly string[]): string[] => ids.map((id) => `${step.id}/${id}`);
  const steps = step.action.plan.steps.map((child): Step => ({
    ...child,
    id: `${step.id}/${child.id}`,
    ...(child.deps === undefined ? {} : { deps: inside(child.deps) }),
    ...(child.after === undefined ? {} : { after: inside(child.after) }),
    ...(child.reads === undefined ? {} : { reads: inside(child.reads) }),
  }));
  const { maxConcurrency, maxAgents, failure, timeoutMs, resources } = step.action.plan;
  const settings = defined<SubplanSettings>({ maxConcurrency, maxAgents, failure, timeoutMs, resources });
  return Object.keys(settings).length === 0 ? { steps } : { steps, settings };
}
