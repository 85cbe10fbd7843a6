/**
 * Checked plans of the library: loaded, ready to run, to inspect and to draw. Knows no run.
 *
 * Invariant: a {@link CheckedPlan} comes only from {@link load}; what the engine needs of it is stored with it, hidden.
 */
import { resolve as resolvePath } from "node:path";
import { defined } from "../base/defined.ts";
import { HeddleError } from "../base/errors.ts";
import type { JsonObject } from "../base/json.ts";
import { err, ok, type Result } from "../base/result.ts";
import { isPlanDefinition, type PlanDefinition } from "../plan/define.ts";
import type { Diagnostic } from "../plan/diagnostic.ts";
import type { ParamsInput, ParamSpecs } from "../plan/param-values.ts";
import type { Plan } from "../plan/plan.ts";
import { PlanError } from "./errors.ts";
import type { LoadedPlan } from "../project/port.ts";
import { planDrawing, planLayers } from "../view/plan-drawing.ts";

/** A plan that was read, validated and found to be a graph. */
export interface CheckedPlan {
  /** As written, else the file's name. */
  readonly name: string;
  /** Absolute; absent for a plan built by code. */
  readonly file?: string;
  /** The plan as plain data: defaults merged into the steps, parameters resolved. */
  readonly plan: Plan;
  /** Ids of the steps by longest distance from a root: what could run at the same time. */
  readonly layers: readonly (readonly string[])[];
  /** The graph as a Mermaid flowchart. */
  mermaid(): string;
}

/** What can be run: a definition made with `plan(...)`, or what {@link load} gave. */
export type Runnable = PlanDefinition | CheckedPlan;

const loadedPlans = new WeakMap<CheckedPlan, LoadedPlan>();

/** Values may be left out where each parameter has a default. */
type LoadArguments<P extends ParamSpecs> =
  Record<never, never> extends ParamsInput<P> ? readonly [params?: ParamsInput<P>] : readonly [params: ParamsInput<P>];

/**
 * Reads and checks a plan: a file (YAML, JSON, or a module whose default export is a plan; relative to the current folder) or
 * a definition. Executes nothing of it but the module's own top level.
 *
 * @throws {PlanError} with every diagnostic, where the plan cannot run.
 */
export async function load(file: string, params?: JsonObject): Promise<CheckedPlan>;
export async function load<P extends ParamSpecs>(
  definition: PlanDefinition<P>,
  ...[params]: LoadArguments<P>
): Promise<CheckedPlan>;
export async function load(source: string | PlanDefinition, params: JsonObject = {}): Promise<CheckedPlan> {
  const loaded = await (typeof source === "string" ? readPlan(source, params) : resolve(source, params));
  if (!loaded.ok) throw new PlanError(loaded.error);
  return checkedPlan(loaded.value);
}

// What reads and validates plans is loaded with the first: a module that only defines one does not wait for it.

async function readPlan(file: string, params: JsonObject): Promise<Result<LoadedPlan, readonly Diagnostic[]>> {
  const { loadPlanFile } = await import("../project/load-plan.ts");
  return loadPlanFile(file, params);
}

async function resolve(
  definition: PlanDefinition,
  params: JsonObject | undefined,
): Promise<Result<LoadedPlan, readonly Diagnostic[]>> {
  const { loadDefinition } = await import("../project/load-plan.ts");
  return loadDefinition(definition, params);
}

function checkedPlan(loaded: LoadedPlan): CheckedPlan {
  const { plan, graph, file } = loaded;
  const checked: CheckedPlan = Object.freeze(
    defined<CheckedPlan>({
      name: plan.name,
      file,
      plan,
      layers: planLayers(graph),
      mermaid: () => [...planDrawing("mermaid", { name: plan.name, graph })].join("\n"),
    }),
  );
  loadedPlans.set(checked, loaded);
  return checked;
}

/** Where a plan made by code is run. */
export interface PlanPlace {
  /** What the files that its steps name are relative to; default: the current folder. */
  readonly projectDir?: string | undefined;
  /** A run that goes on: it may have read them before. */
  readonly allowMissingFiles?: boolean;
}

/** The plan as the engine takes it, its plan files checked. `params` are the caller's; a checked plan has its own already. */
export async function loadedPlan(
  plan: unknown,
  params: JsonObject | undefined,
  { projectDir = ".", ...options }: PlanPlace = {},
): Promise<Result<LoadedPlan, HeddleError>> {
  const loaded = await planAlone(plan, params);
  if (!loaded.ok) return loaded;
  const { checkPlanFiles } = await import("../project/load-plan.ts");
  const checked = await checkPlanFiles(loaded.value, resolvePath(projectDir), options);
  return checked.ok ? checked : err(new PlanError(checked.error));
}

async function planAlone(plan: unknown, params: JsonObject | undefined): Promise<Result<LoadedPlan, HeddleError>> {
  if (isPlanDefinition(plan)) {
    const resolved = await resolve(plan, params);
    return resolved.ok ? resolved : err(new PlanError(resolved.error));
  }
  const known = typeof plan === "object" && plan !== null ? loadedPlans.get(plan as CheckedPlan) : undefined;
  if (known === undefined) return err(notAPlan());
  if (params === undefined) return ok(known);
  return err(
    new HeddleError({
      code: "ParamsFixed",
      message: `the parameters of plan ${known.plan.name} were set when it was loaded`,
      hint: "Pass them to `load(file, params)` instead of `run`.",
    }),
  );
}

function notAPlan(): HeddleError {
  return new HeddleError({
    code: "NotAPlan",
    message: "the argument of run is not a plan",
    hint: "Pass the result of `plan(...)` or of `await load(file)`.",
  });
}
