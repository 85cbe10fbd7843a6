/**
 * Live run: what pages show of a run while it goes on, small enough to be sent at every change, and how to keep it up to date with
 * patches. Made by a {@link RunFollower}; knows no event. Times are milliseconds since the epoch; nothing in it depends on the present time.
 *
 * Invariants:
 *  1. A live run with the patches after it is the live run of the seq that the last patch ends at.
 *  2. A patch fits only the seq that it begins at: whoever has another one asks for the whole again.
 */
import type { LandingRecord } from "../run/facts.ts";
import { combineReasons, type Reason, type RunReasons, type WaitStage } from "../run/reasons.ts";
import type { RunStatus, StatusCounts, StepCounts, StepStatus } from "./status.ts";

/** What is known of the run as a whole. */
export interface LiveHead {
  readonly run: string;
  readonly plan: string;
  readonly status: RunStatus;
  /** A process holds the run now. */
  readonly live: boolean;
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly counts: StepCounts;
  readonly byStatus: StatusCounts;
  readonly progress: LiveProgress;
  /** What all steps wait for that have everything they come after. */
  readonly holds: RunReasons;
  /** The ended attempts one after another. */
  readonly sequentialMs: number;
  /** Time under an engine, up to the last event. */
  readonly parallelMs: number;
  /** US dollars that agents told; `null`: none. */
  readonly cost: number | null;
  readonly turnsWithoutCost: number;
  readonly landing: LandingRecord | null;
}

export interface LiveProgress {
  /** Steps that have ended. */
  readonly ended: number;
  readonly total: number;
  /** Slots in use. */
  readonly slots: number;
  readonly maxConcurrency: number;
}

/** A step as far as lists and drawings show it. Steps are numbers: their position in {@link LiveRun.steps}. */
export interface LiveStep {
  readonly id: string;
  /** The container that it is in. */
  readonly parent: number | null;
  /** From 1. */
  readonly layer: number;
  /** Of the {@link LiveRun.queues}: the first step that asks for the same. */
  readonly queue: number;
  readonly status: StepStatus;
  /** Attempts started so far. */
  readonly attempts: number;
  /** Since when it has all that it comes after; of a step that has begun, when its latest attempt could have. */
  readonly readyAt: number | null;
  /** Of its latest attempt, question or wait. */
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  /** Of the attempt that decided; `null` while it runs. */
  readonly durationMs: number | null;
  /** Why it does not go on: {@link liveReasons} says it whole. `null`: it is at work or has ended. */
  readonly waits: WaitStage | null;
  /** When its wait ends by itself, or the time for an answer or a signal is over. */
  readonly until: number | null;
  /** US dollars, as far as its agents reported them. */
  readonly cost: number | null;
  /** Files that its merged work changed; `null`: nothing of it was merged. */
  readonly files: number | null;
  /** Its error or why it was skipped, in one line. */
  readonly note: string | null;
}

export interface LiveRun {
  /** Of the last event. */
  readonly seq: number;
  readonly head: LiveHead;
  /** What is short in a queue in which steps wait, by the number of the queue; absent: nothing. */
  readonly queues: { readonly [queue: number]: readonly Reason[] };
  readonly steps: readonly LiveStep[];
}

export interface RunPatch {
  /** The seq that it begins at; the same as `to` where only the liveness of the run changed. */
  readonly from: number;
  readonly to: number;
  readonly ops: readonly RunOp[];
}

/** One change; those of a patch are made in order. */
export type RunOp =
  /** Fields of the head. */
  | { readonly op: "head"; readonly set: Partial<LiveHead> }
  /** Fields of steps, by number. */
  | { readonly op: "rows"; readonly rows: readonly (readonly [step: number, set: Partial<LiveStep>])[] }
  /** Steps behind the last one. */
  | { readonly op: "added"; readonly steps: readonly LiveStep[] }
  /** All steps anew: a resume has taken up another plan. */
  | { readonly op: "steps"; readonly steps: readonly LiveStep[] }
  /** What is short in queues; empty: nothing any more. */
  | { readonly op: "queues"; readonly queues: readonly (readonly [queue: number, reasons: readonly Reason[]])[] };

/** The run after the patch, which shares with it what has not changed; `undefined`: the patch begins at another seq. */
export function patchedRun(run: LiveRun, patch: RunPatch): LiveRun | undefined {
  if (patch.from !== run.seq) return undefined;
  let { head, queues, steps } = run;
  for (const change of patch.ops) {
    switch (change.op) {
      case "head":
        head = { ...head, ...change.set };
        break;
      case "rows": {
        const rows = [...steps];
        for (const [step, set] of change.rows) {
          const row = rows[step];
          if (row !== undefined) rows[step] = { ...row, ...set };
        }
        steps = rows;
        break;
      }
      case "added":
        steps = [...steps, ...change.steps];
        break;
      case "steps":
        ({ steps } = change);
        break;
      case "queues": {
        const kept = new Map(Object.entries(queues));
        for (const [queue, reasons] of change.queues) {
          if (reasons.length === 0) kept.delete(String(queue));
          else kept.set(String(queue), reasons);
        }
        queues = Object.fromEntries(kept);
        break;
      }
      // Of a later version: what this one does not know it does not show.
      default:
    }
  }
  return { seq: patch.to, head, queues, steps };
}

/**
 * Why a step does not go on at `now`: the kinds of its reasons in a `RunView`, with what is short; which steps, which provider and which run are
 * in its own document.
 */
export function liveReasons({ head, queues, steps }: LiveRun, step: number, now: number): readonly Reason[] {
  const row = steps[step];
  if (row === undefined || row.waits === null) return [];
  const { waits, until, queue } = row;
  const kind = waits === "ready" || waits === "engine" ? "turn" : waits;
  return combineReasons({
    stage: waits,
    own: until === null ? { kind } : { kind, until },
    isDue: (until ?? Infinity) <= now,
    run: head.holds,
    live: head.live,
    queue: () => queues[queue] ?? [],
  });
}
