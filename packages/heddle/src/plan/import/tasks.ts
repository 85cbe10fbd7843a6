/**
 * Task list import: files of claude-task-master and the like: `tasks` with subtasks, at the top or under tags. Phases
 * (`phase_plan.yaml`) are tasks with the keys of plans, and come the same way.
 */
import { plural } from "../../base/plural.ts";
import { shorten } from "../issues.ts";
import { SHAPES } from "../schema/plan.ts";
import { DraftPlan } from "./draft.ts";
import { EdgeResolver } from "./edges.ts";
import { EntrySteps } from "./entry-step.ts";
import { isActive, noteStates, readEntries } from "./entries.ts";
import { Findings } from "./findings.ts";
import type { RestingState } from "./states.ts";
import { isBlank, memberOf, type Source, type SourceMapping, type SourceNode } from "./source.ts";

export interface TaskOptions {
  /** Of the tasks to be imported; absent: those without a tag, or of `master`. */
  readonly tag?: string;
  readonly include: ReadonlySet<RestingState>;
}

/** What an import made of a file. */
export interface ImportDraft {
  readonly plan: DraftPlan;
  /** What came in and what came out, in one sentence. */
  readonly summary: string;
}

/** A list of tasks of a file, under a tag or none. */
export interface TaskList {
  readonly tag?: string;
  readonly place: SourceNode;
  readonly items: readonly SourceNode[];
}

/** Keys of a task, beside its texts and its place in the order, that are those of plans. */
const TASK_KEYS = new Set(["run", "agent", "call", "approve", "plan", "with", "params", "env", "cwd"]);

/** Names under which tools keep the tag that is meant where none is named. */
const DEFAULT_TAG = "master";

/** The lists of tasks in a file; nothing where it has none. */
export function taskLists(root: SourceNode): readonly TaskList[] {
  if (root.kind === "list") {
    const isTask = (item: SourceNode): boolean =>
      ["title", "status", "subtasks", "dependencies"].some((key) => memberOf(item, key) !== undefined);
    return root.items.some(isTask) ? [{ place: root, items: root.items }] : [];
  }
  if (root.kind !== "mapping") return [];
  const own = listUnder(root);
  const tagged = [...root.entries].flatMap(([tag, { value }]): readonly TaskList[] => {
    const list = value.kind === "mapping" ? listUnder(value) : undefined;
    return list === undefined ? [] : [{ tag, ...list }];
  });
  return own === undefined ? tagged : [own, ...tagged];
}

function listUnder(node: SourceMapping): TaskList | undefined {
  const value = node.entries.get("tasks")?.value;
  if (value === undefined) return undefined;
  if (isBlank(value)) return { place: value, items: [] };
  return value.kind === "list" ? { place: value, items: value.items } : undefined;
}

export function importTasks(
  source: Source,
  lists: readonly TaskList[],
  options: TaskOptions,
  findings: Findings,
): ImportDraft | undefined {
  const chosen = choose(source, lists, options, findings);
  if (chosen === undefined) return undefined;
  const others = lists.filter((list) => list !== chosen);
  for (const list of others) {
    const name = list.tag === undefined ? "the tasks without a tag" : `the tag "${shorten(list.tag)}"`;
    const way = list.tag === undefined ? "" : `; --tag ${list.tag} imports it`;
    findings.note(list.place, `left out: ${name} (${countText(source, list, options)}${way})`);
  }
  const phases = memberOf(source.root, "phases");
  if (phases?.kind === "list" && phases.items.length > 0)
    findings.loss(phases, {
      code: "UnknownForm",
      message: "the file has both `tasks` and `phases`, and one of them is imported",
      otherwise: "the phases are left out",
    });
  noteKeys(source.root, new Set(["tasks", ...lists.flatMap(({ tag }) => tag ?? [])]), findings);
  if (chosen.tag !== undefined) noteKeys(memberOf(source.root, chosen.tag), new Set(["tasks"]), findings);
  let idsByTag: readonly (readonly [tag: string, ids: ReadonlySet<string>])[] | undefined;
  const elsewhere = (id: string): string | undefined => {
    idsByTag ??= others.flatMap((list) => (list.tag === undefined ? [] : [[list.tag, idsOf(source, list, options)]]));
    const tag = idsByTag.find(([, ids]) => ids.has(id))?.[0];
    return tag === undefined ? undefined : `the tag "${shorten(tag)}"`;
  };
  const tags = tagTexts(source, others, options);
  const work = { noun: "task", carried: TASK_KEYS, items: chosen.items, place: chosen.place, elsewhere, tags };
  return addEntries(new DraftPlan(), work, options, findings);
}

