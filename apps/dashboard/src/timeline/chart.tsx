/**
 * Chart of the timeline: rows that are in view over an axis of its own, by pointer and by keys. Tab leads to one of its parts, arrows from there:
 * left and right along a row, up and down to the next one.
 */
import {
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  type KeyboardEvent,
  type ReactNode,
} from "react";
import { defaultRangeExtractor, useVirtualizer } from "@tanstack/react-virtual";
import { useKeys } from "../app/keys.ts";
import { durationText, runningText } from "../ui/format.ts";
import { FOLD_WIDTH, timeAxis, type Axis, type Stretch } from "./axis.ts";
import { COUNTER_HEIGHT, CounterRow } from "./counter-row.tsx";
import type { CountStep } from "./counters.ts";
import { packedBars, type PackedBar } from "./packed.ts";
import type { TimelineRow } from "./row-bars.ts";
import { TimelineRowLine } from "./timeline-row.tsx";
import "./chart.css";

const ROW_HEIGHT = 26;
const AXIS_HEIGHT = 26;
const MOST_ZOOM = 4096;
const MOST_WIDTH = 4_000_000;
/** Views are told in steps of so many pixels, so that scrolling does not draw at each one. */
const VIEW_STEP = 256;

export interface ChartProps {
  readonly rows: readonly TimelineRow[];
  readonly counts: readonly CountStep[];
  /** Slots that there are. */
  readonly slots: number;
  readonly time: Stretch;
  readonly folds: readonly Stretch[];
  /** Where what goes on ends. */
  readonly now: number;
  /** By how much what is expected is later than it was. */
  readonly late: number;
  /** The run goes on: the present is marked. */
  readonly isLive: boolean;
  readonly critical: ReadonlySet<string>;
  /** Id of the step that is looked at. */
  readonly selected: string | undefined;
  readonly textOf: (bar: PackedBar) => string;
  readonly onPoint: (bar: PackedBar | undefined) => void;
  readonly onOpen: (step: string, attempt: number | undefined) => void;
}

interface Place {
  readonly row: number;
  /** Of the row: it stays the same where rows come before it. */
  readonly key: string | undefined;
  /** 0: the row's name; from 1 on its bars. */
  readonly part: number;
}

export function Chart(props: ChartProps): ReactNode {
  const { rows, time, folds, now, late, isLive, critical, selected, textOf, onPoint, onOpen } = props;
  const scroll = useRef<HTMLDivElement>(null);
  const { width, view, onScroll } = useView(scroll);
  const [zoom, setZoom] = useState(1);
  const axis = useMemo(
    () => timeAxis(time, folds, Math.min(MOST_WIDTH, Math.max(200, width) * zoom)),
    [time, folds, width, zoom],
  );
  const zoomTo = useZoom({ scroll, zoom, setZoom });
  // oxlint-disable-next-line react-hooks/exhaustive-deps
  const packed = useMemo(() => new WeakMap<TimelineRow, readonly PackedBar[]>(), [axis, now, late]);
  const barsOf = useCallback(
    (row: TimelineRow): readonly PackedBar[] => {
      const known = packed.get(row) ?? packedBars(row.bars, axis, now, late);
      packed.set(row, known);
      return known;
    },
    [packed, axis, now, late],
  );
  const [stood, setPlace] = useState<Place>({ row: 0, key: undefined, part: rows[0]?.step === undefined ? 1 : 0 });
  const place = placeIn(rows, stood);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 6,
    paddingStart: AXIS_HEIGHT + COUNTER_HEIGHT,
    scrollPaddingStart: AXIS_HEIGHT + COUNTER_HEIGHT,
    // What has the focus stays.
    rangeExtractor: (range) => [...new Set([...defaultRangeExtractor(range), place.row])],
  });
  const { onKeyDown, take } = useRoving({
    rows,
    barsOf,
    scroll,
    place,
    setPlace,
    scrollTo: (row) => virtual.scrollToIndex(row),
  });
  const open = useCallback(
    (bar: PackedBar): void => {
      if (bar.count > 1) return zoomTo(zoom * 4, bar.x);
      onOpen(bar.bar.step, bar.bar.bar?.kind === "attempt" ? bar.bar.bar.attempt : undefined);
    },
    [onOpen, zoomTo, zoom],
  );
  useKeys([
    { key: "+", what: "Zoom in", run: () => zoomTo(zoom * 2) },
    { key: "-", what: "Zoom out", run: () => zoomTo(zoom / 2) },
    { key: "0", what: "All of the time", run: () => zoomTo(1) },
  ]);
  return (
    <div
      className="tl-scroll"
      ref={scroll}
      onScroll={onScroll}
      onKeyDown={onKeyDown}
      onPointerLeave={() => onPoint(undefined)}
      onFocus={take}
    >
      <div
        className="tl-canvas"
        style={{ width: `calc(var(--tl-names) + ${axis.width + 24}px)`, height: virtual.getTotalSize() + 8 }}
      >
        <Head {...props} axis={axis} view={view} />
        <Columns axis={axis} now={now} isLive={isLive} start={time.from} />
        <div role="list" aria-label="Rows of the timeline">
          {virtual.getVirtualItems().map(({ index, start }) => {
            const row = rows[index];
            if (row === undefined) return null;
            return (
              <TimelineRowLine
                key={row.key}
                row={row}
                place={index}
                count={rows.length}
                top={start}
                bars={barsOf(row)}
                view={view}
                active={place.row === index ? place.part : undefined}
                isSelected={row.step !== undefined && row.step === selected}
                isCritical={row.step !== undefined && critical.has(row.step)}
                textOf={textOf}
                onPoint={onPoint}
                onOpen={open}
              />
            );
          })}
        </div>
      </div>
    </div>
  );
}

