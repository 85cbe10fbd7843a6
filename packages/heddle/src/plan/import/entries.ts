/**
 * Task entries: reads a list of tasks or phases with their subtasks, at any depth, and says of each what is left to do.
 * Does not know dependencies, and makes no steps.
 *
 *  1. Ids are texts: that of a subtask begins with that of its task, however the file writes it (`2` or `1.2`).
 *  2. No two entries have one id, nor one step: the second is an error that names the first.
 */
import { defined } from "../../base/defined.ts";
import { shorten } from "../issues.ts";
import type { Findings } from "./findings.ts";
import { type EntryState, RESTING_STATES, type RestingState, stateOfStatus } from "./states.ts";
import { isBlank, isTrue, itemsOf, memberOf, scalarText, type SourceMapping, type SourceNode } from "./source.ts";

export interface Entry {
  readonly node: SourceMapping;
  /** The place of its id. */
  readonly idPlace: { readonly offset: number };
  /** As the file means it: `1.2` for the subtask 2 of task 1. */
  readonly id: string;
  /** A subtask whose id in the file begins with that of its task. */
  readonly hasFullId: boolean;
  /** The id of its step. */
  readonly step: string;
  readonly parent?: Entry;
  /** Its subtasks. */
  readonly parts: readonly Entry[];
  /** Its own, or that of the task that it is in. */
  readonly state: EntryState;
  /** It stands in the file as another state; the state is that of its task. */
  readonly isInherited: boolean;
}

export interface EntryOptions {
  /** What the file calls an entry: `task` or `phase`. */
  readonly noun: string;
  /** States whose entries are work all the same. */
  readonly include: ReadonlySet<RestingState>;
  readonly findings: Findings;
}

export interface EntryTree {
  readonly roots: readonly Entry[];
  /** Every entry, a task before its subtasks. */
  readonly all: readonly Entry[];
  readonly byId: ReadonlyMap<string, Entry>;
}

export function readEntries(list: readonly SourceNode[], options: EntryOptions): EntryTree {
  const reader = new EntryReader(options);
  const roots = reader.read(list, undefined, "open");
  return { roots, all: reader.all, byId: reader.byId };
}

/** Something is left to do in it. */
export function isActive({ state }: Entry): boolean {
  return state === "open" || state === "review";
}

/** The subtasks that become steps; with none, the task itself is one. */
export function activeParts({ parts }: Entry): readonly Entry[] {
  return parts.filter(isActive);
}

/** What files call the work inside of a task or phase. Lists of texts under the other names are no work of their own. */
const PART_KEYS: ReadonlySet<string> = new Set([
  "subtasks",
  "sub_tasks",
  "subTasks",
  "children",
  "tasks",
  "steps",
  "phases",
]);

export function isPartList(key: string, value: SourceNode): boolean {
  if (!PART_KEYS.has(key) || value.kind !== "list") return false;
  return key === "subtasks" || value.items.some(({ kind }) => kind === "mapping");
}

class EntryReader {
  readonly all: Entry[] = [];
  readonly byId = new Map<string, Entry>();
  readonly #bySteps = new Map<string, Entry>();
  readonly #options: EntryOptions;

  constructor(options: EntryOptions) {
    this.#options = options;
  }

