/**
 * Write overlap check: warns of steps that can run at the same time and whose `writes` can match the same file, in a
 * plan and the plans inside it. With `agents: {conflicts: serialize}` such steps run one after the other instead.
 *
 * Pairs of globs and pairs of steps are compared up to a limit; a warning says if the limit was reached.
 */
import type { Diagnostic, SourceMap } from "../plan/diagnostic.ts";
import { shorten } from "../plan/issues.ts";
import { GlobOverlaps } from "../plan/glob/overlap.ts";
import type { Plan, Step } from "../plan/plan.ts";
import { has, isWriter, WriteOrder, type GraphedList, type Writer } from "./write-order.ts";

/** Pairs that are reported one by one. */
const MOST_TOLD = 20;
/** Pairs of states of globs, and pairs of steps, that are looked at. */
const MOST_GLOB_WORK = 5_000_000;
const MOST_STEP_PAIRS = 60_000_000;
/** Which steps conflict, in the order of the plan; `lists` are those of `plan`. Places are asked for where there are some. */
export async function overlapWarnings(
  plan: Plan,
  lists: readonly GraphedList[],
  places: () => Promise<SourceMap>,
): Promise<readonly Diagnostic[]> {
  if (!mayOverlap(plan, lists)) return [];
  const found = findOverlaps(plan, lists);
  if (found.pairs.length === 0 && found.isWhole) return [];
  const source = await places();
  const told = found.pairs.map((pair) => toWarning(pair, source));
  if (found.more === 0 && found.isWhole) return told;
  const rest = `${found.isWhole ? "" : "at least "}${found.more} more pairs of steps may write the same files`;
  const message =
    found.more > 0
      ? rest
      : "not all pairs of steps were compared: there are too many `writes`, or they are too complex";
  const place = told.at(-1) ?? { file: source.file, line: 1, column: 1 };
  return [...told, { ...place, code: "OverlappingWrites", severity: "warning", message, hint: HINT }];
}

/** Whether there is anything to look for. */
function mayOverlap(plan: Plan, lists: readonly GraphedList[]): boolean {
  if (plan.agents?.conflicts === "serialize" || plan.maxConcurrency === 1) return false;
  let writers = 0;
  for (const { list } of lists) for (const step of list.steps) if (isWriter(step) && ++writers === 2) return true;
  return false;
}

const HINT = "order them with `deps` or `after`, or run them one after the other: agents: {conflicts: serialize}";

function toWarning({ writer, other, globs: [own, its] }: Pair, source: SourceMap): Diagnostic {
  const { line, column } = source.atKey(writer.path);
  const place = source.atKey(other.path);
  const what =
    own === its ? `"${shorten(own)}"` : `"${shorten(own)}" and "${shorten(its)}", which can match the same file`;
  return {
    code: "OverlappingWrites",
    severity: "warning",
    message: `steps "${shorten(writer.name)}" and "${shorten(other.name)}" (line ${place.line}) can run at the same time and write ${what}`,
    file: source.file,
    line,
    column,
    hint: HINT,
  };
}

interface Pair {
  readonly writer: Writer;
  /** Comes before it in the plan. */
  readonly other: Writer;
  readonly globs: readonly [own: string, its: string];
}

interface Found {
  readonly pairs: readonly Pair[];
  /** Pairs beside those. */
  readonly more: number;
  /** False: not everything was compared. */
  readonly isWhole: boolean;
}

function findOverlaps(plan: Plan, lists: readonly GraphedList[]): Found {
  const order = new WriteOrder(lists);
  const { writers } = order;
  const index = new GlobIndex(writers);
  const lastSeen = new Int32Array(writers.length).fill(-1);
  const pairs: Pair[] = [];
  let more = 0;
  let visits = 0;
  for (const [number, writer] of writers.entries()) {
    for (const own of writer.step.writes ?? []) {
      for (const its of index.overlapping(own)) {
        for (const other of index.writersOf(its)) {
          if (other >= number || ++visits > MOST_STEP_PAIRS) break;
          if (lastSeen[other] === number) continue;
          lastSeen[other] = number;
          const before = writers[other] as Writer;
          if (has(writer.before, other) || has(before.before, number) || takeTurns(plan, writer.step, before.step))
            continue;
          if (pairs.length < MOST_TOLD) pairs.push({ writer, other: before, globs: [own, its] });
          else more++;
        }
      }
    }
    if (visits > MOST_STEP_PAIRS) break;
  }
  return { pairs, more, isWhole: order.isWhole && index.isWhole && visits <= MOST_STEP_PAIRS };
}

/** Whether something else than an edge keeps the two apart. */
function takeTurns(plan: Plan, a: Step, b: Step): boolean {
  if (a.action.kind === "agent" && b.action.kind === "agent") {
    if (plan.maxAgents === 1 || (a.group !== undefined && a.group === b.group)) return true;
  }
  const holds = (step: Step, lock: string): boolean =>
    step.locks?.write?.includes(lock) === true || step.locks?.read?.includes(lock) === true;
  return (a.locks?.write ?? []).some((lock) => holds(b, lock)) || (b.locks?.write ?? []).some((lock) => holds(a, lock));
}

/** Who writes by which glob, and which globs overlap. */
class GlobIndex {
  readonly #writers = new Map<string, number[]>();
  /** Globs by what they begin with, and those beginnings sorted. */
  readonly #byPrefix = new Map<string, string[]>();
  readonly #prefixes: readonly string[];
  readonly #overlaps = new GlobOverlaps();
  readonly #known = new Map<string, readonly string[]>();

  constructor(writers: readonly Writer[]) {
    for (const [number, { step }] of writers.entries()) {
      for (const glob of new Set(step.writes)) {
        const known = this.#writers.get(glob);
        if (known !== undefined) known.push(number);
        else if (this.isWhole) {
          this.#writers.set(glob, [number]);
          push(this.#byPrefix, this.#overlaps.glob(glob).prefix, glob);
        }
      }
    }
    this.#prefixes = [...this.#byPrefix.keys()].sort(byCode);
  }

  get isWhole(): boolean {
    return this.#overlaps.work <= MOST_GLOB_WORK;
  }

  /** Ascending. */
  writersOf(glob: string): readonly number[] {
    return this.#writers.get(glob) ?? [];
  }

  overlapping(glob: string): readonly string[] {
    let found = this.#known.get(glob);
    if (found === undefined && !this.isWhole) return [];
    if (found === undefined) {
      const { prefix } = this.#overlaps.glob(glob);
      const list: string[] = [];
      // Only globs of which one's prefix continues the other's can meet: the shorter ones, then the longer ones.
      for (let length = 0; length < prefix.length; length++) this.#add(prefix.slice(0, length), glob, list);
      for (let at = this.#firstFrom(prefix); this.#prefixes[at]?.startsWith(prefix) === true; at++)
        this.#add(this.#prefixes[at] ?? "", glob, list);
      found = list;
      this.#known.set(glob, found);
    }
    return found;
  }

  #add(prefix: string, glob: string, list: string[]): void {
    for (const other of this.#byPrefix.get(prefix) ?? [])
      if (this.isWhole && this.#overlaps.has(glob, other)) list.push(other);
  }

  #firstFrom(prefix: string): number {
    let low = 0;
    let high = this.#prefixes.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (byCode(this.#prefixes[middle] ?? "", prefix) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function byCode(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function push(map: Map<string, string[]>, key: string, value: string): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
