/** Rows of steps for tests, with what matters in them. */
import type { LiveStep } from "../../../../packages/heddle/src/view/live-run.ts";
import { NOT_BEGUN } from "../../src/plans/planned-graph.ts";

export function row(id: string, more: Partial<LiveStep> = {}): LiveStep {
  return { ...NOT_BEGUN, id, ...more };
}
