/** Step order of the table: made when it is asked for, and kept while the run goes on. */
import { useDeferredValue, useMemo, useRef, useState } from "react";
import type { LiveRun, LiveStep } from "heddle/view";
import {
  orderChanges,
  orderedSteps,
  sortText,
  type OrderChanges,
  type StepFilter,
  type StepSort,
} from "./step-order.ts";

export interface StepOrder {
  /** Numbers of the steps that are shown, as they were in order when that was asked for. */
  readonly order: readonly number[];
  readonly changes: OrderChanges;
  /** Makes the order anew. */
  readonly update: () => void;
}

interface Made {
  readonly key: string;
  readonly order: readonly number[];
  /** The steps that the ends of the order were: with another plan numbers mean other steps. */
  readonly ends: string;
}

const NO_CHANGES: OrderChanges = { more: 0, fewer: 0 };

export function useStepOrder(run: LiveRun, filter: StepFilter, sort: StepSort | undefined): StepOrder {
  const { steps, head } = run;
  const [version, setVersion] = useState(0);
  const made = useRef<Made>(undefined);
  const isWhole = filter.statuses.length === 0 && filter.text === "" && sort === undefined;
  // In the order of the plan nothing moves: what is added comes last.
  const key = `${head.run} ${filter.statuses.join()} ${sortText(sort) ?? ""} ${version} ${isWhole ? steps.length : ""} ${filter.text}`;
  if (made.current?.key !== key || made.current.ends !== endsOf(steps, made.current.order)) {
    const order = orderedSteps(steps, filter, sort, Date.now());
    made.current = { key, order, ends: endsOf(steps, order) };
  }
  const { order } = made.current;
  const later = useDeferredValue(steps);
  const changes = useMemo(
    () => (isWhole ? NO_CHANGES : orderChanges(later, order, filter)),
    [isWhole, later, order, filter],
  );
  return { order, changes, update: () => setVersion((before) => before + 1) };
}

function endsOf(steps: readonly LiveStep[], order: readonly number[]): string {
  return JSON.stringify([steps[order[0] ?? -1]?.id, steps[order.at(-1) ?? -1]?.id]);
}
