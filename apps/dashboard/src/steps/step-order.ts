/**
 * Step order: which steps the table shows, and in which order, as somebody asked for it. Pure. The order that was made stays: what has
 * changed since is told as a number, and rows do not move while they are looked at.
 */
import { STEP_STATUSES, type LiveStep, type StepStatus, type WaitStage } from "heddle/view";

/** Columns that sort, by their names in the address. */
export const SORT_COLUMNS = ["status", "id", "layer", "queued", "ran", "attempts", "cost", "files"] as const;
export type SortColumn = (typeof SORT_COLUMNS)[number];

export interface StepSort {
  readonly column: SortColumn;
  /** The largest first. */
  readonly isDown: boolean;
}

export interface StepFilter {
  /** Empty: all. */
  readonly statuses: readonly StepStatus[];
  /** Part of an id, in any case; empty: any. */
  readonly text: string;
}

/** `-ran`: by the column `ran`, the largest first; `undefined`: in the order of the plan. */
export function sortIn(text: string | undefined): StepSort | undefined {
  const isDown = text?.startsWith("-") === true;
  const column = SORT_COLUMNS.find((one) => one === (isDown ? text?.slice(1) : text));
  return column === undefined ? undefined : { column, isDown };
}

export function sortText(sort: StepSort | undefined): string | undefined {
  return sort === undefined ? undefined : `${sort.isDown ? "-" : ""}${sort.column}`;
}

/** What a press of the column's head asks for: numbers the largest first, names the other way, and the third press the plan's order. */
export function nextSort(sort: StepSort | undefined, column: SortColumn): StepSort | undefined {
  const first = column !== "id" && column !== "status" && column !== "layer";
  if (sort?.column !== column) return { column, isDown: first };
  return sort.isDown === first ? { column, isDown: !first } : undefined;
}

export function isShown({ id, status }: LiveStep, { statuses, text }: StepFilter): boolean {
  return (statuses.length === 0 || statuses.includes(status)) && id.toLowerCase().includes(text);
}

/** Numbers of the steps to be shown. `now`: what still goes on has taken so long. */
export function orderedSteps(
  steps: readonly LiveStep[],
  filter: StepFilter,
  sort: StepSort | undefined,
  now: number,
): readonly number[] {
  const shown: number[] = [];
  for (const [at, step] of steps.entries()) if (isShown(step, filter)) shown.push(at);
  if (sort === undefined) return shown;
  const keys = new Map(shown.map((at) => [at, keyOf(steps[at] as LiveStep, sort.column, now)]));
  const by = sort.isDown ? -1 : 1;
  return shown.sort((a, b) => by * compareKeys(keys.get(a), keys.get(b), by) || a - b);
}

type Key = number | string | null;

/** What is not known comes last, whichever way. */
function compareKeys(a: Key | undefined, b: Key | undefined, by: number): number {
  if (a === b) return 0;
  if (a === null || a === undefined) return by;
  if (b === null || b === undefined) return -by;
  if (typeof a === "string" && typeof b === "string") return a.localeCompare(b, "en", { numeric: true });
  return a < b ? -1 : 1;
}

/** What needs somebody comes first, what is over last. */
const STATUS_ORDER: readonly StepStatus[] = [
  "needs-resolution",
  "needs-approval",
  "failed",
  "interrupted",
  "retrying",
  "running",
  "waiting",
  "cancelled",
  "skipped",
  "cached",
  "succeeded",
];

function keyOf(step: LiveStep, column: SortColumn, now: number): Key {
  switch (column) {
    case "status":
      return STATUS_ORDER.indexOf(step.status);
    case "queued":
      return queuedMs(step, now);
    case "ran":
      return ranMs(step, now);
    case "id":
    case "layer":
    case "attempts":
    case "cost":
    case "files":
      return step[column];
  }
}

/** Where it stands in a queue: it has all that it comes after, and has not begun. */
const QUEUED: ReadonlySet<WaitStage> = new Set<WaitStage>(["ready", "foreign-lock", "condition", "retry-delay"]);

/** How long it was, or has been, ready without beginning; `null`: it has not been ready. */
export function queuedMs({ readyAt, startedAt, waits }: LiveStep, now: number): number | null {
  if (readyAt === null) return null;
  if (waits !== null && QUEUED.has(waits)) return now > readyAt ? now - readyAt : null;
  return startedAt === null || startedAt < readyAt ? null : startedAt - readyAt;
}

/** How long its latest attempt took, or has taken so far; `null`: it has none. */
export function ranMs({ status, durationMs, startedAt }: LiveStep, now: number): number | null {
  if (durationMs !== null) return durationMs;
  return status === "running" && startedAt !== null ? Math.max(0, now - startedAt) : null;
}

export interface OrderChanges {
  /** Steps that would be shown and are not. */
  readonly more: number;
  /** Steps that are shown and would not be. */
  readonly fewer: number;
}

/** What an order that was made from earlier rows lacks now, and has in excess. */
export function orderChanges(steps: readonly LiveStep[], order: readonly number[], filter: StepFilter): OrderChanges {
  let fit = 0;
  for (const at of order) {
    const step = steps[at];
    if (step !== undefined && isShown(step, filter)) fit++;
  }
  let all = 0;
  for (const step of steps) if (isShown(step, filter)) all++;
  return { more: all - fit, fewer: order.length - fit };
}

/** The statuses with this one more, or without it, in the order that they are always named in. */
export function toggledStatus(statuses: readonly StepStatus[], status: StepStatus): readonly StepStatus[] {
  return STEP_STATUSES.filter((one) => (one === status) !== statuses.includes(one));
}