  read(list: readonly SourceNode[], parent: Entry | undefined, outer: EntryState): readonly Entry[] {
    return list.flatMap((node) => this.#entry(node, parent, outer) ?? []);
  }

  #entry(node: SourceNode, parent: Entry | undefined, outer: EntryState): Entry | undefined {
    const { noun, findings } = this.#options;
    const what = parent === undefined ? noun : `subtask of "${shorten(parent.id)}"`;
    if (node.kind !== "mapping") {
      findings.error(node, { code: "InvalidTask", message: `a ${what} is a mapping`, hint: "write it with an id" });
      return undefined;
    }
    const idNode = memberOf(node, "id");
    const written = scalarText(idNode)?.trim() ?? "";
    if (idNode === undefined || written === "") {
      const message = idNode === undefined || isBlank(idNode) ? `a ${what} needs an id` : "an id is a text or a number";
      findings.error(idNode ?? node, { code: "MissingId", message, hint: "give each one a unique `id`" });
      return undefined;
    }
    const hasFullId = parent !== undefined && written.startsWith(`${parent.id}.`);
    const id = parent === undefined || hasFullId ? written : `${parent.id}.${written}`;
    const own = this.#stateOf(node);
    const isInherited =
      own !== "done" && own !== "cancelled" && outer !== "open" && outer !== "review" && own !== outer;
    const parts: Entry[] = [];
    const entry: { -readonly [K in keyof Entry]: Entry[K] } = defined({
      node,
      idPlace: idNode,
      id,
      hasFullId,
      step: stepIdOf(id),
      parent,
      parts,
      state: isInherited ? outer : own,
      isInherited,
    });
    if (!this.#isNew(entry)) return undefined;
    this.all.push(entry);
    parts.push(...this.read(this.#partsOf(node), entry, entry.state));
    // What is left of an open task whose open subtasks are all put off is put off.
    if (entry.state === "open" && !parts.some(isActive)) {
      const rest = parts.find(({ state }) => state === "deferred" || state === "blocked");
      if (rest !== undefined) entry.state = rest.state;
    }
    return entry;
  }

  #isNew(entry: Entry): boolean {
    const { findings, noun } = this.#options;
    const first = this.byId.get(entry.id) ?? this.#bySteps.get(entry.step);
    if (first === undefined) {
      this.byId.set(entry.id, entry);
      this.#bySteps.set(entry.step, entry);
      if (entry.step !== entry.id) findings.note(entry.idPlace, `"${shorten(entry.id)}" is the step "${entry.step}"`);
      return true;
    }
    const { line, column } = findings.source.positionOf(first.idPlace);
    const place = `${findings.source.file}:${line}:${column}`;
    const message =
      first.id === entry.id
        ? `${place} already has a ${noun} "${shorten(entry.id)}"`
        : `"${shorten(entry.id)}" and "${shorten(first.id)}" (${place}) would both be the step "${entry.step}"`;
    findings.error(entry.idPlace, { code: "DuplicateStep", message, hint: "give each one a unique id" });
    return false;
  }

  #partsOf(node: SourceMapping): readonly SourceNode[] {
    return [...node.entries].flatMap(([key, { value }]) => {
      if (isPartList(key, value)) return itemsOf(value);
      if (key !== "subtasks" || isBlank(value)) return [];
      const message = "`subtasks`: expected a list";
      this.#options.findings.error(value, { code: "InvalidTask", message, hint: "write each subtask as a list item" });
      return [];
    });
  }

  #stateOf(node: SourceMapping): EntryState {
    const { findings, include } = this.#options;
    const status = memberOf(node, "status");
    const isCompleted = isTrue(memberOf(node, "completed")) && !include.has("done");
    if (status === undefined || isBlank(status)) return isCompleted ? "done" : "open";
    const state = stateOfStatus(scalarText(status) ?? "");
    if (state === undefined) {
      findings.note(status, `the status "${shorten(scalarText(status) ?? "a list")}" is not known: taken as open`);
      return "open";
    }
    if (state === "open") return isCompleted ? "done" : "open";
    return include.has(state) ? "open" : state;
  }
}

/** Ids of other tools may hold what those of steps cannot. */
function stepIdOf(id: string): string {
  return id.replace(/[^A-Za-z0-9._/-]+/g, "-").slice(0, 100);
}

/** Says of every entry that is no step why, in one note for each state. */
export function noteStates(tree: EntryTree, { findings, include }: EntryOptions): void {
  for (const state of RESTING_STATES) {
    if (include.has(state)) continue;
    const own = tree.all.filter((entry) => entry.state === state && !entry.isInherited);
    const [first] = own;
    if (first === undefined) continue;
    const names = own.map(({ id }) => shorten(id)).join(", ");
    const way = state === "done" || state === "cancelled" ? "" : ` (--include ${state} imports them as work)`;
    const what = state === "review" ? "in review, so an approval instead of work" : `left out, ${state}`;
    findings.note(memberOf(first.node, "status") ?? first.idPlace, `${what}: ${names}${way}`);
  }
  const inherited = tree.all.filter((entry) => entry.isInherited);
  for (const entry of inherited) {
    const { id, state, parent } = entry;
    findings.note(entry.idPlace, `"${shorten(id)}" is left out with "${shorten(parent?.id ?? "")}", which is ${state}`);
  }
  for (const entry of tree.all) {
    if (entry.state !== "open" || entry.parts.length === 0 || activeParts(entry).length > 0) continue;
    findings.note(entry.idPlace, `the subtasks of "${shorten(entry.id)}" are done: what is left is a step of its own`);
  }
}
