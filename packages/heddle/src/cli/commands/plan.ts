/** `heddle plan`: shows what a plan would do, in several forms. Runs nothing. */
import { tookText } from "../../view/times.ts";
import { defined } from "../../base/defined.ts";
import type { JsonObject } from "../../base/json.ts";
import type { DrawingForm } from "../../view/plan-drawing.ts";
import type { PlanStepView, PlanView } from "../../view/plan-view.ts";
import { viewPlan } from "../../project/view-plan.ts";
import { EXIT, fail, openToRead, type Context } from "../context.ts";
import { safeLine } from "../../base/safe-text.ts";
import { cut } from "../output-text.ts";
import type { Output } from "../output.ts";
import { loadPlan, noteWarnings } from "../plans.ts";
import type { Flags } from "../spec.ts";
import { concurrencyOf, isFlagOn, notJsonProblem, textFlag } from "../flag-values.ts";
import type { LoadedPlan } from "../../project/port.ts";

/** Where several are asked for, the first. */
const FORMS: readonly DrawingForm[] = ["mermaid", "dot", "tree"];

export async function planCommand(
  context: Context,
  [file]: readonly (string | undefined)[],
  flags: Flags,
): Promise<number> {
  const form = FORMS.find((each) => isFlagOn(flags, each));
  if (context.json && form !== undefined)
    return fail(context, notJsonProblem(form, "Leave out --json: the drawing is text."));
  const params = (flags["param"] as JsonObject | undefined) ?? {};
  const loaded = await loadPlan(context, file, params, { allowMissingParams: true });
  if (!loaded.ok) return loaded.error;
  const { out } = context;
  if (textFlag(flags, "to") === "yaml") {
    const { planToDocument, planToYaml } = await import("../../plan/canonical.ts");
    const { plan, warnings = [] } = loaded.value;
    if (context.json) out.json({ document: planToDocument(plan), warnings });
    else out.write(planToYaml(plan));
    return EXIT.ok;
  }
  if (form !== undefined) {
    await draw(out, loaded.value, form);
    return EXIT.ok;
  }
  const view = await viewOf(context, loaded.value, flags);
  if (context.json) out.json({ ...view, warnings: loaded.value.warnings ?? [] });
  else out.lines(planLines(out, view));
  await noteWarnings(context, loaded.value);
  return EXIT.ok;
}

/** With the durations that earlier runs recorded, where there are any. */
export async function viewOf(context: Context, loaded: LoadedPlan, flags: Flags): Promise<PlanView> {
  const maxConcurrency = concurrencyOf(flags);
  const recorded = await recordedDurations(context, loaded.plan.name);
  return viewPlan(loaded, defined({ maxConcurrency, recorded }));
}

async function recordedDurations(context: Context, name: string): Promise<ReadonlyMap<string, number>> {
  const opened = await openToRead(context);
  // Without a journal nothing was recorded yet; with a damaged one the plan can still be shown.
  if (!opened.ok) return new Map();
  await using project = opened.value;
  return await project.plans.expectedDurations(name);
}

async function draw(out: Output, { plan: { name }, graph }: LoadedPlan, form: DrawingForm): Promise<void> {
  const { planDrawing } = await import("../../view/plan-drawing.ts");
  if (form === "tree") out.line(out.style("bold", "Dependency Tree"));
  out.lines(planDrawing(form, { name, graph, labelOf: safeLine }));
}

/** Steps of a layer that the text form names; of the others the number is said. */
const MOST_SHOWN = 200;

export function* planLines(out: Output, view: PlanView): Generator<string, void, undefined> {
  yield out.style("bold", "Parallel Execution Plan");
  yield `Total steps: ${view.steps.length}`;
  yield `Batches: ${view.layers.length}`;
  yield `Max parallelism: ${view.maxParallelism}`;
  const path =
    safeLine(view.criticalPath.slice(0, 50).join(" -> ")) +
    (view.criticalPath.length > 50 ? ` -> … (${view.criticalPath.length} steps)` : "");
  yield `Critical path: ${path}`;
  yield* timeLines(view);
  const byId = new Map(view.steps.map((step) => [step.id, step]));
  for (const [at, ids] of view.layers.entries()) {
    yield "";
    yield out.style("bold", `Batch ${at + 1}: (${ids.length === 1 ? "1 step" : `${ids.length} steps in parallel`})`);
    for (const id of ids.slice(0, MOST_SHOWN)) {
      const step = byId.get(id);
      if (step !== undefined) yield* stepLines(out, step);
    }
    if (ids.length > MOST_SHOWN) yield `  … and ${ids.length - MOST_SHOWN} more`;
  }
}

function* timeLines(view: PlanView): Generator<string, void, undefined> {
  if (view.criticalPathMs !== null) yield `Critical path takes: ${tookText(view.criticalPathMs)}`;
  if (view.expectedMakespanMs === null) return;
  const workers = `${view.workers} ${view.workers === 1 ? "worker" : "workers"}`;
  const unknown =
    view.unknownDurations === 0
      ? ""
      : ` or more (the duration of ${view.unknownDurations} of ${view.steps.length} steps is unknown)`;
  yield `Expected time with ${workers}: ${tookText(view.expectedMakespanMs)}${unknown}`;
}

function* stepLines(out: Output, step: PlanStepView): Generator<string, void, undefined> {
  const order = [
    ...(step.deps.length > 0 ? [`depends on: ${step.deps.join(", ")}`] : []),
    ...(step.after.length > 0 ? [`after: ${step.after.join(", ")}`] : []),
  ];
  yield `  • ${safeLine(step.id)}${order.length === 0 ? "" : out.style("dim", ` (${cut(safeLine(order.join("; ")), 300)})`)}`;
  if (step.description === undefined) return;
  for (const line of step.description.trim().split("\n").slice(0, 3)) yield `    ${safeLine(line)}`;
}
