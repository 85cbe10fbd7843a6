/**
 * Plan import: converts files of other tools to plan documents: lists of tasks with subtasks (`tasks.json`) and lists of
 * phases (`phase_plan.yaml`). Tasks that are done are skipped, with a note.
 */
import { defined } from "../base/defined.ts";
import { isJsonObject, type Json, type JsonObject } from "../base/json.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { Diagnostic } from "./diagnostic.ts";
import { parseDocument, type PlanText } from "./parse.ts";

export interface ImportedPlan {
  /** A document to be validated like a file's. */
  readonly document: JsonObject;
  readonly form: "tasks" | "phases";
  /** What was left out or changed, for people. */
  readonly notes: readonly string[];
}

export async function importPlan(input: PlanText): Promise<Result<ImportedPlan, readonly Diagnostic[]>> {
  const parsed = await parseDocument(input);
  if (!parsed.ok) return parsed;
  const { document } = parsed.value;
  const tasks = tasksIn(document);
  if (tasks !== undefined) return ok(fromTasks(tasks));
  if (isJsonObject(document) && Array.isArray(document["phases"])) return ok(fromPhases(document["phases"]));
  const hint = "expected a list `tasks` or a list `phases`";
  return err([
    {
      code: "UnknownForm",
      severity: "error",
      message: "found no list of tasks and no list of phases",
      file: input.file,
      line: 1,
      column: 1,
      hint,
    },
  ]);
}

/** The list may be at the top, or under the name of a tag. */
function tasksIn(document: unknown): readonly JsonObject[] | undefined {
  if (!isJsonObject(document)) return undefined;
  for (const holder of [document, document["master"], ...Object.values(document)]) {
    if (isJsonObject(holder) && Array.isArray(holder["tasks"])) return objects(holder["tasks"]);
  }
  return undefined;
}

/** States in which nothing is left to do. */
const OVER = new Set(["done", "completed", "cancelled", "canceled"]);

const PRIORITIES: Readonly<Record<string, number>> = { critical: 3, high: 2, medium: 1, low: 0 };

function fromTasks(tasks: readonly JsonObject[]): ImportedPlan {
  const notes: string[] = [];
  const open = tasks.filter((task) => !isOver(task, notes));
  const openIds = new Set(open.map(idOf));
  // A step that depends on a task with subtasks depends on all of them.
  const endsOf = new Map(open.map((task) => [idOf(task), endIds(task)]));
  const steps = open.flatMap((task) => {
    const outer = ids(task["dependencies"]).flatMap((id) => (openIds.has(id) ? (endsOf.get(id) ?? []) : []));
    const parts = openParts(task);
    if (parts.length === 0) return [taskStep(task, idOf(task), outer)];
    const taskId = idOf(task);
    const partIds = new Set(parts.map(idOf));
    return parts.map((part) => {
      const inner = ids(part["dependencies"])
        .map((id) => (id.startsWith(`${taskId}.`) ? id.slice(taskId.length + 1) : id))
        .filter((id) => partIds.has(id))
        .map((id) => `${taskId}.${id}`);
      return { ...taskStep(part, `${taskId}.${idOf(part)}`, [...inner, ...outer]), group: taskId };
    });
  });
  return { document: { steps }, form: "tasks", notes };
}

function openParts(task: JsonObject): readonly JsonObject[] {
  return objects(task["subtasks"]).filter((part) => !isOver(part, []));
}

function endIds(task: JsonObject): readonly string[] {
  const parts = openParts(task);
  return parts.length === 0 ? [idOf(task)] : parts.map((part) => `${idOf(task)}.${idOf(part)}`);
}

function taskStep(task: JsonObject, id: string, deps: readonly string[]): JsonObject {
  const title = textOf(task["title"]);
  const parts = [title, textOf(task["description"]), textOf(task["details"])].filter((part) => part !== undefined);
  const test = textOf(task["testStrategy"]);
  const priority = PRIORITIES[textOf(task["priority"]) ?? ""];
  return defined({
    id,
    description: title,
    acceptance: test === undefined ? undefined : [test],
    agent: [...parts, ...(test === undefined ? [] : [`How it is tested: ${test}`])].join("\n\n") || `Task ${id}`,
    deps: deps.length === 0 ? undefined : [...new Set(deps)],
    priority: priority === undefined || priority === 0 ? undefined : priority,
  });
}

function fromPhases(list: readonly Json[]): ImportedPlan {
  const notes: string[] = [];
  const phases = objects(list);
  const open = phases.filter((phase) => !isOver(phase, notes));
  const over = new Set(phases.filter((phase) => !open.includes(phase)).map(idOf));
  const steps = open.map((phase): JsonObject => {
    const deps = ids(phase["deps"]).filter((id) => !over.has(id));
    const name = textOf(phase["name"]);
    const description = textOf(phase["description"]);
    const acceptance = objectsOrTexts(phase["acceptance_criteria"]);
    const verify = textOf(phase["test_command"]);
    const label = textOf(phase["parallel_group"]);
    return defined({
      id: idOf(phase),
      description: [name, description].filter((part) => part !== undefined).join(": ") || idOf(phase),
      acceptance: acceptance.length === 0 ? undefined : acceptance,
      deps: deps.length === 0 ? undefined : deps,
      // Phases of one parallel group run side by side; our groups share a worktree and take turns.
      labels: label === undefined ? undefined : [label],
      verify,
    });
  });
  return { document: { steps }, form: "phases", notes };
}

function isOver(entry: JsonObject, notes: string[]): boolean {
  const status = textOf(entry["status"]);
  if (status === undefined || !OVER.has(status)) return false;
  notes.push(`${idOf(entry)} is ${status} and was skipped`);
  return true;
}

function idOf(entry: JsonObject): string {
  const { id } = entry;
  // Names of other tools may hold what our ids cannot.
  return String(typeof id === "string" || typeof id === "number" ? id : "")
    .replace(/[^A-Za-z0-9._/-]+/g, "-")
    .slice(0, 90);
}

function ids(value: Json | undefined): readonly string[] {
  return Array.isArray(value) ? value.map((id: Json) => idOf({ id })) : [];
}

function objects(value: Json | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

function objectsOrTexts(value: Json | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((entry: Json): entry is string => typeof entry === "string") : [];
}

function textOf(value: Json | undefined): string | undefined {
  return typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;
}