export function importPhases(root: SourceMapping, options: TaskOptions, findings: Findings): ImportDraft | undefined {
  const phases = memberOf(root, "phases");
  if (phases?.kind !== "list") return undefined;
  const plan = new DraftPlan();
  const known = new Set(Object.keys(SHAPES.plan));
  for (const [key, { value }] of root.entries) {
    if (known.has(key) && !isBlank(value)) plan.setNode(key, value, findings);
  }
  noteKeys(root, new Set(["phases", ...known]), findings);
  const carried = new Set(Object.keys(SHAPES.step));
  return addEntries(plan, { noun: "phase", carried, items: phases.items, place: phases }, options, findings);
}

interface Work {
  readonly noun: string;
  readonly carried: ReadonlySet<string>;
  readonly items: readonly SourceNode[];
  readonly place: SourceNode;
  readonly elsewhere?: (id: string) => string | undefined;
  /** The other tags of the file, each with its counts. */
  readonly tags?: readonly string[];
}

function addEntries(
  plan: DraftPlan,
  { noun, carried, items, place, elsewhere, tags = [] }: Work,
  { include }: TaskOptions,
  findings: Findings,
): ImportDraft {
  const tree = readEntries(items, { noun, include, findings });
  noteStates(tree, { noun, include, findings });
  const edges = new EdgeResolver(tree, elsewhere === undefined ? { noun, findings } : { noun, findings, elsewhere });
  const steps = new EntrySteps({ noun, carried, findings, edges });
  for (const entry of tree.roots) if (isActive(entry)) for (const step of steps.of(entry)) plan.add(step);
  steps.noteLeftOut();
  edges.noteSatisfied();
  if (plan.steps.length === 0 && findings.errors.length === 0) {
    const message = tree.all.length === 0 ? `the list has no ${noun}s` : `nothing is left to do: no ${noun} is open`;
    const way = tree.all.length === 0 ? "name another file" : "--include imports tasks of other states";
    const hint = tags.length === 0 ? way : `${way}; --tag imports another tag: ${tags.join(", ")}`;
    findings.error(place, { code: "NothingToImport", message, hint });
  }
  const open = tree.all.filter(isActive).length;
  const deps = edges.count === 1 ? "1 dependency" : `${edges.count} dependencies`;
  const summary = `${plural(tree.all.length, noun)}, ${open} open with ${deps}: ${plural(plan.steps.length, "step")}`;
  return { plan, summary };
}

function choose(
  source: Source,
  lists: readonly TaskList[],
  options: TaskOptions,
  findings: Findings,
): TaskList | undefined {
  const { tag } = options;
  const tags = tagTexts(source, lists, options);
  const untagged = lists.find((list) => list.tag === undefined);
  if (tag !== undefined) {
    const named = lists.find((list) => list.tag === tag) ?? (tag === DEFAULT_TAG ? untagged : undefined);
    if (named !== undefined) return named;
    const hint = tags.length === 0 ? "leave out --tag" : `it has ${tags.join(", ")}`;
    findings.error(source.root, { code: "UnknownTag", message: `the file has no tag "${shorten(tag)}"`, hint });
    return undefined;
  }
  const only = lists.length === 1 ? lists[0] : undefined;
  const usual = only ?? untagged ?? lists.find((list) => list.tag === DEFAULT_TAG);
  if (usual !== undefined) return usual;
  const message = `the file has several tags: ${tags.join(", ")}`;
  findings.error(source.root, { code: "UnknownTag", message, hint: "name one with --tag" });
  return undefined;
}

function tagTexts(source: Source, lists: readonly TaskList[], options: TaskOptions): readonly string[] {
  return lists.flatMap((list) =>
    list.tag === undefined ? [] : `${shorten(list.tag)} (${countText(source, list, options)})`,
  );
}

function countText(source: Source, list: TaskList, { include }: TaskOptions): string {
  const tree = readEntries(list.items, { noun: "task", include, findings: Findings.of(source, true) });
  return `${plural(tree.all.length, "task")}, ${tree.all.filter(isActive).length} open`;
}

function idsOf(source: Source, list: TaskList, { include }: TaskOptions): ReadonlySet<string> {
  const findings = Findings.of(source, true);
  return new Set(readEntries(list.items, { noun: "task", include, findings }).byId.keys());
}

/** Says which keys of a mapping around the list are not imported. */
function noteKeys(node: SourceNode | undefined, known: ReadonlySet<string>, findings: Findings): void {
  if (node?.kind !== "mapping") return;
  for (const [key, { offset, value }] of node.entries) {
    if (!known.has(key) && !isBlank(value)) findings.note({ offset }, `not imported: "${shorten(key)}"`);
  }
}
