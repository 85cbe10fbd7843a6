/**
 * Rows of a timeline: the bars of a run by step, by slot, or by agent and model. Pure.
 *
 * Invariants:
 *  1. The bars of a row do not overlap, expected ones apart, and stand in the order of their times.
 *  2. A bar that is shown is in one row.
 */
import type { ForecastBar, TimelineBar } from "heddle/client";
import type { LiveStep, StepStatus } from "heddle/view";
import type { AttemptFilter, RowMode } from "./choices.ts";

/** How a bar looks: the status that it had or has; `asked`: a person was; `waited`: for a time or a signal; `expected`: it has not begun. */
export type TimelineLook =
  | "succeeded"
  | "failed"
  | "cancelled"
  | "interrupted"
  | "running"
  | "cached"
  | "asked"
  | "waited"
  | "container"
  | "undo"
  | "expected";

export interface RowBar {
  readonly key: string;
  readonly step: string;
  readonly look: TimelineLook;
  readonly from: number;
  /** `null`: it goes on. */
  readonly to: number | null;
  /** Since when it waited for its turn; absent: it did not. */
  readonly queuedFrom?: number;
  /** Absent: what is expected, or was taken from an earlier run. */
  readonly bar?: TimelineBar;
}

export interface TimelineRow {
  readonly key: string;
  readonly label: string;
  /** Absent: the row has more than one step. */
  readonly step?: string;
  readonly status?: StepStatus;
  /** How deep in containers. */
  readonly depth: number;
  readonly bars: readonly RowBar[];
}

export interface RowsInput {
  readonly bars: readonly TimelineBar[];
  readonly steps: readonly LiveStep[];
  readonly forecast: readonly ForecastBar[];
  readonly attempts: AttemptFilter;
  /** Only steps with this text in their ids, in any case. */
  readonly q: string;
}

export function timelineRows(mode: RowMode, input: RowsInput): readonly TimelineRow[] {
  const shown = filtered(input);
  if (mode === "step") return byStep(shown, input);
  const bars = shown.filter(({ look }) => look !== "container" && look !== "expected" && look !== "cached");
  return mode === "slot" ? bySlot(bars) : byAgent(bars);
}

function filtered({ bars, steps, forecast, attempts, q }: RowsInput): readonly RowBar[] {
  const text = q.trim().toLowerCase();
  const isFound = (step: string): boolean => text === "" || step.toLowerCase().includes(text);
  const most = new Map<string, number>();
  for (const { step, attempt } of bars) most.set(step, Math.max(most.get(step) ?? 0, attempt));
  const begun = bars
    .filter(({ step, attempt }) => isFound(step) && isMeant(attempts, attempt, most.get(step) ?? 1))
    .map(rowBar);
  const rows = new Map(steps.map((step) => [step.id, step]));
  const cached = steps.flatMap(({ id, status, endedAt }): readonly RowBar[] =>
    status === "cached" && endedAt !== null && isFound(id)
      ? [{ key: `${id} cached`, step: id, look: "cached", from: endedAt, to: endedAt }]
      : [],
  );
  const expected = forecast.flatMap(({ step, startsAt, endsAt }): readonly RowBar[] => {
    const row = rows.get(step);
    if (row === undefined || !isFound(step) || row.status === "running" || row.endedAt !== null) return [];
    return [{ key: `${step} expected`, step, look: "expected", from: startsAt, to: endsAt }];
  });
  return [...begun, ...cached, ...expected];
}

/** The same, later by as much as the first of them that has not begun is late: it begins now at the earliest. */
export function forecastFrom(
  forecast: readonly ForecastBar[],
  { steps, now }: { readonly steps: readonly LiveStep[]; readonly now: number },
): readonly ForecastBar[] {
  const begun = new Set(
    steps.filter(({ status, endedAt }) => status === "running" || endedAt !== null).map(({ id }) => id),
  );
  const late = forecast.reduce(
    (most, { step, startsAt }) => (begun.has(step) ? most : Math.max(most, now - startsAt)),
    0,
  );
  return forecast.map(({ step, startsAt, endsAt }) => ({ step, startsAt: startsAt + late, endsAt: endsAt + late }));
}

function isMeant(filter: AttemptFilter, attempt: number, most: number): boolean {
  if (filter === "last") return attempt === most;
  return filter === "all" || most > 1;
}

function rowBar(bar: TimelineBar): RowBar {
  const { step, attempt, kind, startedAt: from, endedAt: to, readyAt, queuedMs } = bar;
  const begun = { key: `${step} ${kind} ${attempt} ${from}`, step, look: lookOf(bar), from, to, bar };
  return queuedMs !== null && queuedMs > 0 && readyAt !== null ? { ...begun, queuedFrom: readyAt } : begun;
}

function lookOf({ kind, status }: TimelineBar): TimelineLook {
  switch (kind) {
    case "approval":
      return "asked";
    case "wait":
      return "waited";
    case "container":
      return "container";
    case "undo":
      return status === "failed" ? "failed" : "undo";
    case "attempt":
      return status;
  }
}

function byStep(bars: readonly RowBar[], { steps, q }: RowsInput): readonly TimelineRow[] {
  const byId = grouped(bars, ({ step }) => step);
  const text = q.trim().toLowerCase();
  const rows = steps
    .filter(({ id }) => text === "" || id.toLowerCase().includes(text))
    .map(({ id, status, parent }) => {
      const own = (byId.get(id) ?? []).toSorted((a, b) => a.from - b.from);
      return { key: id, label: id, step: id, status, depth: depthOf(steps, parent), bars: own };
    });
  const first = ({ bars: [bar] }: TimelineRow): number => bar?.queuedFrom ?? bar?.from ?? Infinity;
  // Of those that begin at the same time, and of those of which nothing is known, the order of the plan stays.
  return rows.toSorted((a, b) => (first(a) === first(b) ? 0 : first(a) - first(b)));
}

function depthOf(steps: readonly LiveStep[], parent: number | null): number {
  let depth = 0;
  for (let at = parent; at !== null && depth < 8; at = steps[at]?.parent ?? null) depth++;
  return depth;
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
