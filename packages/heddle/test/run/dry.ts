/** Short ways to plans and scripts for the tests of this folder. */
import type { Json } from "../../src/base/json.ts";
import { DEFAULT_RETRY, type Plan, type Retry, type Step } from "../../src/plan/plan.ts";
import type { StepError } from "../../src/run/event.ts";
import { DryRun, type AttemptScript, type DryOptions, type Script } from "../support/dry-run.ts";
import { generatedAttempt, type PlanShape } from "../support/plans.ts";

export function step(id: string, more: Partial<Step> = {}): Step {
  return { id, action: { kind: "run", command: "true" }, ...more };
}

export function planOf(steps: readonly Step[], more: Partial<Plan> = {}): Plan {
  return { name: "test", steps, ...more };
}

/** Steps from `{ id: deps }`. */
export function steps(edges: { readonly [id: string]: readonly string[] }): Step[] {
  return Object.entries(edges).map(([id, deps]) => step(id, deps.length === 0 ? {} : { deps }));
}

export function retry(attempts: number, more: Partial<Retry> = {}): Retry {
  return { ...DEFAULT_RETRY, attempts, jitter: 0, ...more };
}

export const EXIT: StepError = { code: "exit", message: "exit 1" };

/** Every attempt of the named steps fails; all others last what is given, else 10 ms. */
export function failing(ids: readonly string[], durations: { readonly [id: string]: number } = {}): Script {
  return {
    attempt: ({ id }): AttemptScript => ({ durationMs: durations[id] ?? 10, ...(ids.includes(id) && { error: EXIT }) }),
  };
}

export function lasting(durations: { readonly [id: string]: number }): Script {
  return failing([], durations);
}

export function run(plan: Plan | readonly Step[], script: Script = {}, options: DryOptions = {}): DryRun {
  return DryRun.start("name" in plan ? plan : planOf(plan), script, options).run();
}

/** What the attempts of a generated plan do, as a script. Conditions are the texts `true` and `false`. */
export function generatedScript(seed: number, shape: PlanShape): Script {
  return {
    attempt(definition, attempt) {
      const scripted = generatedAttempt(seed, shape, definition, attempt);
      if (scripted.kind === "hangs")
        return { durationMs: definition.timeoutMs ?? 0, error: { code: "timeout", message: "timed out" } };
      if (scripted.kind === "fails")
        return { durationMs: scripted.durationMs, error: { code: scripted.code, message: "failed" } };
      const adds = scripted.adds.map((added) => inside(definition.id, added));
      return { durationMs: scripted.durationMs, output: scripted.output, ...(adds.length > 0 && { adds }) };
    },
    holds: (definition) => definition.if !== "false",
    answer: ({ id }) => (id.length % 4 === 0 ? "reject" : "approve"),
  };
}

/** Added steps are named inside the subplan of their adder. */
function inside(adder: string, added: Step): Step {
  const prefix = adder.slice(0, adder.lastIndexOf("/") + 1);
  return { ...added, id: prefix + added.id, ...(added.deps && { deps: added.deps.map((id) => prefix + id) }) };
}

/** Cause of each skipped step. */
export function causes(dry: DryRun): { readonly [id: string]: string } {
  return Object.fromEntries(
    dry.events.flatMap((event) =>
      event.type === "step.skipped" && event.data.reason.kind === "dependency"
        ? [[event.step, event.data.reason.cause]]
        : [],
    ),
  );
}

export function outputOf(dry: DryRun, id: string): Json | undefined {
  for (const event of dry.events.toReversed()) {
    if (event.type === "step.succeeded" && event.step === id) return event.data.output;
  }
  return undefined;
}

/** Time of the last event of a type and step. */
export function timeOf(dry: DryRun, type: string, id: string): number {
  return (
    dry.events.findLast((event) => event.type === type && "step" in event && event.step === id)?.time ?? Number.NaN
  );
}
