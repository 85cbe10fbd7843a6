/**
 * Entry step: makes the step of one task or phase: its texts as an agent's prompt, with those of the tasks that it is
 * in, and the keys that plans know as they are. Does not know which entries become steps.
 *
 * Invariant: a field that reaches no step is counted, and said once for all entries.
 */
import { ACTION_KEYS } from "../action.ts";
import { shorten } from "../issues.ts";
import { DraftStep } from "./draft.ts";
import { BLOCKS_KEYS, DEP_KEYS, type EdgeResolver } from "./edges.ts";
import { activeParts, type Entry, isPartList } from "./entries.ts";
import type { Findings } from "./findings.ts";
import { isBlank, memberOf, scalarText, type SourceNode } from "./source.ts";
import { literalText, planValue, readableText, textList } from "./text.ts";

const TITLE = ["title", "name"];
const TEST = ["testStrategy", "test_strategy"];
const ACCEPTANCE = ["acceptance", "acceptance_criteria", "acceptanceCriteria"];
const VERIFY = ["verify", "test_command", "testCommand"];
const GROUP = ["group", "parallel_group", "epic"];
const LABELS = ["labels", "tags"];

/** Read by other files. */
const READ_ELSEWHERE = ["id", "status", "completed", "subtasks", "after", ...DEP_KEYS, ...BLOCKS_KEYS];
const TEXTS = [...TITLE, "description", "details", ...TEST, ...ACCEPTANCE];
/** Those that subtasks have from their task. */
const INHERITED = new Set([...READ_ELSEWHERE, ...TEXTS, ...GROUP, ...LABELS, "priority"]);
const OWN = new Set([...INHERITED, ...VERIFY]);

const PRIORITIES: { readonly [word: string]: number } = {
  critical: 3,
  urgent: 3,
  high: 2,
  medium: 1,
  normal: 1,
  low: 0,
};

export interface EntryStepOptions {
  readonly noun: string;
  /** Further keys that are taken over as they are. */
  readonly carried: ReadonlySet<string>;
  readonly findings: Findings;
  readonly edges: EdgeResolver;
}

export class EntrySteps {
  readonly #options: EntryStepOptions;
  readonly #leftOut = new Map<string, { count: number; readonly place: { readonly offset: number } }>();

  constructor(options: EntryStepOptions) {
    this.#options = options;
  }

  /** The steps of an active entry: its own, or those of its subtasks. */
  of(entry: Entry): readonly DraftStep[] {
    const parts = activeParts(entry);
    const inner = parts.flatMap((part) => this.of(part));
    if (entry.state === "review") return [...inner, this.#approval(entry, parts)];
    if (parts.length === 0) return [this.#work(entry)];
    this.#count(entry, INHERITED);
    return inner;
  }

  /** Says which fields reached no step. */
  noteLeftOut(): void {
    for (const [key, { count, place }] of this.#leftOut) {
      const of = count === 1 ? `1 ${this.#options.noun}` : `${count} ${this.#options.noun}s`;
      this.#options.findings.note(place, `not imported: "${shorten(key)}" (of ${of})`);
    }
  }

  #work(entry: Entry): DraftStep {
    const { carried, edges } = this.#options;
    const step = new DraftStep(entry.step, entry.idPlace);
    this.#addTexts(entry, step);
    for (const kind of ["deps", "after"] as const) {
      for (const { id, place } of edges.edges(entry, kind)) step.addTo(kind, id, place);
    }
    this.#addShared(entry, step);
    addVerify(entry, step);
    for (const [key, { value }] of entry.node.entries) {
      if (!carried.has(key) || OWN.has(key) || isBlank(value)) continue;
      step.setNode(key, value, this.#options.findings);
    }
    this.#count(entry, OWN, carried);
    return step;
  }

  #approval(entry: Entry, parts: readonly Entry[]): DraftStep {
    const { edges } = this.#options;
    const step = new DraftStep(entry.step, entry.idPlace);
    const title = firstText(entry, TITLE) ?? firstText(entry, ["description"]);
    const named = title === undefined ? entry.id : `${entry.id} (${title.split("\n")[0]})`;
    step.set("approve", literalText(`${named} is in review. Is it done?`), entry.idPlace);
    step.set("description", ownTexts(entry).join("\n\n") || undefined);
    for (const kind of ["deps", "after"] as const) {
      for (const { id, place } of edges.edges(entry, kind)) step.addTo(kind, id, place);
    }
    for (const part of parts) for (const id of edges.ends(part)) step.addTo("deps", id, part.idPlace);
    this.#addShared(entry, step);
    this.#count(entry, INHERITED);
    return step;
  }

  #addTexts(entry: Entry, step: DraftStep): void {
    const { noun, carried } = this.#options;
    const title = firstText(entry, TITLE);
    const description = firstText(entry, ["description"]);
    const acceptance = [...acceptanceOf(entry), ...(noun === "task" ? testOf(entry) : [])];
    const heading = noun === "task" ? title : [title, description].filter((text) => text !== undefined).join(": ");
    const place = memberOf(entry.node, "description") ?? entry.idPlace;
    step.set("acceptance", acceptance.length === 0 ? undefined : acceptance);
    const texts = [...ownTexts(entry), ...outerTexts(entry)].join("\n\n");
    if (ACTION_KEYS.some((key) => carried.has(key) && memberOf(entry.node, key) !== undefined)) {
      step.set("description", texts || undefined, place);
      return;
    }
    step.set("description", heading || (noun === "task" ? undefined : entry.id), place);
    const prompt = texts || `${capital(noun)} ${entry.id}`;
    step.set("agent", literalText(prompt), place);
  }

