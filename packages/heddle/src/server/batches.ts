/** Batches: the layers of a run as documents, in the words of the parallel-execution API: one batch is one layer, counted from 1. */
import type { Batch } from "../view/protocol.ts";
import type { RunView, StepView } from "../view/run-view.ts";

/** In their order; steps inside of containers belong to the layer of their container. */
export function batchesOf({ steps }: Pick<RunView, "steps">): readonly Batch[] {
  const layers: StepView[][] = [];
  for (const step of steps) if (step.parent === undefined) (layers[step.layer - 1] ??= []).push(step);
  return layers.map((members, at) => batchOf(at + 1, members));
}

const OVER: ReadonlySet<StepView["status"]> = new Set(["succeeded", "failed", "cancelled", "skipped", "cached"]);

export function isOverIn({ status }: Pick<StepView, "status">): boolean {
  return OVER.has(status);
}

function batchOf(number: number, members: readonly StepView[]): Batch {
  const count = (status: StepView["status"]): number => members.filter((step) => step.status === status).length;
  const starts = members.flatMap(({ startedAt }) => (startedAt === null ? [] : [startedAt]));
  const ends = members.flatMap(({ endedAt }) => (endedAt === null ? [] : [endedAt]));
  const isOver = members.every(isOverIn);
  const costs = members.flatMap(({ cost }) => (cost === undefined ? [] : [cost]));
  const startedAt = starts.length === 0 ? null : Math.min(...starts);
  const completedAt = isOver && ends.length > 0 ? Math.max(...ends) : null;
  return {
    batch_number: number,
    task_ids: members.map(({ id }) => id),
    status: statusOf(members, isOver),
    completed: count("succeeded") + count("cached") + count("skipped"),
    failed: count("failed"),
    duration: startedAt === null || completedAt === null ? null : (completedAt - startedAt) / 1000,
    cost: costs.length === 0 ? null : costs.reduce((sum, one) => sum + one, 0),
    started_at: startedAt,
    completed_at: completedAt,
  };
}

function statusOf(members: readonly StepView[], isOver: boolean): Batch["status"] {
  if (!isOver)
    return members.some(({ status, attempts }) => attempts > 0 || status === "running") ? "running" : "pending";
  if (members.some(({ status }) => status === "failed")) return "failed";
  return members.some(({ status }) => status === "cancelled") ? "cancelled" : "completed";
}

/** What is said of a step as a task, beside its state. */
export interface TaskAbout {
  readonly group: string | null;
  readonly model: string | null;
  readonly isAgent: boolean;
}

export const NO_TASK: TaskAbout = { group: null, model: null, isAgent: false };

export type Tasks = ReadonlyMap<string, TaskAbout>;

/** By step id. */
export function tasksOf(
  steps: readonly {
    readonly id: string;
    readonly group?: string;
    readonly action: { readonly kind: string; readonly model?: string };
  }[],
): Tasks {
  return new Map(
    steps.map(({ id, group = null, action }) => [
      id,
      { group, model: action.model ?? null, isAgent: action.kind === "agent" },
    ]),
  );
}
