/**
 * Steps table: only the rows that are in sight are drawn. Rows keep their places while somebody looks; the keys move a row at a time.
 */
import { useCallback, useEffect, useRef, type ReactNode } from "react";
import { getRouteApi } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import { liveReasons, type LiveRun, type Reason, type RunGraph } from "heddle/view";
import { usePreferences } from "../app/preferences.ts";
import { openBeforeStep, useRunGraph } from "../run/run-graph.ts";
import { useShownNow, useShownRun } from "../run/shown-run.tsx";
import { useIsNarrow } from "../ui/narrow.ts";
import { durationText, runningText } from "../ui/format.ts";
import { stepLine } from "./reason-text.ts";
import { queuedMs, ranMs, type StepSort } from "./step-order.ts";
import { StepRow } from "./step-row.tsx";
import { StepsHead, type StepsHeadProps } from "./steps-head.tsx";
import { useRowCursor } from "./use-row-cursor.ts";
import { useSelection } from "./use-selection.ts";

const route = getRouteApi("/p/$project/runs/$run");

/** Rows drawn beyond those in sight. */
const OVERSCAN = 8;
/** Less is no wait. */
const LEAST_QUEUED_MS = 50;

export interface StepsTableProps extends Pick<StepsHeadProps, "selection" | "onSelectAll"> {
  /** Numbers of the steps. */
  readonly order: readonly number[];
  readonly sort: StepSort | undefined;
  readonly onSort: (sort: StepSort | undefined) => void;
  readonly selected: ReadonlySet<string>;
  readonly onSelected: (selected: ReadonlySet<string>) => void;
  /** What is said where there is no row. */
  readonly empty: string;
}

export function StepsTable(props: StepsTableProps): ReactNode {
  const { order, sort, onSort, selected, selection, onSelected, onSelectAll, empty } = props;
  const { run } = useShownRun();
  const { step: open } = route.useSearch();
  const navigate = route.useNavigate();
  const { data: graph } = useRunGraph();
  const now = useTime();
  const { isDense } = usePreferences();
  const isNarrow = useIsNarrow();
  const height = isNarrow ? 60 : isDense ? 28 : 34;
  const headHeight = isNarrow ? 0 : height;
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: order.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    scrollMargin: headHeight,
    overscan: OVERSCAN,
  });
  const { measure } = rows;
  useEffect(() => measure(), [measure, height]);
  const idAt = (place: number): string | undefined => run.steps[order[place] ?? -1]?.id;
  const placeOf = (id: string): number => order.findIndex((at) => run.steps[at]?.id === id);
  const show = useCallback(
    (id: string, isMove: boolean) =>
      void navigate({
        search: (before) => ({ ...before, step: id, attempt: undefined, line: undefined }),
        replace: isMove,
      }),
    [navigate],
  );
  const select = useSelection({ selected, onSelected, idAt, placeOf });
  const cursor = useRowCursor({
    idAt,
    placeOf,
    count: order.length,
    open,
    scroller,
    scrollTo: (place) => rows.scrollToIndex(place, { align: "auto" }),
    show,
    select,
  });
  return (
    <div
      ref={scroller}
      className={isDense ? "steps-table dense" : "steps-table"}
      role="grid"
      aria-label="Steps"
      aria-multiselectable="true"
      aria-rowcount={order.length + 1}
      tabIndex={0}
      onKeyDown={cursor.onArrows}
    >
      <StepsHead sort={sort} onSort={onSort} selection={selection} onSelectAll={onSelectAll} />
      <div role="rowgroup" className="steps-rows" style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map(({ index, start, key }) => {
          const at = order[index] ?? -1;
          const step = run.steps[at];
          if (step === undefined) return null;
          const queued = queuedMs(step, now);
          const ran = ranMs(step, now);
          return (
            <StepRow
              key={key}
              step={step}
              place={index + 1}
              top={start - headHeight}
              height={height}
              line={stepLine(step, reasonsIn(run, graph, at, now), now)}
              queued={queued === null || queued < LEAST_QUEUED_MS ? "" : durationText(queued)}
              ran={ran === null ? "" : step.durationMs === null ? runningText(ran) : durationText(ran)}
              isCurrent={step.id === cursor.current}
              isOpen={step.id === open}
              isSelected={selected.has(step.id)}
              onSelect={select}
              onOpen={cursor.openStep}
            />
          );
        })}
      </div>
      {order.length === 0 ? <p className="steps-empty">{empty}</p> : null}
    </div>
  );
}

/** The present; of the past, and of a run that nobody works on, nothing goes on. */
function useTime(): number {
  const { run, seq } = useShownRun();
  const present = useShownNow();
  const { live, endedAt } = run.head;
  return seq !== undefined || live ? present : (endedAt ?? present);
}

/** With the steps that it waits for, as soon as they are known. */
function reasonsIn(run: LiveRun, graph: RunGraph | undefined, at: number, now: number): readonly Reason[] {
  const reasons = liveReasons(run, at, now);
  if (graph === undefined || reasons[0]?.kind !== "deps") return reasons;
  return [{ ...reasons[0], steps: openBeforeStep(run, graph, at) }];
}
