/**
 * Log list: the lines of a log that are in view, in an element that is scrolled as if all were there. Knows neither the server nor what is
 * searched; says what the reader does to who decides whether the view follows the end.
 *
 * Invariants:
 *  1. The line at the top stays unless the reader moves the view or it follows the end.
 *  2. Only lines near the view are on the page, and the one in which a selection begins.
 *  3. What is copied is text, with all lines of the selection, whether they are on the page or not.
 */
import { useCallback, useEffect, useLayoutEffect, useRef, useState, type MouseEvent, type ReactNode } from "react";
import { MOST_KEPT, type KeptLine } from "./line-store.ts";
import { timeLength } from "./line-time.ts";
import { useCopy, useSelectionAnchor } from "./list-copy.ts";
import { useHeights } from "./list-heights.ts";
import type { LogListProps } from "./list-props.ts";
import { useListScroll } from "./list-scroll.ts";
import { LogRow } from "./log-row.tsx";
import { LONGEST_LINE, styledLine, type StyledLine } from "./styled-line.ts";
import type { TextStyle } from "./text-style.ts";
import { useFrames } from "./use-log.ts";
import "./log-colours.css";
import "./log-list.css";

/** Lines on the page above and below the view. */
const BESIDE = 24;
const TAB = 8;

export function LogList(props: LogListProps): ReactNode {
  const { log, wraps, hidesTimes, chosen, query, currentHit, gutter, instead, label } = props;
  useFrames(log);
  const box = useRef<HTMLDivElement>(null);
  const rows = useRef<HTMLDivElement>(null);
  const size = useSize(box);
  const [whole, setWhole] = useState<ReadonlySet<number>>(new Set());
  const showWhole = useCallback((line: number) => setWhole((before) => new Set([...before, line])), []);
  const heights = useHeights(log, wraps, size.widthPx);
  const scroll = useListScroll(props, { box, rows, viewPx: size.viewPx, heights, beside: BESIDE });
  const anchor = useSelectionAnchor(box, props.onFollow);
  const copied = useCopy(props, box);
  const [first, last] = scroll.at.seen;
  const from = Math.max(1, first - BESIDE);
  const to = Math.min(log.lines, last + BESIDE);
  useEffect(() => {
    if (size.viewPx > 0) log.want(first, last);
  });
  const shown: number[] = [];
  if (anchor !== undefined && anchor < from) shown.push(anchor);
  for (let line = from; line <= to; line++) shown.push(line);
  if (anchor !== undefined && anchor > to && anchor <= log.lines) shown.push(anchor);
  const widest = useRef(0);
  return (
    <div
      ref={box}
      className={`log-list ${wraps ? "wraps" : ""} ${props.choosesRows === true ? "chooses-rows" : ""}`}
      role="region"
      aria-label={label}
      tabIndex={0}
      onScroll={scroll.onScroll}
      onWheel={(event) => (event.deltaY < 0 ? scroll.onUp() : undefined)}
      onTouchMove={scroll.onTouch}
      onKeyDown={(event) => scroll.onKey(event)}
      onCopy={copied}
      onMouseDown={keepSelection}
      onClick={(event) => clicked(event, props)}
    >
      <div className="log-all" style={{ height: scroll.at.heightPx }}>
        <div ref={rows} className="log-rows">
          {shown.map((line) => {
            const kept = log.line(line);
            const isWhole = whole.has(line);
            const styled = kept === undefined ? undefined : styledOf(kept, log.styleBefore(line), isWhole);
            const text = styled?.text ?? "";
            widest.current = Math.max(
              widest.current,
              text.length + (text.includes("\t") ? text.split("\t").length * TAB : 0),
            );
            const other = instead?.(line);
            return (
              <LogRow
                key={line}
                line={line}
                styled={other === undefined ? styled : undefined}
                hidden={hidesTimes ? timeLength(text) : 0}
                query={query}
                isCurrent={line === currentHit}
                isChosen={chosen !== undefined && line >= chosen.from && line <= chosen.to}
                gutter={gutter(line)}
                instead={other}
                isWhole={isWhole}
                onMore={showWhole}
                isAside={line < from || line > to}
              />
            );
          })}
          {wraps ? null : <div className="log-widest" style={{ width: `${widest.current}ch` }} />}
        </div>
      </div>
    </div>
  );
}

const styledLines = new WeakMap<
  KeptLine,
  { readonly before: TextStyle; readonly isWhole: boolean; readonly styled: StyledLine }
>();

/** The same object for the same line, so that its row is not drawn anew. */
function styledOf(kept: KeptLine, before: TextStyle, isWhole: boolean): StyledLine {
  const known = styledLines.get(kept);
  if (known !== undefined && known.before === before && known.isWhole === isWhole) return known.styled;
  const made = styledLine(kept.text, before, isWhole ? MOST_KEPT : LONGEST_LINE);
  const styled = { ...made, cut: made.cut + kept.cut };
  styledLines.set(kept, { before, isWhole, styled });
  return styled;
}

function clicked(event: MouseEvent<HTMLElement>, { onGutter, choosesRows = false }: LogListProps): void {
  const target = event.target as HTMLElement;
  const row = target.closest<HTMLElement>(choosesRows ? ".log-row" : ".log-gutter")?.closest<HTMLElement>(".log-row");
  const line = Number(row?.dataset["line"]);
  // The end of a selection is a click, too.
  if (line > 0 && document.getSelection()?.isCollapsed !== false) onGutter(line, event.shiftKey);
}

/** A click on the numbers with Shift chooses lines: it selects no text. */
function keepSelection(event: MouseEvent<HTMLElement>): void {
  if (event.shiftKey && (event.target as HTMLElement).closest(".log-gutter") !== null) event.preventDefault();
}

interface Size {
  readonly viewPx: number;
  readonly widthPx: number;
}

function useSize(box: { readonly current: HTMLElement | null }): Size {
  const [size, setSize] = useState<Size>({ viewPx: 0, widthPx: 0 });
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    const look = (): void =>
      setSize((before) => {
        const { clientHeight: viewPx, clientWidth: widthPx } = element;
        return before.viewPx === viewPx && before.widthPx === widthPx ? before : { viewPx, widthPx };
      });
    look();
    const observer = new ResizeObserver(look);
    observer.observe(element);
    return () => observer.disconnect();
  }, [box]);
  return size;
}
