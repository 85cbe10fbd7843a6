/** Graphs of runs for the tests: made from what they have that matters. */
import type { LiveStep, RunGraph, StepStatus } from "heddle/view";
import { row } from "../steps/rows.ts";

export interface StepDraft {
  readonly id: string;
  readonly deps?: readonly string[];
  readonly after?: readonly string[];
  readonly group?: string;
  /** The container that it is in, and what that is. */
  readonly parent?: string;
}

/** Containers are `forEach`. */
export function runGraph(drafts: readonly StepDraft[]): RunGraph {
  const number = (id: string): number => drafts.findIndex((one) => one.id === id);
  const containers = [...new Set(drafts.flatMap(({ parent }) => parent ?? []))];
  const groups = [...new Set(drafts.flatMap(({ group }) => group ?? []))];
  const where = (is: (draft: StepDraft) => boolean): readonly number[] =>
    [...drafts.keys()].filter((at) => is(drafts[at] as StepDraft));
  return {
    run: "r1",
    seq: 1,
    steps: drafts.map(({ id }) => id),
    deps: drafts.map(({ deps = [] }) => deps.map(number)),
    after: drafts.map(({ after = [] }) => after.map(number)),
    containers: containers.map((id) => ({
      step: number(id),
      kind: "forEach",
      children: where(({ parent }) => parent === id),
    })),
    groups: groups.map((name) => ({ name, steps: where(({ group }) => group === name) })),
    criticalPath: [],
  };
}

export function liveStep(id: string, status: StepStatus, more: Partial<LiveStep> = {}): LiveStep {
  return row(id, { status, attempts: 1, ...more });
}

/** `all` with so many children. */
export function fan(size: number, more: Partial<StepDraft> = {}): readonly StepDraft[] {
  return [
    { id: "first" },
    { id: "all", deps: ["first"] },
    { id: "last", deps: ["all"] },
    ...Array.from({ length: size }, (_none, at) => ({ id: `all[${at}]`, parent: "all", ...more })),
  ];
}
