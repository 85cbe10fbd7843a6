/** Asked plan of a request, or the response that refuses it. Which plans may be asked for is the project's rule. */
import { defined } from "../base/defined.ts";
import type { JsonObject, Json } from "../base/json.ts";
import { err, ok, type Result } from "../base/result.ts";
import { loadAskedPlan } from "../project/asked-plan.ts";
import type { LoadedPlan } from "../project/port.ts";
import { detailsOf, problemResponse, type ProblemDetails } from "./problem.ts";

export const PLAN_BODY_LIMIT: number = 8 * 1024 * 1024;

/** `dir`: the project's, absolute. The error is the answer to the request for `instance`. */
export async function loadAsked(
  { dir, instance }: { readonly dir: string; readonly instance: string },
  plan: string | JsonObject | undefined,
  params: JsonObject,
): Promise<Result<LoadedPlan, Response>> {
  const asked = typeof plan === "string" ? { file: plan } : defined<{ document?: JsonObject }>({ document: plan });
  const loaded = await loadAskedPlan(asked, { dir, params });
  if (loaded.ok) return ok(loaded.value);
  const { problem, diagnostics } = loaded.error;
  const wrong = diagnostics.length === 0 ? undefined : (diagnostics as unknown as Json);
  const { code, message } = problem;
  const details: ProblemDetails = defined({ ...detailsOf({ code, message }), diagnostics: wrong });
  return err(problemResponse(details, instance));
}
