/**
 * Asked plan: the plan that a client of a face wants to look at or to run: a file of the project, or a document that it sends. Knows no
 * protocol.
 *
 * Invariant: who only looks has no file outside of the project's folder read, whatever links lead to it. Who runs a plan names one inside.
 */
import { defined } from "../base/defined.ts";
import type { Problem } from "../base/errors.ts";
import type { JsonObject } from "../base/json.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { LoadedPlan } from "../graph/loaded-plan.ts";
import type { Diagnostic } from "../plan/diagnostic.ts";
import { findPlanFile, isPlanModule, noPlan } from "./find-plan.ts";
import { isInsideFolder } from "./inside-folder.ts";
import { loadPlanDocument, loadPlanFile, type LoadOptions } from "./load-plan.ts";

/** `file`: relative to the project, or absolute. `document`: the plan as data, or its text. Neither: the project's own plan. */
export interface AskedPlan {
  readonly file?: string;
  readonly document?: JsonObject | string;
}

export interface AskedPlanOptions extends Pick<LoadOptions, "allowMissingParams"> {
  /** Absolute: the project's. */
  readonly dir: string;
  readonly params: JsonObject;
  /**
   * Who asks only looks. Plans that are programs are refused: to know what such a plan says, it is run. Plan files that steps name and that
   * are outside of the project's folder are not read.
   */
  readonly withoutModules?: boolean;
}

/** `diagnostics`: what is wrong with the plan; empty: it could not be taken at all. */
export interface AskedPlanRefusal {
  readonly problem: Problem;
  readonly diagnostics: readonly Diagnostic[];
}

export async function loadAskedPlan(
  { file: named, document }: AskedPlan,
  { dir, params, withoutModules = false, allowMissingParams }: AskedPlanOptions,
): Promise<Result<LoadedPlan, AskedPlanRefusal>> {
  const within = withoutModules ? dir : undefined;
  const options: LoadOptions = defined({ folder: dir, allowMissingParams, within });
  if (document !== undefined) return told(await loadPlanDocument(document, params, options));
  const file = named ?? findPlanFile(dir);
  if (file === undefined) return refused(noPlan());
  if (!isInsideFolder(dir, file))
    return refused({ code: "InvalidPlanPath", message: `the plan file must be in the project's folder: ${file}` });
  if (withoutModules && isPlanModule(file)) return refused(moduleRefused(file));
  return told(await loadPlanFile(file, params, options));
}

function refused(problem: Problem): Result<never, AskedPlanRefusal> {
  return err({ problem, diagnostics: [] });
}

function told(loaded: Result<LoadedPlan, readonly Diagnostic[]>): Result<LoadedPlan, AskedPlanRefusal> {
  if (loaded.ok) return ok(loaded.value);
  const [first] = loaded.error;
  if (first?.code === "PlanNotFound") return refused(first);
  const { message, hint } = first ?? { message: "the plan is not valid", hint: undefined };
  return err({ problem: defined<Problem>({ code: "PlanInvalid", message, hint }), diagnostics: loaded.error });
}

function moduleRefused(file: string): Problem {
  return {
    code: "PlanModuleRefused",
    message: `${file} is a program: to know its plan, it is run, and who only looks at a plan runs nothing`,
    hint: `\`heddle plan ${file}\` shows it; a start runs it.`,
  };
}
