/**
 * Steps table: only the rows that are in sight are drawn. Rows keep their places while somebody looks; the keys move a row at a time.
 */
import { useCallback, useEffect, useRef, useState, type KeyboardEvent, type ReactNode } from "react";
import { getRouteApi } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import { liveReasons, type LiveRun, type Reason, type RunGraph } from "heddle/view";
import { isOnControl, useKeys } from "../app/keys.ts";
import { usePreferences } from "../app/preferences.ts";
import { openBeforeStep, useRunGraph } from "../run/run-graph.ts";
import { useShownRun } from "../run/shown-run.tsx";
import { useNow } from "../store/now.ts";
import { useIsPhone } from "../ui/is-phone.ts";
import { durationText, runningText } from "../ui/format.ts";
import { stepLine } from "./reason-text.ts";
import { queuedMs, ranMs, type StepSort } from "./step-order.ts";
import { StepRow } from "./step-row.tsx";
import { StepsHead, type StepsHeadProps } from "./steps-head.tsx";

const route = getRouteApi("/p/$project/runs/$run");

/** Rows drawn beyond those in sight. */
const OVERSCAN = 8;

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

export function StepsTable({
  order,
  sort,
  onSort,
  selected,
  selection,
  onSelected,
  onSelectAll,
  empty,
}: StepsTableProps): ReactNode {
  const { run, seq } = useShownRun();
  const { step: open } = route.useSearch();
  const navigate = route.useNavigate();
  const graph = useRunGraph();
  const present = useNow();
  // Of the past nothing goes on.
  const now = seq === undefined && run.head.live ? present : (run.head.endedAt ?? present);
  const { isDense } = usePreferences();
  const isPhone = useIsPhone();
  const height = isPhone ? 60 : isDense ? 28 : 34;
  const scroller = useRef<HTMLDivElement>(null);
  const { getVirtualItems, getTotalSize, scrollToIndex, measure } = useVirtualizer({
    count: order.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    scrollMargin: isPhone ? 0 : height,
    overscan: OVERSCAN,
  });
  useEffect(() => measure(), [measure, height]);
  const [current, setCurrent] = useState<string | undefined>(open);
  const idAt = (place: number): string | undefined => run.steps[order[place] ?? -1]?.id;
  const placeOf = (id: string | undefined): number => order.findIndex((at) => run.steps[at]?.id === id);
  const show = useCallback(
    (id: string, isMove: boolean) =>
      void navigate({
        search: (before) => ({ ...before, step: id, attempt: undefined, line: undefined }),
        replace: isMove,
      }),
    [navigate],
  );
  const focusWanted = useRef<string>(undefined);
  const moveTo = (place: number): void | false => {
    const id = idAt(Math.max(0, Math.min(order.length - 1, place)));
    if (id === undefined) return false;
    setCurrent(id);
    focusWanted.current = id;
    scrollToIndex(placeOf(id), { align: "auto" });
    if (open !== undefined) show(id, true);
  };
  const moveBy = (by: number): void | false => moveTo(placeOf(current ?? open) + by);
  // The row may be drawn only after the table has scrolled to it.
  useEffect(() => {
    const wanted = focusWanted.current;
    if (wanted === undefined) return;
    const link = scroller.current?.querySelector<HTMLElement>(`a[data-step="${CSS.escape(wanted)}"]`);
    if (link === null || link === undefined) return;
    focusWanted.current = undefined;
    link.focus({ preventScroll: true });
  });
  const anchor = useRef<string>(undefined);
  const latest = useRef({ order, run, selected });
  latest.current = { order, run, selected };
  const select = useCallback(
    (id: string, isRange: boolean): void => {
      const { order: shown, run: shownRun, selected: before } = latest.current;
      const next = new Set(before);
      const isOn = !before.has(id);
      const at = (one: string | undefined): number => shown.findIndex((step) => shownRun.steps[step]?.id === one);
      const [from, to] = [isRange ? at(anchor.current) : -1, at(id)];
      const places = from === -1 ? [to] : range(Math.min(from, to), Math.max(from, to));
      for (const place of places) {
        const one = shownRun.steps[shown[place] ?? -1]?.id;
        if (one === undefined) continue;
        if (isOn) next.add(one);
        else next.delete(one);
      }
      anchor.current = id;
      onSelected(next);
    },
    [onSelected],
  );
  const openStep = useCallback(
    (id: string): void => {
      setCurrent(id);
      show(id, false);
    },
    [show],
  );
  useKeys([
    { key: "j", what: "Next step", run: () => moveBy(1) },
    { key: "k", what: "Step before", run: () => moveBy(-1) },
    { key: "x", what: "Select the step", run: () => (current === undefined ? false : select(current, false)) },
    {
      key: "Enter",
      what: "Open the step",
      isNamed: true,
      run: (event) => (current === undefined || isOnControl(event) ? false : openStep(current)),
    },
  ]);
  const onArrows = (event: KeyboardEvent): void => {
    const by = { ArrowDown: 1, ArrowUp: -1, Home: -order.length, End: order.length }[event.key];
    if (by === undefined || event.target instanceof HTMLButtonElement) return;
    event.preventDefault();
    moveBy(by);
  };
  return (
    <div
      ref={scroller}
      className={isDense ? "steps-table dense" : "steps-table"}
      role="grid"
      aria-label="Steps"
      aria-multiselectable="true"
      aria-rowcount={order.length + 1}
      tabIndex={0}
      onKeyDown={onArrows}
    >
      <StepsHead sort={sort} onSort={onSort} selection={selection} onSelectAll={onSelectAll} />
      <div role="rowgroup" className="steps-rows" style={{ height: getTotalSize() }}>
        {getVirtualItems().map(({ index, start, key }) => {
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
              top={start - (isPhone ? 0 : height)}
              height={height}
              line={stepLine(step, reasonsIn(run, graph, at, now), now)}
              queued={queued === null || queued < 50 ? "" : durationText(queued)}
              ran={ran === null ? "" : step.durationMs === null ? runningText(ran) : durationText(ran)}
              isCurrent={step.id === (current ?? open)}
              isOpen={step.id === open}
              isSelected={selected.has(step.id)}
              onSelect={select}
              onOpen={openStep}
            />
          );
        })}
      </div>
      {order.length === 0 ? <p className="steps-empty">{empty}</p> : null}
    </div>
  );
}

/** With the steps that it waits for, as soon as they are known. */
function reasonsIn(run: LiveRun, graph: RunGraph | undefined, at: number, now: number): readonly Reason[] {
  const reasons = liveReasons(run, at, now);
  if (graph === undefined || reasons[0]?.kind !== "deps") return reasons;
  return [{ ...reasons[0], steps: openBeforeStep(run, graph, at) }];
}

function range(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from + 1 }, (_, at) => from + at);
}
