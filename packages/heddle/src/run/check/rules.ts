/** Rules of every history, and what the history checker stores about each step. */
import type { Step } from "../../plan/plan.ts";
import type { SkipReason, SubplanSettings } from "../event.ts";

export interface RuleViolation {
  /** Name of the broken rule: a stable name from {@link RULES}. */
  readonly rule: Rule;
  readonly seq: number;
  readonly message: string;
}

export const RULES = {
  gapless: "sequence numbers start at 1 and have no gap",
  "created-first": "the first event is run.created, and no other is",
  "known-step": "every event names a step of the run",
  "started-once": "an attempt starts once, and attempt numbers increase by one",
  "start-before-end": "an attempt ends once, after it has started",
  "deps-ended":
    "a step starts only after every dep succeeded (one that is `always` to run: ended) and every `after` ended",
  "no-rerun": "a step whose success was recorded starts again only after an undo or an accepted change",
  "skip-cause": "a step is skipped for a dep only if that dep's branch did not succeed",
  concurrency: "no more attempts at once than the run allows",
  items: "no more items of a container at once than it allows",
  agents: "no more agents at once than the run allows",
  pools: "no pool gives more units than it has",
  locks: "a write lock has no other holder beside it",
  "layer-barrier": "under `schedule: layers` a layer starts after the one before it ended",
  "quiet-end":
    "a run ends only when nothing runs, and nothing happens after its end but a landing, a resume or an undo",
  paused: "nothing starts in a paused run",
  "retry-policy": "a step has no more attempts than its `retry` allows",
  "container-outcome": "a container succeeds only if each child succeeded, was skipped, or failed while optional",
  timer: "a timer fires once, after it was set, and a sleep ends with success only after that",
  signal: "a step that waits for a signal succeeds only with one that has come, or by its `onTimeout`",
  outcome: "a run that failed had a failed step or a reason, a run that succeeded had none",
  "always-ended":
    "a run ends only when each step that is `always` to run has ended, and none of them is skipped for a dep",
  onto: "each merge of agents' work is on top of another one, or of where the run began",
  landed: "what lands is the last recorded merge",
  "all-ended": "a run succeeds only if each step succeeded, was skipped, or failed while optional",
} as const;
export type Rule = keyof typeof RULES;

/** Rules that came later, with the first version of the rules of a run that has them. */
const LATER: { readonly [R in Rule]?: number } = { "container-outcome": 2, "all-ended": 2, onto: 3, landed: 3 };

/** Whether a run recorded under `version` was meant to keep the rule. */
export function binds(rule: Rule, version: number): boolean {
  return version >= (LATER[rule] ?? 1);
}

export type Status =
  | "waiting"
  | "running"
  | "expanded"
  | "reopened"
  | "retrying"
  | "waiting-for-answer"
  /** A wait for a time or a signal. */
  | "suspended"
  | "satisfied"
  | "failed"
  | "skipped"
  | "cancelled";

export interface CheckedStep {
  readonly step: Step;
  /** The step that it came from: a container, or the one that added it. */
  readonly origin: string | undefined;
  /** The container around it. */
  readonly container: string | undefined;
  status: Status;
  attempts: number;
  /** Attempts before the last resume. */
  base: number;
  /** Running, with a question open. */
  asks: boolean;
  /** Of a wait under way: the signal, and its timer. */
  wait: { readonly signal: string | undefined; readonly timer: "none" | "set" | "fired" } | undefined;
  /** Why it was skipped last. */
  skip: SkipReason | undefined;
  /** Of a subplan: what it says of its own steps. */
  settings?: SubplanSettings | undefined;
  /** Of a container that was expanded: items at once, those that are open, and the ids of all. */
  items: { readonly most: number; open: number; readonly ids: string[] } | undefined;
  /** Layer of a step of the plan itself; -1 for added ones, to which no barrier applies. */
  readonly layer: number;
}

type NewRow = Pick<CheckedStep, "origin" | "container" | "layer" | "attempts">;

/** Of a step that has not started. Each member by name: with a part that is spread in, a row takes longer and 24 bytes more. */
export function waitingRow(step: Step, { origin, container, layer, attempts }: NewRow): CheckedStep {
  return {
    step,
    origin,
    container,
    status: "waiting",
    attempts,
    base: attempts,
    asks: false,
    wait: undefined,
    skip: undefined,
    items: undefined,
    layer,
  };
}

export function isClosed(status: Status): boolean {
  return status === "satisfied" || status === "failed" || status === "skipped" || status === "cancelled";
}

/** Ended so that the container around it, or the run, may succeed. */
export function isFine({ status, step }: CheckedStep): boolean {
  return status === "satisfied" || status === "skipped" || (status === "failed" && step.optional === true);
}

/** Failed in the run that a run from a step on takes results from, and did not run again: the run has failed with it. */
export function isEarlierFailure({ status, skip, step }: CheckedStep): boolean {
  return status === "skipped" && skip?.kind === "earlier" && skip.status === "failed" && step.optional !== true;
}

/** Takes one of its container's slots. */
export function isUnderWay(status: Status): boolean {
  return status === "running" || status === "expanded" || status === "waiting-for-answer" || status === "suspended";
}

/** Whether a step of this status takes one of its container's slots. A question about an interrupted attempt does not. */
export function takesItem({ step }: CheckedStep, status: Status): boolean {
  return isUnderWay(status) && (status !== "waiting-for-answer" || step.action.kind === "approve");
}

/** Whether the row, or a container around it, is optional. */
export function isToleratedRow(row: CheckedStep, rows: ReadonlyMap<string, CheckedStep>): boolean {
  for (
    let at: CheckedStep | undefined = row;
    at !== undefined;
    at = at.container === undefined ? undefined : rows.get(at.container)
  )
    if (at.step.optional === true) return true;
  return false;
}

/** What a resume leaves as it is: successes, skips by a condition, waits, and what waits for a person or its next attempt. */
export function isKept({ status, skip, wait }: CheckedStep): boolean {
  if (status === "skipped") return skip?.kind !== "dependency";
  if (status === "suspended") return wait?.signal !== undefined || wait?.timer !== "none";
  return (
    status === "satisfied" ||
    status === "waiting-for-answer" ||
    status === "retrying" ||
    status === "expanded" ||
    status === "reopened"
  );
}
