/**
 * Added steps: validates steps that a running step adds, like those of a plan, and names them inside the subplan of the
 * step that adds them.
 */
import { defined } from "../base/defined.ts";
import { err, ok, type Result } from "../base/result.ts";
import { compileSteps } from "../graph/compile.ts";
import type { Step } from "../plan/plan.ts";
import { enclosingContainer } from "../run/add-steps.ts";
import type { RunState } from "../run/state.ts";

/** The steps as they join the run, or everything that is wrong with them. */
export async function addedSteps(
  state: RunState,
  adder: number,
  wanted: readonly unknown[],
): Promise<Result<readonly Step[], string>> {
  const prefix = enclosingContainer(state, adder)?.prefix ?? "";
  const known = { has: (id: string) => state.index.byId.has(prefix + id) };
  const compiled = await compileSteps(wanted, known, { plan: state.plan });
  if (!compiled.ok) {
    const texts = compiled.error.map(({ message, hint }) => (hint === undefined ? message : `${message} (${hint})`));
    return err(`the added steps are invalid: ${texts.join("; ")}`);
  }
  if (prefix === "") return compiled;
  const inside = (ids: readonly string[]): string[] => ids.map((id) => prefix + id);
  return ok(
    compiled.value.map((step) =>
      defined({
        ...step,
        id: prefix + step.id,
        deps: step.deps === undefined ? undefined : inside(step.deps),
        after: step.after === undefined ? undefined : inside(step.after),
        reads: step.reads === undefined ? undefined : inside(step.reads),
      }),
    ),
  );
}
