/**
 * Edge resolver: turns what entries of a task file depend on into ids of steps. An id is looked for as the file may mean
 * it: beside the entry, then beside each task that it is in, then as a full id.
 *
 * Invariant: no edge is lost without a word. It becomes edges between steps, or there is a finding with its position.
 */
import { suggest } from "../../base/suggest.ts";
import { shorten } from "../issues.ts";
import { activeParts, type Entry, type EntryTree, isActive } from "./entries.ts";
import type { Findings } from "./findings.ts";
import { isBlank, itemsOf, memberOf, scalarText, type SourceNode } from "./source.ts";

/** What other tools call `deps`. */
export const DEP_KEYS: readonly string[] = [
  "dependencies",
  "deps",
  "depends",
  "depends_on",
  "dependsOn",
  "depends-on",
  "needs",
  "requires",
  "prerequisites",
  "blockedBy",
  "blocked_by",
  "blocked-by",
];

/** The same from the other end: what depends on the entry. */
export const BLOCKS_KEYS: readonly string[] = ["blocks", "blocking"];

const KEYS = { deps: DEP_KEYS, after: ["after"] } as const;

/** Each goes over all ids: a file that is wrong throughout gets no more. */
const MOST_GUESSES = 100;

export interface StepEdge {
  /** Id of the step that is waited for. */
  readonly id: string;
  readonly place: { readonly offset: number };
}

export interface EdgeOptions {
  readonly noun: string;
  readonly findings: Findings;
  /** Where else the file has such an id, for the hint; absent: nowhere. */
  readonly elsewhere?: (id: string) => string | undefined;
}

interface WrittenDep {
  readonly text: string;
  readonly place: { readonly offset: number };
}

type Blocked = Map<Entry, (readonly [blocker: Entry, place: WrittenDep["place"]])[]>;

export class EdgeResolver {
  readonly #tree: EntryTree;
  readonly #options: EdgeOptions;
  readonly #satisfied: { readonly text: string; readonly place: { readonly offset: number } }[] = [];
  /** Of an entry itself: its subtasks have them too, and they are judged once. */
  readonly #own = new Map<string, readonly StepEdge[]>();
  /** What entries say of others that depend on them, by these others. */
  #blocked: Blocked | undefined;
  #count = 0;
  #guesses = 0;

  constructor(tree: EntryTree, options: EdgeOptions) {
    this.#tree = tree;
    this.#options = options;
  }

  /** Dependencies of active entries as they are written. */
  get count(): number {
    return this.#count;
  }