function Head({
  axis,
  view,
  counts,
  slots,
  now,
}: ChartProps & { readonly axis: Axis; readonly view: { readonly left: number; readonly width: number } }): ReactNode {
  return (
    <div className="tl-head">
      <div className="tl-corner">
        <span>
          Slots in use, of {slots}
          <br />
          <span className="tl-corner-queued" /> ready besides
        </span>
      </div>
      <div className="tl-axis">
        {axis.ticks.map(({ x, text }) => (
          <span key={x} className="tl-tick" style={{ left: x }}>
            {text}
          </span>
        ))}
        <CounterRow steps={counts} axis={axis} now={now} slots={slots} view={view} />
      </div>
    </div>
  );
}

/** What goes through all rows: lines of the axis, folds, and the present. */
function Columns({
  axis,
  now,
  isLive,
  start,
}: {
  readonly axis: Axis;
  readonly now: number;
  readonly isLive: boolean;
  readonly start: number;
}): ReactNode {
  return (
    <div className="tl-columns">
      {axis.ticks.map(({ x }) => (
        <span key={x} className="tl-line" style={{ left: x }} />
      ))}
      {axis.folds.map(({ x, ms }) => (
        <span
          key={x}
          className="tl-fold"
          style={{ left: x, width: FOLD_WIDTH }}
          title={`${durationText(ms)} in which nothing worked`}
        >
          <span className="tl-fold-text">{durationText(ms)}</span>
        </span>
      ))}
      {isLive ? (
        <span className="tl-now" style={{ left: axis.xOf(now) }}>
          <span className="tl-now-text">now {runningText(now - start)}</span>
        </span>
      ) : null}
    </div>
  );
}

