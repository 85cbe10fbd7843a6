/** Tools that look at plans. They run nothing: a plan that is a program is refused. */
import * as z from "zod";
import { defined } from "../base/defined.ts";
import type { Problem } from "../base/errors.ts";
import type { JsonObject } from "../base/json.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { Diagnostic } from "../plan/diagnostic.ts";
import { loadAskedPlan, type AskedPlanRefusal } from "../project/asked-plan.ts";
import type { LoadedPlan } from "../project/port.ts";
import { viewPlan } from "../project/view-plan.ts";
import type { PlanView } from "../view/plan-view.ts";
import { harmlessText, harmlessTexts } from "./harmless.ts";
import { askedPlanOf, planDocument, planFile, planParams, paramsOf, workers } from "./inputs.ts";
import { mcpTool, type McpTool, type McpWorld } from "./tool.ts";

const MOST_DIAGNOSTICS = 50;
const MOST_LAYERS = 50;
const MOST_IDS = 50;
const MOST_STEPS = 100;
const SENTENCE = 500;

const diagnosticSchema = z.looseObject({
  severity: z.string(),
  code: z.string(),
  message: z.string(),
  file: z.string(),
  line: z.int(),
  column: z.int(),
  hint: z.string().optional(),
});

export const PLAN_TOOLS: readonly McpTool[] = [
  mcpTool({
    name: "validate_plan",
    title: "Validate a plan",
    description:
      "Checks a plan without running anything: a file of the project, or the text of a plan. Says every problem with its line. Fix them and validate again before you start the plan.",
    input: z.strictObject({ plan: planFile, document: planDocument }),
    output: z.looseObject({
      valid: z.boolean(),
      name: z.string().optional(),
      steps: z.int().optional().describe("How many the plan has."),
      diagnostics: z.array(diagnosticSchema).describe("Errors, or the warnings of a valid plan."),
      diagnosticsNotShown: z.int(),
    }),
    handle: async (input, world) => {
      const loaded = await loadedPlan(input, world);
      if (loaded.ok) {
        const { plan, warnings = [] } = loaded.value;
        const about = { valid: true, name: harmlessText(plan.name, SENTENCE), steps: plan.steps.length };
        return ok({ ...about, ...diagnosticsOf(warnings) });
      }
      const { problem, diagnostics } = loaded.error;
      return diagnostics.length === 0 ? err(problem) : ok({ valid: false, ...diagnosticsOf(diagnostics) });
    },
  }),
  mcpTool({
    name: "show_plan",
    title: "Show a plan",
    description:
      "Shows what a plan would do, without running anything: its layers (steps of one layer can run at once), the critical path, how many steps run at once at most, and the expected time where earlier runs tell it.",
    input: z.strictObject({ plan: planFile, document: planDocument, params: planParams, maxConcurrency: workers }),
    output: z.looseObject({
      name: z.string(),
      stepsInAll: z.int(),
      layers: z.array(z.looseObject({ count: z.int(), steps: z.array(z.string()) })),
      layersNotShown: z.int(),
      maxParallelism: z.int(),
      criticalPath: z.array(z.string()),
      criticalPathMs: z.number().nullable(),
      expectedMakespanMs: z.number().nullable(),
      steps: z.array(z.looseObject({ id: z.string(), kind: z.string(), deps: z.array(z.string()) })),
      stepsNotShown: z.int(),
    }),
    handle: async (input, world) => {
      const loaded = await loadedPlan(input, world);
      if (!loaded.ok) return err(refusedPlanProblem(loaded.error));
      const project = await world.project.toRead();
      // Without a journal nothing was recorded yet; with a damaged one the plan can still be shown.
      const recorded = project.ok
        ? await project.value.plans.expectedDurations(loaded.value.plan.name)
        : new Map<string, number>();
      const { maxConcurrency } = input;
      return ok(planDocumentOf(viewPlan(loaded.value, defined({ maxConcurrency, recorded }))));
    },
  }),
];

function loadedPlan(
  input: {
    readonly plan?: string | undefined;
    readonly document?: string | undefined;
    readonly params?: Readonly<Record<string, unknown>> | undefined;
  },
  { dir }: McpWorld,
): Promise<Result<LoadedPlan, AskedPlanRefusal>> {
  const asked = askedPlanOf(input);
  if (asked === undefined) return Promise.resolve(err({ problem: twoPlans(), diagnostics: [] }));
  const params = paramsOf(input.params);
  return loadAskedPlan(asked, { dir, params, withoutModules: true, allowMissingParams: true });
}

export function twoPlans(): Problem {
  return {
    code: "Usage",
    message: "both a path and a document were given as the plan",
    hint: "Give one of `plan` and `document`.",
  };
}

/** What is wrong with a plan, in one text. */
export function refusedPlanProblem({ problem, diagnostics }: AskedPlanRefusal): Problem {
  if (diagnostics.length === 0) return problem;
  const lines = diagnostics
    .slice(0, MOST_DIAGNOSTICS)
    .map(({ file, line, column, code, message }) => `${file}:${line}:${column}: ${message} [${code}]`);
  const more = diagnostics.length > lines.length ? [`… and ${diagnostics.length - lines.length} more`] : [];
  const message = ["the plan is not valid:", ...lines, ...more].join("\n");
  return { code: problem.code, message, hint: "validate_plan says more of each." };
}

function diagnosticsOf(diagnostics: readonly Diagnostic[]): JsonObject {
  const shown = diagnostics.slice(0, MOST_DIAGNOSTICS).map(({ severity, code, message, file, line, column, hint }) =>
    defined<JsonObject>({
      severity,
      code,
      message: harmlessText(message, SENTENCE),
      file: harmlessText(file, SENTENCE),
      line,
      column,
      hint: hint === undefined ? undefined : harmlessText(hint, SENTENCE),
    }),
  );
  return { diagnostics: shown, diagnosticsNotShown: diagnostics.length - shown.length };
}

function planDocumentOf(view: PlanView): JsonObject {
  const layers = view.layers.slice(0, MOST_LAYERS);
  const steps = view.steps.slice(0, MOST_STEPS);
  return defined<JsonObject>({
    name: harmlessText(view.name, SENTENCE),
    description: view.description === undefined ? undefined : harmlessText(view.description),
    stepsInAll: view.steps.length,
    layers: layers.map((ids) => ({ count: ids.length, steps: harmlessTexts(ids, MOST_IDS) })),
    layersNotShown: view.layers.length - layers.length,
    maxParallelism: view.maxParallelism,
    criticalPath: harmlessTexts(view.criticalPath, MOST_STEPS),
    criticalPathMs: view.criticalPathMs,
    expectedMakespanMs: view.expectedMakespanMs,
    maxConcurrency: view.workers,
    unknownDurations: view.unknownDurations,
    steps: steps.map(({ id, kind, deps, after, layer, description }) =>
      defined<JsonObject>({
        id,
        kind,
        layer,
        deps: harmlessTexts(deps, MOST_IDS),
        after: after.length === 0 ? undefined : harmlessTexts(after, MOST_IDS),
        description: description === undefined ? undefined : harmlessText(description, SENTENCE),
      }),
    ),
    stepsNotShown: view.steps.length - steps.length,
  });
}
