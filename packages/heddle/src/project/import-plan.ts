/** Plan import: converts a plan file of another tool and checks the result. Runs nothing. */
import { readFile } from "node:fs/promises";
import { messageOf, type Problem } from "../base/errors.ts";
import { err, ok, type Result } from "../base/result.ts";
import { compileDocument } from "../graph/compile.ts";
import type { Diagnostic } from "../plan/diagnostic.ts";
import { importPlan } from "../plan/import.ts";
import type { Plan } from "../plan/plan.ts";
import { noSourceMap } from "../plan/source-map.ts";

export interface ImportedFile {
  readonly plan: Plan;
  /** The plan as heddle's files say it. */
  readonly document: unknown;
  /** What was not taken over as it was: sentences for people. */
  readonly notes: readonly string[];
}

export type ImportRefusal =
  | { readonly kind: "unreadable"; readonly problem: Problem }
  | { readonly kind: "invalid"; readonly diagnostics: readonly Diagnostic[] };

/** `file`: relative to the current folder, or absolute. */
export async function importPlanFile(file: string): Promise<Result<ImportedFile, ImportRefusal>> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (thrown) {
    const problem: Problem = {
      code: "PlanUnreadable",
      message: `cannot read ${file}: ${messageOf(thrown)}`,
      hint: "Name a file that exists.",
      cause: thrown,
    };
    return err({ kind: "unreadable", problem });
  }
  const imported = await importPlan({ text, file });
  if (!imported.ok) return err({ kind: "invalid", diagnostics: imported.error });
  const { document, notes } = imported.value;
  const name = file.replace(/^.*\//, "").replace(/\.\w+$/, "");
  const compiled = await compileDocument(document, { name, allowMissingParams: true }, async () => noSourceMap(file));
  if (!compiled.ok) return err({ kind: "invalid", diagnostics: compiled.error });
  return ok({ plan: compiled.value.plan, document, notes });
}
