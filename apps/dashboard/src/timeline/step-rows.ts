/**
 * Step rows: a row for each step of a timeline, in the order in which they began. Kept from one state of the run to the next: what has not
 * changed is neither made nor put in order anew. Knows nothing of the present: what is expected stands where it was expected.
 */
import type { ForecastBar } from "heddle/client";
import type { LiveStep } from "heddle/view";
import { isMeant, matcher, rowBar, type RowBar, type RowsInput, type TimelineRow } from "./row-bars.ts";

/** A share of the rows; where more have changed, all are put in order anew. */
const MANY = 1 / 8;

const EMPTY: RowsInput = { bars: [], steps: [], forecast: [], attempts: "all", q: "" };

export class StepRows {
  #input: RowsInput = EMPTY;
  #numberOf = new Map<string, number>();
  /** By number of the step: where its bars are. */
  #barsOf: number[][] = [];
  #expected: (ForecastBar | undefined)[] = [];
  /** By number; `undefined`: it is not shown. */
  #rows: (TimelineRow | undefined)[] = [];
  #keys: number[] = [];
  #order: number[] = [];
  #shown: readonly TimelineRow[] = [];

  /** The same array where nothing has changed. */
  update(input: RowsInput): readonly TimelineRow[] {
    const before = this.#input;
    this.#input = input;
    const changed = isContinued(before, input) ? this.#continue(before) : this.#begin();
    if (changed.size === 0) return this.#shown;
    const moved = new Set<number>();
    for (const at of changed) {
      const row = this.#rowOf(at);
      const key = row === undefined ? Number.NaN : keyOf(row);
      if (!Object.is(key, this.#keys[at])) moved.add(at);
      this.#rows[at] = row;
      this.#keys[at] = key;
    }
    if (moved.size > 0) this.#put(moved);
    this.#shown = this.#order.flatMap((at) => this.#rows[at] ?? []);
    return this.#shown;
  }

  #begin(): ReadonlySet<number> {
    const { steps, bars } = this.#input;
    this.#numberOf = new Map(steps.map(({ id }, at) => [id, at]));
    this.#barsOf = steps.map(() => []);
    this.#rows = steps.map(() => undefined);
    this.#keys = steps.map(() => Number.NaN);
    this.#order = [];
    this.#shown = [];
    this.#expected = this.#expectedNow();
    for (const [at, { step }] of bars.entries()) this.#barsOf[this.#numberOf.get(step) ?? -1]?.push(at);
    return new Set(steps.keys());
  }

  /** Numbers of the steps that are not as they were. */
  #continue(before: RowsInput): ReadonlySet<number> {
    const { steps, bars, forecast } = this.#input;
    const changed = new Set<number>();
    if (steps !== before.steps)
      for (const [at, step] of steps.entries()) if (step !== before.steps[at]) changed.add(at);
    if (bars !== before.bars)
      for (const [at, bar] of bars.entries()) {
        if (bar === before.bars[at]) continue;
        const step = this.#numberOf.get(bar.step);
        if (step === undefined) continue;
        if (at >= before.bars.length) this.#barsOf[step]?.push(at);
        changed.add(step);
      }
    if (forecast !== before.forecast) {
      const expected = this.#expectedNow();
      for (const [at, one] of expected.entries()) {
        const old = this.#expected[at];
        if (one?.startsAt !== old?.startsAt || one?.endsAt !== old?.endsAt) changed.add(at);
      }
      this.#expected = expected;
    }
    return changed;
  }

  #expectedNow(): (ForecastBar | undefined)[] {
    const expected = this.#input.steps.map((): ForecastBar | undefined => undefined);
    for (const one of this.#input.forecast) {
      const at = this.#numberOf.get(one.step);
      if (at !== undefined) expected[at] = one;
    }
    return expected;
  }

  #rowOf(at: number): TimelineRow | undefined {
    const { steps, bars, attempts, q } = this.#input;
    const step = steps[at];
    if (step === undefined || !matcher(q)(step.id)) return undefined;
    const own = (this.#barsOf[at] ?? []).flatMap((place) => bars[place] ?? []);
    const most = own.reduce((last, { attempt }) => Math.max(last, attempt), 1);
    const shown = own.filter(({ attempt }) => isMeant(attempts, attempt, most)).map(rowBar);
    const more = [...cachedBar(step), ...expectedBar(step, this.#expected[at])];
    const { id, status, parent } = step;
    const inOrder = [...shown, ...more].toSorted((a, b) => a.from - b.from);
    return { key: id, label: id, step: id, status, depth: depthOf(steps, parent), bars: inOrder };
  }

  /** Puts what has moved where it belongs. Of those that begin at the same time, the order of the plan stays. */
  #put(moved: ReadonlySet<number>): void {
    const isShown = (at: number): boolean => this.#rows[at] !== undefined;
    const compare = (a: number, b: number): number => {
      const [first, second] = [this.#keys[a] ?? Infinity, this.#keys[b] ?? Infinity];
      return first === second ? a - b : first - second;
    };
    if (moved.size > this.#rows.length * MANY) {
      this.#order = [...this.#rows.keys()].filter(isShown).toSorted(compare);
      return;
    }
    const stay = this.#order.filter((at) => !moved.has(at));
    const come = [...moved].filter(isShown).toSorted(compare);
    const order: number[] = [];
    let next = 0;
    for (const at of stay) {
      for (let one = come[next]; one !== undefined && compare(one, at) < 0; one = come[++next]) order.push(one);
      order.push(at);
    }
    this.#order = [...order, ...come.slice(next)];
  }
}

/** Whether what is known of the one counts for the other. */
function isContinued(before: RowsInput, { steps, bars, attempts, q }: RowsInput): boolean {
  return (
    before !== EMPTY &&
    before.attempts === attempts &&
    before.q === q &&
    before.steps.length === steps.length &&
    before.bars.length <= bars.length &&
    (before.steps === steps || steps.every(({ id }, at) => before.steps[at]?.id === id)) &&
    (before.bars === bars || before.bars.every(({ step }, at) => bars[at]?.step === step))
  );
}

/** What has begun comes before all that is only expected: that begins now at the earliest. */
const NOT_BEGUN = 1e15;

function keyOf({ bars: [first] }: TimelineRow): number {
  if (first === undefined) return Infinity;
  return first.look === "expected" ? NOT_BEGUN + first.from : (first.queuedFrom ?? first.from);
}

function cachedBar({ id, status, endedAt }: LiveStep): readonly RowBar[] {
  if (status !== "cached" || endedAt === null) return [];
  return [{ key: `${id} cached`, step: id, look: "cached", from: endedAt, to: endedAt }];
}

function expectedBar(row: LiveStep, expected: ForecastBar | undefined): readonly RowBar[] {
  if (expected === undefined || hasBegun(row)) return [];
  const { startsAt: from, endsAt: to } = expected;
  return [{ key: `${row.id} expected`, step: row.id, look: "expected", from, to }];
}

/** Whether nothing is expected of it any more. */
export function hasBegun({ status, endedAt }: Pick<LiveStep, "status" | "endedAt">): boolean {
  return status === "running" || endedAt !== null;
}

function depthOf(steps: readonly LiveStep[], parent: number | null): number {
  let depth = 0;
  for (let at = parent; at !== null && depth < 8; at = steps[at]?.parent ?? null) depth++;
  return depth;
}