  #addShared(entry: Entry, step: DraftStep): void {
    const group = nearest(entry, GROUP);
    const name = group === undefined ? entry.parent?.step : scalarText(group);
    step.set("group", name, group ?? entry.idPlace);
    const labels = ancestry(entry).flatMap((each) => LABELS.flatMap((key) => listOf(each, key) ?? []));
    step.set("labels", labels.length === 0 ? undefined : [...new Set(labels)]);
    const priority = nearest(entry, ["priority"]);
    if (priority !== undefined) step.set("priority", this.#priority(priority), priority);
  }

  #priority(node: SourceNode): number | undefined {
    const word = scalarText(node)?.trim().toLowerCase() ?? "";
    if (/^-?\d+$/.test(word)) return Number(word);
    const known = Object.hasOwn(PRIORITIES, word) ? PRIORITIES[word] : undefined;
    if (known === undefined) this.#options.findings.note(node, `not imported: the priority "${shorten(word)}"`);
    return known === 0 ? undefined : known;
  }

  #count(entry: Entry, ...known: readonly ReadonlySet<string>[]): void {
    for (const [key, { offset, value }] of entry.node.entries) {
      if (known.some((keys) => keys.has(key)) || isBlank(value) || isPartList(key, value)) continue;
      const counted = this.#leftOut.get(key);
      if (counted === undefined) this.#leftOut.set(key, { count: 1, place: { offset } });
      else counted.count++;
    }
  }
}

function addVerify(entry: Entry, step: DraftStep): void {
  const commands = VERIFY.flatMap((key) => {
    const node = memberOf(entry.node, key);
    return node === undefined || isBlank(node) ? [] : [{ node, value: planValue("step", key, node).value }];
  });
  const [first] = commands;
  if (first === undefined) return;
  step.set("verify", commands.length === 1 ? first.value : commands.flatMap(({ value }) => value), first.node);
}

/** The entry and the tasks that it is in, innermost first. */
function ancestry(entry: Entry): readonly Entry[] {
  return entry.parent === undefined ? [entry] : [entry, ...ancestry(entry.parent)];
}

function nearest(entry: Entry, keys: readonly string[]): SourceNode | undefined {
  for (const each of ancestry(entry)) {
    for (const key of keys) {
      const node = memberOf(each.node, key);
      if (node !== undefined && !isBlank(node)) return node;
    }
  }
  return undefined;
}

function firstText(entry: Entry, keys: readonly string[]): string | undefined {
  for (const key of keys) {
    const text = readableText(memberOf(entry.node, key));
    if (text !== undefined) return text;
  }
  return undefined;
}

function listOf(entry: Entry, key: string): readonly string[] | undefined {
  const node = memberOf(entry.node, key);
  return node === undefined ? undefined : (textList(node) ?? [readableText(node) ?? ""]);
}

function acceptanceOf(entry: Entry): readonly string[] {
  return ACCEPTANCE.flatMap((key) => listOf(entry, key) ?? []);
}

function testOf(entry: Entry): readonly string[] {
  return TEST.flatMap((key) => readableText(memberOf(entry.node, key)) ?? []);
}

/** What the entry says of itself, one paragraph each. */
function ownTexts(entry: Entry): readonly string[] {
  const acceptance = acceptanceOf(entry);
  return [
    ...TITLE.flatMap((key) => readableText(memberOf(entry.node, key)) ?? []),
    ...["description", "details"].flatMap((key) => readableText(memberOf(entry.node, key)) ?? []),
    ...(acceptance.length === 0 ? [] : [`Acceptance criteria:\n${acceptance.map((text) => `- ${text}`).join("\n")}`]),
    ...testOf(entry).map((text) => `How it is tested: ${text}`),
  ];
}

/** What the tasks around it say, for a step that is a part of them. */
function outerTexts(entry: Entry): readonly string[] {
  return ancestry(entry)
    .slice(1)
    .flatMap((outer) => {
      const texts = ownTexts(outer);
      return texts.length === 0 ? [] : [`This is a part of the following task. Do this part only.`, ...texts];
    });
}

function capital(word: string): string {
  return `${word.charAt(0).toUpperCase()}${word.slice(1)}`;
}
