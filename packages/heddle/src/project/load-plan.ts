/** Plan loader: reads the named file and has it parsed and validated. Imports a module only if the plan is one. */
import { importModule } from "../files/import-module.ts";
import { readFileSync, statSync, type Stats } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { defined } from "../base/defined.ts";
import { messageOf, systemCode, type Problem } from "../base/errors.ts";
import type { JsonObject } from "../base/json.ts";
import { err, ok, type Result } from "../base/result.ts";
import { type NotUtf8, textOfUtf8 } from "../base/utf8.ts";
import { compileParsed, resolvePlan } from "../graph/compile.ts";
import type { Subplan, SubplanCall } from "../engine/ports.ts";
import type { PlanDefinition } from "../plan/define.ts";
import type { Diagnostic } from "../plan/diagnostic.ts";
import { LIMITS } from "../plan/limits.ts";
import { type ParsedDocument, parseDocument } from "../plan/parse.ts";
import { NO_FUNCTIONS, type Plan, type Step } from "../plan/plan.ts";
import type { LoadedPlan } from "../graph/loaded-plan.ts";
import { noSourceMap } from "../plan/source-map.ts";
import type { RootPlan } from "./plan-ancestry.ts";
import { isPlanModule } from "./find-plan.ts";
import { isInsideFolder } from "./inside-folder.ts";
import { documentHash } from "./plan-content.ts";

export interface LoadOptions {
  /** Parameters without a value are not an error: the plan is inspected, not run. */
  readonly allowMissingParams?: boolean;
  /** Absolute: what `file` is relative to; default: the current folder. */
  readonly folder?: string;
  /** Plan files that steps name and that cannot be read are no errors: the run may have read them already. */
  readonly allowMissingFiles?: boolean;
  /** Absolute: plan files that steps name outside of this folder are not read, and what is wrong with them is not said. */
  readonly within?: string;
}

/** `file` as the reader named it: it stands in every message. */
export async function loadPlanFile(
  file: string,
  params: JsonObject,
  options: LoadOptions = {},
): Promise<Result<LoadedPlan, readonly Diagnostic[]>> {
  return isPlanModule(file) ? loadModule(file, params, options) : loadText(file, params, options);
}

async function loadText(
  file: string,
  params: JsonObject,
  { folder = "", allowMissingFiles, within, ...options }: LoadOptions,
): Promise<Result<LoadedPlan, readonly Diagnostic[]>> {
  const path = resolve(folder, file);
  const parsed = await parsePlanFile(file, path);
  if (!parsed.ok) return parsed;
  const loaded = await loadParsed(parsed.value, { file, path, params, allowMissingFiles, within, ...options });
  return loaded.ok ? ok({ ...loaded.value, file: path }) : loaded;
}

/** A plan that is given as data, or as the text of a plan file, and is in no file. The files that it names are relative to `folder`. */
export async function loadPlanDocument(
  document: JsonObject | string,
  params: JsonObject,
  { folder = "", allowMissingFiles, within, ...options }: LoadOptions = {},
): Promise<Result<LoadedPlan, readonly Diagnostic[]>> {
  const text = typeof document === "string" ? document : JSON.stringify(document, undefined, 2);
  const file = isJsonText(text) ? "plan.json" : "plan.yaml";
  const parsed = await parseDocument({ text, file });
  if (!parsed.ok) return parsed;
  return loadParsed(parsed.value, { file, path: resolve(folder, file), params, allowMissingFiles, within, ...options });
}

