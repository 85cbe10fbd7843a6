/** Node state: what a node of the graph shows of its steps. Pure. */
import type { LiveStep, StepStatus } from "heddle/view";
import { FINE } from "../run/statuses.ts";
import type { GraphNode } from "./fold.ts";

export interface NodeState {
  readonly status: StepStatus;
  /** Of all its steps, as far as they have ended. */
  readonly durationMs: number | null;
  /** Since when it runs; `null`: it does not. */
  readonly runsSince: number | null;
  readonly cost: number | null;
  /** Its error, or why it was skipped. */
  readonly note: string | null;
  /** Of a fold: its steps by status, without the container itself. */
  readonly counts?: ReadonlyMap<StepStatus, number>;
}

/** Of many statuses the one that is shown: what a person has to look at comes first, what is done last. */
const FOREMOST: readonly StepStatus[] = [
  "needs-resolution",
  "needs-approval",
  "failed",
  "interrupted",
  "retrying",
  "running",
  "cancelled",
  "waiting",
  "succeeded",
  "cached",
  "skipped",
];

export function nodeState(node: GraphNode, steps: readonly LiveStep[]): NodeState | undefined {
  const own = node.step === undefined ? undefined : steps[node.step];
  if (node.fold !== "closed") return own === undefined ? undefined : stateOf(own);
  const members = node.members.flatMap((step) => (step === node.step ? [] : (steps[step] ?? [])));
  const counts = new Map<StepStatus, number>();
  let [durationMs, cost]: [number | null, number | null] = [null, null];
  for (const member of members) {
    counts.set(member.status, (counts.get(member.status) ?? 0) + 1);
    durationMs = sum(durationMs, member.durationMs);
    cost = sum(cost, member.cost);
  }
  // What failed in a container that succeeded did not matter.
  const foremost = FOREMOST.find((status) => counts.has(status));
  const status =
    own !== undefined && (FINE.has(own.status) || foremost === undefined) ? own.status : (foremost ?? "waiting");
  if (own !== undefined) return { ...stateOf(own), status, cost: sum(own.cost, cost), counts };
  return { status, durationMs, runsSince: null, cost, note: null, counts };
}

function stateOf({ status, durationMs, startedAt, cost, note }: LiveStep): NodeState {
  return { status, durationMs, runsSince: status === "running" ? startedAt : null, cost, note };
}

function sum(a: number | null, b: number | null): number | null {
  return a === null ? b : a + (b ?? 0);
}