  /** The edges of an entry and of the tasks that it is in. */
  edges(entry: Entry, kind: "deps" | "after"): readonly StepEdge[] {
    const edges: StepEdge[] = [];
    for (let at: Entry | undefined = entry; at !== undefined; at = at.parent) edges.push(...this.#edgesOf(at, kind));
    return edges;
  }

  /** The steps that have succeeded when all of `entry` is done. */
  ends(entry: Entry): readonly string[] {
    const parts = activeParts(entry);
    if (entry.state === "review" || parts.length === 0) return [entry.step];
    return parts.flatMap((part) => this.ends(part));
  }

  noteSatisfied(): void {
    const [first] = this.#satisfied;
    if (first === undefined) return;
    const list = this.#satisfied.map(({ text }) => text).join(", ");
    this.#options.findings.note(first.place, `satisfied, since what they name is done: ${list}`);
  }

  #edgesOf(entry: Entry, kind: "deps" | "after"): readonly StepEdge[] {
    const key = `${kind} ${entry.id}`;
    const known = this.#own.get(key);
    if (known !== undefined) return known;
    const edges = KEYS[kind].flatMap((name) => {
      const node = memberOf(entry.node, name);
      return node === undefined ? [] : this.#writtenIn(node).flatMap((dep) => this.#resolve(dep, entry));
    });
    if (kind === "deps") edges.push(...this.#blockersOf(entry));
    this.#own.set(key, edges);
    return edges;
  }

  #blockersOf(entry: Entry): readonly StepEdge[] {
    this.#blocked ??= this.#readBlocks();
    if (!isActive(entry)) return [];
    return (this.#blocked.get(entry) ?? []).flatMap(([blocker, place]) => {
      this.#count++;
      return this.#judge(entry, blocker, place);
    });
  }

  #readBlocks(): Blocked {
    const blocked: Blocked = new Map();
    for (const entry of this.#tree.all) {
      for (const name of BLOCKS_KEYS) {
        const node = memberOf(entry.node, name);
        if (node === undefined) continue;
        for (const dep of this.#writtenIn(node)) {
          const target = this.#find(dep, entry);
          if (target === undefined) {
            if (isActive(entry)) this.#sayUnknown(dep, `"${shorten(entry.id)}" blocks`);
            continue;
          }
          const known = blocked.get(target);
          if (known === undefined) blocked.set(target, [[entry, dep.place]]);
          else known.push([entry, dep.place]);
        }
      }
    }
    return blocked;
  }

  /** The ids in a value: a list, one id, or a text that lists several. */
  #writtenIn(node: SourceNode): readonly WrittenDep[] {
    const { findings } = this.#options;
    return itemsOf(node).flatMap((item): readonly WrittenDep[] => {
      const named = item.kind === "mapping" ? memberOf(item, "id") : item;
      const text = scalarText(named)?.trim();
      if (named === undefined || text === undefined) {
        if (isBlank(item)) return [];
        findings.error(item, { code: "InvalidValue", message: "a dependency is an id", hint: "write a list of ids" });
        return [];
      }
      if (text === "" || this.#tree.byId.has(text)) return text === "" ? [] : [{ text, place: named }];
      const separator = /[,;\n]/.test(text) ? /[,;\n]+/ : /\s+/;
      const pieces = text
        .replace(/^\[|\]$/g, "")
        .split(separator)
        .map((piece) => piece.replace(/["']/g, "").trim())
        .filter((piece) => piece !== "");
      return pieces.map((piece) => ({ text: piece, place: named }));
    });
  }

  #resolve({ text, place }: WrittenDep, entry: Entry): readonly StepEdge[] {
    if (!isActive(entry)) return [];
    this.#count++;
    const target = this.#find({ text, place }, entry);
    if (target === undefined) {
      this.#sayUnknown({ text, place }, `"${shorten(entry.id)}" depends on`);
      return [];
    }
    if (entry.parent !== undefined && !entry.hasFullId && target.id === text && !text.includes(".")) {
      const { findings, noun } = this.#options;
      const parent = shorten(entry.parent.id);
      findings.note(place, `"${shorten(text)}" is taken as a ${noun}: "${parent}" has no subtask of this id`);
    }
    return this.#judge(entry, target, place);
  }

  #find({ text, place }: WrittenDep, entry: Entry): Entry | undefined {
    const { byId } = this.#tree;
    const full = byId.get(text);
    if (full !== undefined && text.includes(".")) return full;
    for (let at = entry.parent; at !== undefined; at = at.parent) {
      const found = byId.get(`${at.id}.${text}`);
      if (found === undefined) continue;
      // Where subtasks have full ids, one without a point may be meant for a task.
      if (full !== undefined && found.hasFullId && !isIn(entry, full))
        this.#sayAmbiguous({ text, place }, entry, found);
      return found;
    }
    return full;
  }

  #sayAmbiguous({ text, place }: WrittenDep, entry: Entry, found: Entry): void {
    const { findings, noun } = this.#options;
    const message = `"${shorten(text)}", which "${shorten(entry.id)}" names, is a ${noun} and "${shorten(found.id)}"`;
    findings.loss(place, {
      code: "AmbiguousDependency",
      message,
      hint: `write "${shorten(found.id)}", or rename the ${noun}; --lenient takes "${shorten(found.id)}"`,
      otherwise: `taken as "${shorten(found.id)}"`,
    });
  }

  #sayUnknown({ text, place }: WrittenDep, said: string): void {
    const { findings, noun, elsewhere } = this.#options;
    // One number is as near to another as any.
    const isGuessed = !/^[\d.]+$/.test(text) && this.#guesses++ < MOST_GUESSES;
    const meant = isGuessed ? suggest(text, this.#tree.byId.keys()) : undefined;
    const other = elsewhere?.(text);
    const near = other !== undefined ? `it is in ${other}; ` : meant !== undefined ? `did you mean "${meant}"? ` : "";
    findings.loss(place, {
      code: "UnknownDependency",
      message: `${said} "${shorten(text)}", and no ${noun} has this id`,
      hint: `${near}--lenient imports it without this dependency`,
      otherwise: "imported without this dependency",
    });
  }

  #judge(entry: Entry, target: Entry, place: { readonly offset: number }): readonly StepEdge[] {
    const { findings } = this.#options;
    const [from, to] = [shorten(entry.id), shorten(target.id)];
    if (isIn(entry, target)) {
      const message = entry === target ? `"${from}" depends on itself` : `"${from}" depends on "${to}", which it is in`;
      findings.loss(place, { code: "SelfDependency", message, otherwise: "imported without this dependency" });
      return [];
    }
    if (isIn(target, entry)) {
      findings.note(place, `"${from}" depends on its own subtask "${to}", which holds anyway`);
      return [];
    }
    switch (target.state) {
      case "done":
        this.#satisfied.push({ text: `${from} -> ${to}`, place });
        return [];
      case "cancelled":
        findings.note(place, `"${from}" depends on "${to}", which is cancelled: it does not wait for it`);
        return [];
      case "deferred":
      case "blocked":
        this.#sayLeftOut(`"${from}" depends on "${to}", which is ${target.state} and left out`, target.state, place);
        return [];
      case "open":
      case "review": {
        const rest = target.state === "open" ? leftOutOf(target) : undefined;
        if (rest !== undefined) {
          const message = `"${from}" depends on "${to}", of which "${shorten(rest.id)}" is ${rest.state} and left out`;
          this.#sayLeftOut(message, rest.state, place);
        }
        return this.ends(target).map((id) => ({ id, place }));
      }
    }
  }

  #sayLeftOut(message: string, state: string, place: { readonly offset: number }): void {
    this.#options.findings.loss(place, {
      code: "DependsOnLeftOut",
      message,
      hint: `--include ${state} imports it as work; --lenient does not wait for it`,
      otherwise: "it does not wait for it",
    });
  }
}

/** Whether `entry` is `other` or a part of it. */
function isIn(entry: Entry, other: Entry): boolean {
  for (let at: Entry | undefined = entry; at !== undefined; at = at.parent) if (at === other) return true;
  return false;
}

/** A subtask, however deep, that is work and left out. */
function leftOutOf(entry: Entry): Entry | undefined {
  for (const part of entry.parts) {
    if (part.state === "deferred" || part.state === "blocked") return part;
    const found = isActive(part) ? leftOutOf(part) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}