function useView(scroll: React.RefObject<HTMLDivElement | null>) {
  const [width, setWidth] = useState(800);
  const [left, setLeft] = useState(0);
  useLayoutEffect(() => {
    const element = scroll.current;
    if (element === null) return;
    const measure = (): void => {
      const names = Number.parseFloat(getComputedStyle(element).getPropertyValue("--tl-names")) || 200;
      setWidth(element.clientWidth - names - 32);
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [scroll]);
  const onScroll = useCallback(() => {
    const at = scroll.current?.scrollLeft ?? 0;
    setLeft(Math.max(0, Math.floor(at / VIEW_STEP) - 1) * VIEW_STEP);
  }, [scroll]);
  const view = useMemo(() => ({ left, width: width + 3 * VIEW_STEP }), [left, width]);
  return { width, view, onScroll };
}

interface ZoomInput {
  readonly scroll: React.RefObject<HTMLDivElement | null>;
  readonly zoom: number;
  readonly setZoom: (zoom: number) => void;
}

/** Keeps what is at `x` (of the axis; default: the middle) where it is. */
function useZoom({ scroll, zoom, setZoom }: ZoomInput): (wanted: number, x?: number) => void {
  const kept = useRef<{ readonly share: number; readonly at: number }>(undefined);
  const zoomTo = useCallback(
    (wanted: number, x?: number) => {
      const element = scroll.current;
      if (element === null) return;
      const at = x === undefined ? element.clientWidth / 2 : x - element.scrollLeft;
      kept.current = { share: (element.scrollLeft + at) / element.scrollWidth, at };
      setZoom(Math.min(MOST_ZOOM, Math.max(1, wanted)));
    },
    [scroll, setZoom],
  );
  useLayoutEffect(() => {
    const element = scroll.current;
    if (element === null || kept.current === undefined) return;
    element.scrollLeft = kept.current.share * element.scrollWidth - kept.current.at;
    kept.current = undefined;
  }, [scroll, zoom]);
  useEffect(() => {
    const element = scroll.current;
    if (element === null) return;
    const onWheel = (event: WheelEvent): void => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      const at = event.clientX - element.getBoundingClientRect().left + element.scrollLeft;
      zoomTo(zoom * Math.exp(-event.deltaY / 300), at);
    };
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => element.removeEventListener("wheel", onWheel);
  }, [scroll, zoom, zoomTo]);
  return zoomTo;
}

interface RovingInput {
  readonly rows: readonly TimelineRow[];
  readonly barsOf: (row: TimelineRow) => readonly PackedBar[];
  readonly scroll: React.RefObject<HTMLDivElement | null>;
  readonly place: Place;
  readonly setPlace: (place: Place) => void;
  readonly scrollTo: (row: number) => void;
}

function useRoving({ rows, barsOf, scroll, place, setPlace, scrollTo }: RovingInput) {
  const wanted = useRef<Pick<Place, "row" | "part">>(undefined);
  useLayoutEffect(() => {
    if (wanted.current === undefined) return;
    const { row, part } = wanted.current;
    const element = scroll.current?.querySelector<HTMLElement>(`[data-at="${row} ${part}"]`);
    if (element === undefined || element === null) return;
    wanted.current = undefined;
    element.focus({ preventScroll: true });
    element.scrollIntoView({ block: "nearest", inline: "nearest" });
  });
  const goTo = (row: number, part: number): void => {
    wanted.current = { row, part };
    scrollTo(row);
    setPlace({ row, part, key: rows[row]?.key });
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const row = rows[place.row];
    if (row === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    const least = row.step === undefined ? 1 : 0;
    const most = barsOf(row).length;
    const next = movedPlace(event.key, place, { rows: rows.length, least, most });
    if (next === undefined) return;
    event.preventDefault();
    const target = rows[next.row];
    if (target === undefined) return;
    const parts = barsOf(target).length;
    goTo(next.row, Math.min(Math.max(next.part, target.step === undefined ? 1 : 0), parts));
  };
  // What was pointed at is where Tab leads to from now on.
  const take = (event: { readonly target: EventTarget }): void => {
    const at = event.target instanceof HTMLElement ? event.target.dataset["at"] : undefined;
    const [row, part] = (at ?? "").split(" ").map(Number);
    if (row === undefined || part === undefined || Number.isNaN(row)) return;
    if (row !== place.row || part !== place.part) setPlace({ row, part, key: rows[row]?.key });
  };
  return { onKeyDown, take };
}

/** Where the row is now that was stood in; where it is gone, what is in its place. */
function placeIn(rows: readonly TimelineRow[], place: Place): Place {
  const { row, key } = place;
  const last = Math.max(0, rows.length - 1);
  if (key === undefined || rows[row]?.key === key) return row <= last ? place : { ...place, row: last };
  const now = rows.findIndex((one) => one.key === key);
  return { ...place, row: now === -1 ? Math.min(row, last) : now };
}

function movedPlace(
  key: string,
  { row, part }: Pick<Place, "row" | "part">,
  { rows, least, most }: { readonly rows: number; readonly least: number; readonly most: number },
): Pick<Place, "row" | "part"> | undefined {
  switch (key) {
    case "ArrowDown":
      return row + 1 < rows ? { row: row + 1, part } : undefined;
    case "ArrowUp":
      return row > 0 ? { row: row - 1, part } : undefined;
    case "ArrowRight":
      return part < most ? { row, part: part + 1 } : undefined;
    case "ArrowLeft":
      return part > least ? { row, part: part - 1 } : undefined;
    case "Home":
      return { row: 0, part };
    case "End":
      return { row: rows - 1, part };
    case "PageDown":
      return { row: Math.min(rows - 1, row + 20), part };
    case "PageUp":
      return { row: Math.max(0, row - 20), part };
    default:
      return undefined;
  }
}
