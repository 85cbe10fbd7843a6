/** Asked plan: the plan that a request wants to run: a file of the project, or a document in the request. */
import { realpathSync } from "node:fs";
import { relative, resolve, sep } from "node:path";
import { defined } from "../base/defined.ts";
import type { JsonObject, Json } from "../base/json.ts";
import { err, ok, type Result } from "../base/result.ts";
import { findPlanFile, noPlan } from "../project/find-plan.ts";
import { loadPlanFile, loadPlanDocument } from "../project/load-plan.ts";
import type { LoadedPlan } from "../project/port.ts";
import { detailsOf, problemResponse, type ProblemDetails } from "./problem.ts";

export const PLAN_BODY_LIMIT: number = 8 * 1024 * 1024;

/** `dir`: the project's, absolute. The error is the answer to the request for `instance`. */
export async function loadAsked(
  { dir, instance }: { readonly dir: string; readonly instance: string },
  plan: string | JsonObject | undefined,
  params: JsonObject,
): Promise<Result<LoadedPlan, Response>> {
  const refused = (code: string, message: string, diagnostics?: Json): Result<never, Response> => {
    const problem: ProblemDetails = defined({ ...detailsOf({ code, message }), diagnostics });
    return err(problemResponse(problem, instance));
  };
  const named = plan ?? findPlanFile(dir);
  if (named === undefined) return refused("PlanNotFound", noPlan().message);
  if (typeof named === "string" && !isInside(dir, named))
    return refused("InvalidPlanPath", `the plan file must be in the project's folder: ${named}`);
  const loaded =
    typeof named === "string"
      ? await loadPlanFile(named, params, { folder: dir })
      : await loadPlanDocument(named, params, { folder: dir });
  if (loaded.ok) return ok(loaded.value);
  const [first] = loaded.error;
  if (first?.code === "PlanNotFound") return refused(first.code, first.message);
  return refused("PlanInvalid", first?.message ?? "the plan is not valid", loaded.error as unknown as Json);
}

/** Links followed: what leads out of the project is not in it. */
function isInside(dir: string, file: string): boolean {
  if (file.includes("\0")) return false;
  const path = resolve(dir, file);
  const way = (from: string, to: string): boolean => {
    const between = relative(from, to);
    return between !== "" && between !== ".." && !between.startsWith(`..${sep}`);
  };
  if (!way(dir, path)) return false;
  try {
    return way(realpathSync(dir), realpathSync(path));
  } catch {
    // What is not there is said by whoever opens it.
    return true;
  }
}
