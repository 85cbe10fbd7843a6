/**
 * Plan import: converts files of other tools to plan documents. Recognises a file by its name and by what it holds; what
 * each kind means is in a file of its own. Reads no disk: the other files of a workspace are handed in.
 */
import { err, ok, type Result } from "../../base/result.ts";
import type { JsonObject } from "../../base/json.ts";
import type { Diagnostic, SourceMap } from "../diagnostic.ts";
import type { DraftPlan } from "./draft.ts";
import { Findings, type ImportNote } from "./findings.ts";
import { importScripts } from "./package-scripts.ts";
import { besideRoot, readWorkspace, type WorkspaceFiles } from "./packages.ts";
import { memberOf, readSource, type Source, type SourceNode, withoutComments } from "./source.ts";
import type { RestingState } from "./states.ts";
import { importPhases, importTasks, taskLists } from "./tasks.ts";
import { importTurbo } from "./turbo-tasks.ts";
import { importWorkflow } from "./workflow.ts";

export type ImportForm = "tasks" | "phases" | "turbo" | "scripts" | "workflow";

export interface ImportInput {
  readonly text: string;
  /** As the user named it: it is in every message. */
  readonly file: string;
  /** Absent: there are no other files. */
  readonly beside?: WorkspaceFiles;
}

export interface ImportOptions {
  /** Of the tasks to be imported; absent: those without a tag, or of `master`. */
  readonly tag?: string;
  /** What cannot be imported is a note, not an error; default: false. */
  readonly lenient?: boolean;
  /** States whose tasks are imported as work; default: none. */
  readonly include?: readonly RestingState[];
}

export interface ImportedPlan {
  /** A document to be validated like a file's. */
  readonly document: JsonObject;
  readonly form: ImportForm;
  /** What was left out or changed, with positions. */
  readonly notes: readonly ImportNote[];
  /** What came in and what came out, in one sentence. */
  readonly summary: string;
  /** Positions of the document's parts in the file. */
  readonly sourceMap: SourceMap;
}

/** A plan in the making, and the file that its positions are in. */
interface Recognised {
  readonly form: ImportForm;
  readonly plan: DraftPlan;
  readonly summary: string;
  readonly source: Source;
}

const TURBO_FILES = ["turbo.json", "turbo.jsonc"];

export async function importPlan(
  input: ImportInput,
  options: ImportOptions = {},
): Promise<Result<ImportedPlan, readonly Diagnostic[]>> {
  const { text, file } = input;
  const read = isTurboFile(file) ? await readTurbo(text, file) : await readSource({ text, file });
  if (!read.ok) return read;
  const source = read.value;
  const findings = Findings.of(source, options.lenient === true);
  const imported = await importSource(source, input.beside ?? NO_FILES, options, findings);
  if (imported === undefined || findings.errors.length > 0) return err(findings.errors);
  const { plan, summary, form } = imported;
  const sourceMap = plan.sourceMap(imported.source);
  return ok({ document: plan.document, form, notes: findings.notes, summary, sourceMap });
}

async function importSource(
  source: Source,
  beside: WorkspaceFiles,
  options: ImportOptions,
  findings: Findings,
): Promise<Recognised | undefined> {
  const { root, file } = source;
  const include = new Set(options.include);
  const tasks = options.tag === undefined ? { include } : { include, tag: options.tag };
  const lists = isTurboFile(file) ? [] : taskLists(root);
  if (lists.length > 0) {
    const draft = importTasks(source, lists, tasks, findings);
    return draft === undefined ? undefined : { ...draft, form: "tasks", source };
  }
  if (options.tag !== undefined) {
    findings.error(root, { code: "UnknownTag", message: "the file has no tags", hint: "leave out --tag" });
    return undefined;
  }
  if (root.kind === "mapping" && memberOf(root, "phases")?.kind === "list") {
    const draft = importPhases(root, tasks, findings);
    return draft === undefined ? undefined : { ...draft, form: "phases", source };
  }
  if (root.kind === "mapping" && memberOf(root, "jobs")?.kind === "mapping") {
    return { ...importWorkflow(root, findings), form: "workflow", source };
  }
  if (isTurbo(source)) return importTurboFile(source, beside, findings);
  if (isPackage(source)) return importPackage(source, beside, findings);
  sayUnknown(source, findings);
  return undefined;
}

function nameOf(file: string): string {
  return file.slice(file.lastIndexOf("/") + 1);
}

