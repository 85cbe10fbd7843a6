/**
 * Rows of a timeline: the bars of a run by step, by slot, or by agent and model. Pure.
 *
 * Invariants:
 *  1. The bars of a row do not overlap, expected ones apart, and stand in the order of their times.
 *  2. A bar that is shown is in one row.
 */
import type { TimelineBar } from "heddle/client";
import type { RowMode } from "./choices.ts";
import { isMeant, matcher, rowBar, type RowBar, type RowsInput, type TimelineRow } from "./row-bars.ts";
import { StepRows } from "./step-rows.ts";

export function timelineRows(mode: RowMode, input: RowsInput): readonly TimelineRow[] {
  return mode === "step" ? new StepRows().update(input) : barRows(mode, input);
}

/** Not by step: nothing but bars counts. */
export function barRows(
  mode: Exclude<RowMode, "step">,
  { bars, attempts, q }: Pick<RowsInput, "bars" | "attempts" | "q">,
): readonly TimelineRow[] {
  const isFound = matcher(q);
  const most = new Map<string, number>();
  for (const { step, attempt } of bars) most.set(step, Math.max(most.get(step) ?? 0, attempt));
  const isShown = ({ step, attempt, kind }: TimelineBar): boolean =>
    kind !== "container" && isFound(step) && isMeant(attempts, attempt, most.get(step) ?? 1);
  const shown = bars.filter(isShown).map(rowBar);
  return mode === "slot" ? bySlot(shown) : byAgent(shown);
}

function bySlot(bars: readonly RowBar[]): readonly TimelineRow[] {
  const slotted = grouped(bars, ({ bar }) => bar?.slot ?? -1);
  const rows = [...slotted]
    .filter(([slot]) => slot >= 0)
    .toSorted(([a], [b]) => a - b)
    .flatMap(([slot, own]) => lanes(own, `slot ${slot}`, `Slot ${slot + 1}`));
  return [...rows, ...lanes(slotted.get(-1) ?? [], "aside", "Without a slot")];
}

function byAgent(bars: readonly RowBar[]): readonly TimelineRow[] {
  const nameOf = ({ bar, look }: RowBar): string => {
    if (bar?.agent !== undefined) return bar.model === undefined ? bar.agent : `${bar.agent} · ${bar.model}`;
    return look === "asked" ? "People" : look === "waited" ? "Waits" : "Commands";
  };
  return [...grouped(bars, nameOf)]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, own]) => lanes(own, name, name));
}

/** As many rows as bars run at the same time: each bar in the first that is free. */
function lanes(bars: readonly RowBar[], key: string, label: string): readonly TimelineRow[] {
  const rows: RowBar[][] = [];
  const free: number[] = [];
  for (const bar of bars.toSorted((a, b) => a.from - b.from)) {
    let at = free.findIndex((until) => until <= bar.from);
    if (at === -1) at = free.length;
    free[at] = bar.to ?? Infinity;
    const row = rows[at];
    if (row === undefined) rows[at] = [bar];
    else row.push(bar);
  }
  return rows.map((own, at) => ({ key: `${key} ${at}`, label: at === 0 ? label : "", depth: 0, bars: own }));
}

function grouped<Key>(bars: readonly RowBar[], keyOf: (bar: RowBar) => Key): Map<Key, RowBar[]> {
  const groups = new Map<Key, RowBar[]>();
  for (const bar of bars) {
    const key = keyOf(bar);
    const known = groups.get(key);
    if (known === undefined) groups.set(key, [bar]);
    else known.push(bar);
  }
  return groups;
}