/** As YAML it is read too, in ten times the time. */
function isJsonText(text: string): boolean {
  try {
    return /^\s*\{/.test(text) && JSON.parse(text) !== undefined;
  } catch {
    return false;
  }
}

async function loadParsed(
  parsed: ParsedDocument,
  {
    path,
    allowMissingFiles,
    within,
    ...options
  }: Pick<LoadOptions, "allowMissingParams"> & {
    readonly allowMissingFiles: boolean | undefined;
    readonly within: string | undefined;
    readonly file: string;
    readonly path: string;
    readonly params: JsonObject;
  },
): Promise<Result<LoadedPlan, readonly Diagnostic[]>> {
  const compiled = await compileParsed(parsed, options);
  if (!compiled.ok) return compiled;
  const loaded = { ...compiled.value, functions: NO_FUNCTIONS };
  if (!namesPlanFiles(loaded.plan)) return ok(loaded);
  const { planFilesIn } = await import("./plan-ancestry.ts");
  const { document } = parsed;
  const root = { file: options.file, path, source: await parsed.source() };
  return withSubplanFiles(loaded, { ...root, uses: planFilesIn(document), document }, { allowMissingFiles, within });
}

/** The plan, if the files that its steps name can be parts of a run of it. */
async function withSubplanFiles(
  loaded: LoadedPlan,
  { document, ...root }: RootPlan & { readonly document: unknown },
  {
    allowMissingFiles: allowMissing = false,
    within,
  }: { readonly [Name in "allowMissingFiles" | "within"]: LoadOptions[Name] | undefined },
): Promise<Result<LoadedPlan, readonly Diagnostic[]>> {
  const { ancestryErrors } = await import("./plan-ancestry.ts");
  const { subplanFileErrors } = await import("./subplan-files.ts");
  const { file, path, source } = root;
  const { plan } = loaded;
  const mayRead = (each: string): boolean => within === undefined || isInsideFolder(within, each);
  const errors = [
    ...(await ancestryErrors(root, mayRead)),
    ...(await subplanFileErrors({ plan, file, path, source, document, read: parsePlanFile, allowMissing, mayRead })),
  ];
  return errors.length === 0 ? ok(loaded) : err(errors);
}

async function parsePlanFile(file: string, path: string): Promise<Result<ParsedDocument, readonly Diagnostic[]>> {
  const strange = notAFile(file, path);
  if (strange !== undefined) return err([strange]);
  let bytes: Buffer;
  try {
    // At once: one small file, and loading the promises of the file system takes longer than reading it.
    bytes = readFileSync(path);
  } catch (thrown) {
    return err([unreadable(file, thrown)]);
  }
  const text = textOfUtf8(bytes);
  if (!text.ok) return err([notText(file, text.error)]);
  return parseDocument({ text: text.value, file });
}

function namesPlanFiles({ steps }: Plan): boolean {
  return steps.some(
    ({ action }) => action.kind === "plan" && (action.plan === undefined || namesPlanFiles(action.plan)),
  );
}

async function loadModule(
  file: string,
  params: JsonObject,
  { folder = "", allowMissingFiles, within, ...options }: LoadOptions,
): Promise<Result<LoadedPlan, readonly Diagnostic[]>> {
  const path = resolve(folder, file);
  const strange = notAFile(file, path);
  if (strange !== undefined) return err([strange]);
  let exported: unknown;
  try {
    const module: unknown = await importModule(path);
    exported = isObject(module) ? module["default"] : undefined;
  } catch (thrown) {
    const message = `cannot load the plan's module: ${messageOf(thrown)}`;
    return err([problemAt(file, "PlanModuleFailed", message, moduleHint(file, thrown))]);
  }
  // Only plans that are modules need it.
  const { isPlanDefinition } = await import("../plan/define.ts");
  if (!isPlanDefinition(exported)) {
    const hint = 'Write `export default plan("name", { steps: [...] })`.';
    return err([problemAt(file, "NoPlanExported", "the default export of the module is not a plan", hint)]);
  }
  const compiled = await resolvePlan(exported, params, options);
  if (!compiled.ok) return compiled;
  const loaded = { ...compiled.value, file: path };
  if (!namesPlanFiles(loaded.plan)) return ok(loaded);
  const { planFilesOf } = await import("./plan-ancestry.ts");
  const root = { file, path, source: noSourceMap(file), uses: planFilesOf(loaded.plan), document: undefined };
  return withSubplanFiles(loaded, root, { allowMissingFiles, within });
}

function moduleHint(file: string, thrown: unknown): string {
  if (systemCode(thrown) === "ERR_MODULE_NOT_FOUND") return "Check the file's name and its imports.";
  // `npm init` writes "type": "commonjs".
  if (/outside a module|Unexpected token 'export'/.test(messageOf(thrown)))
    return `Name it ${file.replace(/\.([jt]s)$/, ".m$1")}, or write "type": "module" into package.json.`;
  return "Run it with node to see the whole error.";
}

/** A plan made by code. The files that its steps name are checked by {@link checkPlanFiles}, once its folder is known. */
export function loadDefinition(
  definition: PlanDefinition,
  params: JsonObject | undefined,
): Promise<Result<LoadedPlan, readonly Diagnostic[]>> {
  return resolvePlan(definition, params);
}

/** A plan made by code, if the files that its steps name can be parts of a run of it in this folder. */
export async function checkPlanFiles(
  loaded: LoadedPlan,
  folder: string,
  { allowMissingFiles = false }: Pick<LoadOptions, "allowMissingFiles"> = {},
): Promise<Result<LoadedPlan, readonly Diagnostic[]>> {
  const { plan, file } = loaded;
  if (file !== undefined || !namesPlanFiles(plan)) return ok(loaded);
  const { planFilesOf } = await import("./plan-ancestry.ts");
  // It stands in no file: its errors have its name.
  const root = { file: plan.name, path: resolve(folder, `plan ${plan.name}`), source: noSourceMap(plan.name) };
  return withSubplanFiles(
    loaded,
    { ...root, uses: planFilesOf(plan), document: undefined },
    { allowMissingFiles, within: undefined },
  );
}

/** Pipes and devices are not waited for: the file has to be there when the run is resumed. */
function notAFile(file: string, path: string): Diagnostic | undefined {
  const stats = statsOf(path);
  if (stats === undefined || stats.isDirectory()) return undefined;
  const hint = "Write the plan to a file and name that file.";
  if (!stats.isFile())
    return problemAt(file, "PlanUnreadable", "this is a pipe, a socket or a device, not a file", hint);
  if (stats.size <= LIMITS.bytes) return undefined;
  const most = `the plan file is larger than ${LIMITS.bytes / 1024 / 1024} MiB`;
  return problemAt(file, "PlanTooLarge", most, "Split the plan with `plan:` steps.");
}

function statsOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function unreadable(file: string, thrown: unknown): Diagnostic {
  switch (systemCode(thrown)) {
    case "ENOENT":
      return problemAt(
        file,
        "PlanNotFound",
        "the file does not exist",
        "Name a plan file, or create one with `heddle init`.",
      );
    case "EISDIR":
      return problemAt(
        file,
        "PlanNotFound",
        "this is a folder",
        "Name the plan file in it, or use `-C` with this folder.",
      );
    case "EACCES":
      return problemAt(file, "PlanUnreadable", "no permission to read the file", "Change its permissions.");
    default:
      return problemAt(
        file,
        "PlanUnreadable",
        `cannot read the file: ${messageOf(thrown)}`,
        "Check the file and its disk.",
      );
  }
}

function notText(file: string, { message, line, column }: NotUtf8): Diagnostic {
  const code = file.endsWith(".json") ? "InvalidJson" : "InvalidYaml";
  const problem = problemAt(file, code, `the file ${message}`, "Save it as UTF-8.");
  return { ...problem, line, column };
}

function problemAt(file: string, code: string, message: string, hint: string): Diagnostic {
  return { code, severity: "error", message, file, line: 1, column: 1, hint };
}

/** Where the run of a subplan stands. */
export interface SubplanPlace {
  /** Absolute: what paths of the run's plan are relative to. */
  readonly folder: string;
  /** Absolute: the run's own plan file. */
  readonly root?: string;
}

/** The plan behind a `plan: FILE` step, with the module and plan paths in it relative to the run's folder instead of to its own. */
export async function loadSubplanFile(
  { folder, root }: SubplanPlace,
  { file, params, within = [], pools }: SubplanCall,
): Promise<Result<Subplan, Problem>> {
  const path = resolve(folder, file);
  const { isSameFile, selfContained } = await import("./plan-ancestry.ts");
  const ancestors = [...(root === undefined ? [] : [root]), ...within.map((each) => resolve(folder, each))];
  if (ancestors.some((each) => isSameFile(each, path)))
    return err(selfContained([...ancestors, path].map((each) => relative(folder, each))));
  const unusable = (errors: readonly Diagnostic[]): Result<never, Problem> => {
    const texts = errors.map(({ line, column, message }) => `${file}:${line}:${column}: ${message}`);
    return err({ code: "SubplanInvalid", message: `the plan ${file} cannot be used: ${texts.join("; ")}` });
  };
  const parsed = await parsePlanFile(path, path);
  if (!parsed.ok) return unusable(parsed.error);
  // Its agents are those of the run, which looks at the steps when they join it.
  const compiled = await compileParsed(parsed.value, {
    file: path,
    params,
    agents: "unknown",
    paramsFromPlan: true,
    inside: defined({ pools }),
  });
  if (!compiled.ok) return unusable(compiled.error);
  const { plan } = compiled.value;
  const own = dirname(path);
  const content = documentHash(parsed.value.document);
  return ok({ plan: { ...plan, steps: plan.steps.map((step) => rebase(step, own, folder)) }, content });
}

function rebase(step: Step, from: string, to: string): Step {
  const moved = (path: string): string => `./${relative(to, resolve(from, path))}`;
  const { action } = step;
  if (action.kind === "call") return { ...step, action: { ...action, module: moved(action.module) } };
  if (action.kind !== "plan") return step;
  const { file, plan } = action;
  if (file !== undefined) return { ...step, action: { ...action, file: moved(file) } };
  if (plan === undefined) return step;
  return { ...step, action: { ...action, plan: { ...plan, steps: plan.steps.map((each) => rebase(each, from, to)) } } };
}
