/**
 * Plan import: converts files of other tools to plan documents. Recognises a file by what it holds; what each kind means
 * is in a file of its own. Reads no disk: other files of a workspace are handed in.
 */
import { err, ok, type Result } from "../../base/result.ts";
import type { JsonObject } from "../../base/json.ts";
import type { Diagnostic, SourceMap } from "../diagnostic.ts";
import { Findings, type ImportNote } from "./findings.ts";
import type { RestingState } from "./states.ts";
import { memberOf, readSource, type Source } from "./source.ts";
import { type ImportDraft, importPhases, importTasks, taskLists } from "./tasks.ts";

export type ImportForm = "tasks" | "phases";

export interface ImportInput {
  readonly text: string;
  /** As the user named it: it is in every message. */
  readonly file: string;
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

export async function importPlan(
  input: ImportInput,
  options: ImportOptions = {},
): Promise<Result<ImportedPlan, readonly Diagnostic[]>> {
  const read = await readSource(input);
  if (!read.ok) return read;
  const source = read.value;
  const findings = Findings.of(source, options.lenient === true);
  const imported = importSource(source, options, findings);
  if (imported === undefined || findings.errors.length > 0) return err(findings.errors);
  const { plan, summary, form } = imported;
  return ok({
    document: plan.document,
    form,
    notes: findings.notes,
    summary,
    sourceMap: plan.sourceMap(source),
  });
}

interface Recognised extends ImportDraft {
  readonly form: ImportForm;
}

function importSource(source: Source, options: ImportOptions, findings: Findings): Recognised | undefined {
  const { root } = source;
  const include = new Set(options.include);
  const tasks = options.tag === undefined ? { include } : { include, tag: options.tag };
  const lists = taskLists(root);
  if (lists.length > 0) return named("tasks", importTasks(source, lists, tasks, findings));
  if (options.tag !== undefined) {
    findings.error(root, { code: "UnknownTag", message: "the file has no tags", hint: "leave out --tag" });
    return undefined;
  }
  if (root.kind === "mapping" && memberOf(root, "phases")?.kind === "list")
    return named("phases", importPhases(root, tasks, findings));
  sayUnknown(source, findings);
  return undefined;
}

function named(form: ImportForm, draft: ImportDraft | undefined): Recognised | undefined {
  return draft === undefined ? undefined : { ...draft, form };
}

/** Keys of a plan's list, and of lists that are imported. */
const LISTS = ["tasks", "phases"];

function sayUnknown({ root }: Source, findings: Findings): void {
  for (const key of LISTS) {
    const value = memberOf(root, key);
    if (value === undefined || value.kind === "list") continue;
    findings.error(value, { code: "UnknownForm", message: `\`${key}\`: expected a list`, hint: "write a list" });
    return;
  }
  const isPlan = root.kind === "list" || memberOf(root, "steps")?.kind === "list";
  const message = isPlan ? "this is a plan already, not a file of another tool" : "no tool's file has this form";
  const hint = isPlan
    ? "`heddle plan` shows it, `heddle plan --to yaml` prints its canonical form"
    : "import reads lists of `tasks` or `phases`";
  findings.error(root, { code: "UnknownForm", message, hint });
}
