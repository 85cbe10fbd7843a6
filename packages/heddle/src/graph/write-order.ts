/**
 * Write order: for each step with `writes`, in a plan and the plans inside it, the other such steps that have always
 * ended before it starts. Bit sets, joined along the edges. Memory and time are bounded; the last steps of a very large
 * plan are then not covered ({@link WriteOrder.isWhole}).
 */
import type { DocumentPath } from "../plan/diagnostic.ts";
import type { Step } from "../plan/plan.ts";
import type { StepList } from "../plan/validate.ts";
import { targetsOf, type Graph } from "./graph.ts";

/** 32-bit words of sets of predecessors that are kept at once, and that are joined in all. */
const MOST_WORDS = 1 << 23;
const MOST_JOINS = 400_000_000;

/** A list of steps with its graph: the plan's own first, then those of plans inside steps, each before those inside it. */
export interface GraphedList {
  readonly list: StepList;
  readonly graph: Graph;
}

export interface Writer {
  readonly step: Step;
  /** As the run will call it. */
  readonly name: string;
  /** Of its `writes`. */
  readonly path: DocumentPath;
  /** The writers that have ended before it starts: a set of bits by number. */
  before: Uint32Array;
}

/** Steps that do no work of their own write nothing. */
export function isWriter(step: Step): boolean {
  return step.writes !== undefined && step.action.kind !== "plan" && step.action.kind !== "approve";
}

/** Whether the bit is set. */
export function has(set: Uint32Array, number: number): boolean {
  return (((set[number >>> 5] ?? 0) >>> (number & 31)) & 1) === 1;
}

/** The steps with `writes`, in the order of the plan, each with those that have ended before it. */
export class WriteOrder {
  readonly writers: Writer[] = [];
  readonly #lists: readonly GraphedList[];
  readonly #words: number;
  /** Writers by list and position in it. */
  readonly #numbers: ReadonlyMap<number, number>[] = [];
  readonly #all: number;
  #nextList = 0;

  constructor(lists: readonly GraphedList[]) {
    this.#lists = lists;
    let steps = 0;
    let edges = 0;
    for (const { graph } of lists) {
      steps += graph.size;
      edges += graph.deps.targets.length + graph.after.targets.length;
    }
    this.#all = this.#name("");
    const most = Math.floor(Math.min(MOST_WORDS / steps, MOST_JOINS / (steps + edges)));
    this.#words = Math.max(1, Math.min(Math.ceil(this.#all / 32), most));
    this.writers.length = Math.min(this.#all, this.#words * 32);
    this.#nextList = 0;
    this.#walk(new Uint32Array(this.#words));
  }

  /** False: there are more writers than are looked at. */
  get isWhole(): boolean {
    return this.writers.length === this.#all;
  }

  /** Numbers the writers of the next list and of those inside it. Returns how many there are now. */
  #name(before: string): number {
    const at = this.#nextList++;
    const { list } = this.#lists[at] as GraphedList;
    const numbers = new Map<number, number>();
    this.#numbers[at] = numbers;
    for (const [i, step] of list.steps.entries()) {
      const name = before + step.id;
      if (hasInside(step)) this.#name(`${name}/`);
      else if (isWriter(step)) {
        numbers.set(i, this.writers.length);
        this.writers.push({ step, name, path: [...list.path, i, "writes"], before: NOBODY });
      }
    }
    return this.writers.length;
  }

  /** Goes through the next list. `incoming` have ended before it begins; returns those that have when it ends. */
  #walk(incoming: Uint32Array): Uint32Array {
    const words = this.#words;
    const at = this.#nextList;
    const { list, graph } = this.#lists[at] as GraphedList;
    const inner = this.#innerLists(at);
    const sets = new Uint32Array(graph.size * words);
    const ended = Uint32Array.from(incoming);
    for (const i of graph.order) {
      const set = sets.subarray(i * words, (i + 1) * words);
      set.set(incoming);
      for (const edges of [graph.deps, graph.after])
        for (const from of targetsOf(edges, i)) join(set, sets.subarray(from * words, (from + 1) * words));
      const number = this.#numbers[at]?.get(i) ?? this.writers.length;
      if (number < this.writers.length) {
        (this.writers[number] as Writer).before = Uint32Array.from(set);
        set[number >>> 5] = ((set[number >>> 5] ?? 0) | (1 << (number & 31))) >>> 0;
      } else if (hasInside(list.steps[i])) {
        this.#nextList = inner.get(i) ?? 0;
        join(set, this.#walk(Uint32Array.from(set)));
      }
      join(ended, set);
    }
    return ended;
  }

  /** Which list is inside which step of list `at`: they come in the order of the steps, each followed by its own. */
  #innerLists(at: number): ReadonlyMap<number, number> {
    const { list } = this.#lists[at] as GraphedList;
    const inner = new Map<number, number>();
    let next = at + 1;
    for (const [i, step] of list.steps.entries()) {
      if (!hasInside(step)) continue;
      inner.set(i, next);
      next += listsIn(step);
    }
    return inner;
  }
}

const NOBODY = new Uint32Array(0);

function hasInside(step: Step | undefined): boolean {
  return step?.action.kind === "plan" && step.action.plan !== undefined;
}

/** Lists of steps in a step that is a plan, at any depth: at most ten. */
function listsIn({ action }: Step): number {
  if (action.kind !== "plan" || action.plan === undefined) return 0;
  return action.plan.steps.reduce((sum, step) => sum + listsIn(step), 1);
}

function join(set: Uint32Array, more: Uint32Array): void {
  for (let word = 0; word < more.length; word++) set[word] = ((set[word] ?? 0) | (more[word] ?? 0)) >>> 0;
}