function isTurboFile(file: string): boolean {
  return TURBO_FILES.includes(nameOf(file));
}

function isTurbo({ file, root }: Source): boolean {
  const list = memberOf(root, "tasks") ?? memberOf(root, "pipeline");
  return isTurboFile(file) || list?.kind === "mapping";
}

function isPackage({ file, root }: Source): boolean {
  return nameOf(file) === "package.json" || memberOf(root, "scripts")?.kind === "mapping";
}

function readTurbo(text: string, file: string): Promise<Result<Source, readonly Diagnostic[]>> {
  return readSource({ text: withoutComments(text), file, format: "json" });
}

async function importTurboFile(
  turbo: Source,
  beside: WorkspaceFiles,
  findings: Findings,
): Promise<Recognised | undefined> {
  const text = await beside.read("package.json");
  const file = besideRoot(turbo, "package.json");
  if (text === undefined) {
    const message = `there is no ${file}: it names the packages and the scripts`;
    const hint = "import the turbo.json of a repository";
    findings.error(turbo.root, { code: "UnknownForm", message, hint });
    return undefined;
  }
  const read = await readSource({ text, file });
  if (read.ok) return importRepository({ root: read.value, turbo }, beside, findings);
  findings.addErrors(read.error);
  return undefined;
}

async function importPackage(
  root: Source,
  beside: WorkspaceFiles,
  findings: Findings,
): Promise<Recognised | undefined> {
  for (const name of TURBO_FILES) {
    const text = await beside.read(name);
    if (text === undefined) continue;
    const turbo = await readTurbo(text, besideRoot(root, name));
    if (turbo.ok) return importRepository({ root, turbo: turbo.value }, beside, findings);
    findings.addErrors(turbo.error);
    return undefined;
  }
  return importRepository({ root }, beside, findings);
}

interface Repository {
  /** Its package.json. */
  readonly root: Source;
  /** Its turbo.json. */
  readonly turbo?: Source;
}

async function importRepository(
  { root, turbo }: Repository,
  beside: WorkspaceFiles,
  findings: Findings,
): Promise<Recognised | undefined> {
  const inRoot = findings.in(root);
  const workspace = await readWorkspace(root, beside, inRoot);
  if (!workspace.ok) {
    findings.addErrors(workspace.error);
    return undefined;
  }
  if (turbo === undefined) return { ...importScripts(workspace.value, inRoot), form: "scripts", source: root };
  const members = new Map<string, Source>();
  for (const { name, folder } of workspace.value.members) {
    for (const file of TURBO_FILES) {
      const path = `${folder}/${file}`;
      const text = await beside.read(path);
      if (text === undefined) continue;
      const read = await readTurbo(text, besideRoot(root, path));
      if (read.ok) members.set(name, read.value);
      else findings.addErrors(read.error);
    }
  }
  return {
    ...importTurbo(workspace.value, { root: turbo, members }, findings.in(turbo)),
    form: "turbo",
    source: turbo,
  };
}

const NO_FILES: WorkspaceFiles = {
  read: () => Promise.resolve(undefined),
  has: () => Promise.resolve(false),
  folders: () => Promise.resolve([]),
};

function sayUnknown({ root }: Source, findings: Findings): void {
  for (const key of ["tasks", "phases"]) {
    const value = memberOf(root, key);
    if (value === undefined || value.kind === "list") continue;
    findings.error(value, { code: "UnknownForm", message: `\`${key}\`: expected a list`, hint: "write a list" });
    return;
  }
  if (isCompose(root)) {
    const message =
      "this is a file of docker compose: services run until they are stopped, and the steps of a plan end";
    const hint = "start them in a step: run: docker compose up --detach --wait";
    findings.error(root, { code: "UnsupportedForm", message, hint });
    return;
  }
  const isPlan = root.kind === "list" || memberOf(root, "steps")?.kind === "list";
  const message = isPlan ? "this is a plan already, not a file of another tool" : "no tool's file has this form";
  const hint = isPlan
    ? "`heddle plan` shows it, `heddle plan --to yaml` prints its canonical form"
    : "import reads lists of `tasks` or `phases`, package.json, turbo.json, and workflows of GitHub Actions";
  findings.error(root, { code: "UnknownForm", message, hint });
}

function isCompose(root: SourceNode): boolean {
  const services = memberOf(root, "services");
  if (services?.kind !== "mapping") return false;
  return [...services.entries.values()].some(({ value }) => ["image", "build"].some((key) => memberOf(value, key)));
}
