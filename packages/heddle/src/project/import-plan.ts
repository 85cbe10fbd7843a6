/** Plan import: reads a file of another tool, converts it and checks the result. Runs nothing. */
import { readFile, stat } from "node:fs/promises";
import { messageOf, type Problem } from "../base/errors.ts";
import { err, ok, type Result } from "../base/result.ts";
import { textOfUtf8 } from "../base/utf8.ts";
import { compileDocument } from "../graph/compile.ts";
import type { Diagnostic } from "../plan/diagnostic.ts";
import type { ImportNote } from "../plan/import/findings.ts";
import { importPlan, type ImportOptions } from "../plan/import/plan-import.ts";
import type { Plan } from "../plan/plan.ts";
import { workspaceFiles } from "./workspace-files.ts";

export interface ImportedFile {
  readonly plan: Plan;
  /** The plan as heddle's files say it. */
  readonly document: unknown;
  /** What was not taken over as it was, each with its position. */
  readonly notes: readonly ImportNote[];
  /** What came in and what came out: a sentence for people. */
  readonly summary: string;
}

export type ImportRefusal =
  | { readonly kind: "unreadable"; readonly problem: Problem }
  | { readonly kind: "invalid"; readonly diagnostics: readonly Diagnostic[] };

/** `file`: relative to the current folder, or absolute. */
export async function importPlanFile(
  file: string,
  options: ImportOptions = {},
): Promise<Result<ImportedFile, ImportRefusal>> {
  const read = await readText(file);
  if (!read.ok) return err({ kind: "unreadable", problem: read.error });
  const text = read.value;
  const imported = await importPlan({ text, file, beside: workspaceFiles(file) }, options);
  if (!imported.ok) return err({ kind: "invalid", diagnostics: imported.error });
  const { document, notes, summary, sourceMap } = imported.value;
  const name = file.replace(/^.*\//, "").replace(/\.\w+$/, "");
  const compiled = await compileDocument(document, { name, allowMissingParams: true }, async () => sourceMap);
  if (!compiled.ok) return err({ kind: "invalid", diagnostics: withoutRepeats(compiled.error) });
  return ok({ plan: compiled.value.plan, document, notes, summary });
}

/** A pipe or a device is not waited for: nobody may ever write to it. */
async function readText(file: string): Promise<Result<string, Problem>> {
  try {
    const stats = await stat(file);
    if (!stats.isFile() && !stats.isDirectory()) {
      const message = `cannot read ${file}: it is a pipe, a socket or a device, not a file`;
      return err({ code: "PlanUnreadable", message, hint: "Write it to a file and name that file." });
    }
    const text = textOfUtf8(await readFile(file));
    if (text.ok) return text;
    const { line, column } = text.error;
    const message = `cannot read ${file}: it ${text.error.message} (line ${line}, column ${column})`;
    return err({ code: "PlanUnreadable", message, hint: "Save it as UTF-8." });
  } catch (thrown) {
    const message = `cannot read ${file}: ${messageOf(thrown)}`;
    return err({ code: "PlanUnreadable", message, hint: "Name a file that exists.", cause: thrown });
  }
}

/** Several steps can come from one place of the file: what is wrong with it is said once. */
function withoutRepeats(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const said = new Set<string>();
  return diagnostics.filter(({ code, message, line, column }) => {
    const key = `${line}:${column} ${code} ${message}`;
    if (said.has(key)) return false;
    said.add(key);
    return true;
  });
}
