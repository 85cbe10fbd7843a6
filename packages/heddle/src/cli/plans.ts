/** Plan loading for commands: finds the file, loads it, and prints its errors. */
import { promises } from "node:fs";
import { basename } from "node:path";
import type { JsonObject } from "../base/json.ts";
import { err, ok, type Result } from "../base/result.ts";
import { shellWord } from "../base/shell-word.ts";
import { suggest } from "../base/suggest.ts";
import { findPlanFile, isPlanModule, noPlan, PLAN_FILES } from "../project/find-plan.ts";
import { loadPlanFile } from "../project/load-plan.ts";
import type { Diagnostic } from "../plan/diagnostic.ts";
import { LIMITS } from "../plan/limits.ts";
import { EXIT, fail, type Context } from "./context.ts";
import type { Flags } from "./spec.ts";
import { outputModeOf } from "./output-mode.ts";
import { safeText } from "../base/safe-text.ts";
import type { LoadedPlan } from "../project/port.ts";
import type { RerunRefusal } from "../project/rerun.ts";

/** Loads the named plan or the folder's own; what is wrong with it is printed, and the error is the exit code. */
export async function loadPlan(
  context: Context,
  named: string | undefined,
  params: JsonObject,
  options: { readonly allowMissingParams?: boolean; readonly flags?: Flags } = {},
): Promise<Result<LoadedPlan, number>> {
  const file = named ?? findPlanFile(context.dir);
  if (file === undefined) {
    const { code, message, hint = "" } = noPlan(context.dir);
    const place = { file: PLAN_FILES[0], line: 1, column: 1 };
    context.out.problem(
      { code, message, hint },
      { diagnostics: [{ code, message, hint, severity: "error", ...place }] },
    );
    return err(2);
  }
  const loaded = await loadPlanFile(file, params, options);
  if (loaded.ok) return ok(loaded.value);
  await reportDiagnostics(context, file, await withStepHint(context, named, loaded.error), options.flags);
  return err(2);
}

/** Who names a step where a plan's file is wanted is told so. */
async function withStepHint(
  { dir }: Context,
  named: string | undefined,
  problems: readonly Diagnostic[],
): Promise<readonly Diagnostic[]> {
  const [first] = problems;
  const file = findPlanFile(dir);
  if (named === undefined || first?.code !== "PlanNotFound" || first.file !== named) return problems;
  if (file === undefined || isPlanModule(file)) return problems;
  const own = await loadPlanFile(file, {}, { allowMissingParams: true });
  if (!own.ok) return problems;
  const ids = own.value.plan.steps.map(({ id }) => id);
  const meant = ids.includes(named) ? named : suggest(named, ids);
  if (meant === undefined) return problems;
  const command = `\`heddle run --only ${shellWord(meant)}\``;
  const hint =
    meant === named
      ? `${named} is a step of ${file}: ${command} runs it.`
      : `Did you mean the step ${meant} of ${file}: ${command}?`;
  return [{ ...first, hint }, ...problems.slice(1)];
}

/** Prints warnings of a valid plan to standard error. */
export async function noteWarnings(
  context: Context,
  { file = "", warnings = [] }: LoadedPlan,
  flags: Flags = {},
): Promise<void> {
  if (warnings.length === 0) return;
  const { formatDiagnostics } = await import("../plan/render.ts");
  context.out.note(safeText(formatDiagnostics(warnings, await linesToShow(file))));
  await annotate(context, warnings, flags);
}

/** Where GitHub shows a run's output, what is wrong with a plan is shown in its lines too. */
async function annotate(context: Context, diagnostics: readonly Diagnostic[], flags: Flags): Promise<void> {
  if (context.json || outputModeOf(context, flags) !== "github") return;
  const { annotatedFile, annotation } = await import("./workflow-commands.ts");
  for (const { severity, code, message, hint, file, line, column } of diagnostics) {
    const place = { title: code, file: annotatedFile(context, file), line, column };
    context.out.note(annotation(severity, place, hint === undefined ? message : `${message}\n${hint}`));
  }
}

/**
 * The readable form on standard error, with `--json` the list on standard output. `file`: where the lines of the plan are, for those
 * that are of this file.
 */
export async function reportDiagnostics(
  context: Context,
  file: string,
  diagnostics: readonly Diagnostic[],
  flags: Flags = {},
): Promise<void> {
  const { formatDiagnostics } = await import("../plan/render.ts");
  const files = new Set(diagnostics.map((one) => one.file));
  for (const each of files) {
    // One may be of a plan file that the plan names.
    const text = await linesToShow(basename(each) === basename(file) ? file : each);
    const own = diagnostics.filter((one) => one.file === each);
    context.out.note(safeText(formatDiagnostics(own, text)));
  }
  await annotate(context, diagnostics, flags);
  if (context.json) context.out.json({ diagnostics });
}

/** The text of a plan file; a module's, a pipe's or a huge file's is not looked at. */
async function linesToShow(file: string): Promise<string | undefined> {
  if (isPlanModule(file)) return undefined;
  const stats = await promises.stat(file).catch(() => undefined);
  if (stats === undefined || !stats.isFile() || stats.size > LIMITS.bytes) return undefined;
  return promises.readFile(file, "utf8").catch(() => undefined);
}

/** Returns the exit code. */
export async function reportRefusal(context: Context, refusal: RerunRefusal): Promise<number> {
  switch (refusal.kind) {
    case "plan":
      await reportDiagnostics(context, refusal.file, refusal.diagnostics);
      return EXIT.usage;
    case "unfit":
      return fail(context, refusal.problem);
    default:
      return fail(context, refusal.problem, EXIT.failed);
  }
}
