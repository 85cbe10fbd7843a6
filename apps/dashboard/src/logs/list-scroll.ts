/**
 * List scroll: moves a list of lines as the reader asks, or to its end. Keeps the bar of the browser and the place in the log together.
 *
 * Invariants:
 *  1. What the reader does comes first: a bar that was moved since it was looked at last is never set over.
 *  2. The bar is set where the list must: when it follows, when it is told to, and when short scrolls would come to an end too early.
 */
import {
  useEffect,
  useImperativeHandle,
  useLayoutEffect,
  useReducer,
  useRef,
  useState,
  type KeyboardEvent,
  type RefObject,
  type TouchEvent,
} from "react";
import { ROW_PX, type Heights } from "./list-heights.ts";
import type { LogListProps } from "./list-props.ts";
import { ScrollPlace } from "./scroll-place.ts";

const REST_MS = 150;
/** Rows of the view before that stay when it is turned. */
const KEPT_ROWS = 2;

export interface ListParts {
  readonly box: RefObject<HTMLElement | null>;
  /** The lines that are on the page, at their place. */
  readonly rows: RefObject<HTMLElement | null>;
  readonly viewPx: number;
  readonly heights: Heights | undefined;
  /** Lines on the page before the first that is seen. */
  readonly beside: number;
}

export interface ListScroll {
  readonly at: ScrollPlace;
  readonly onScroll: () => void;
  /** The reader is about to move the view up. */
  readonly onUp: () => void;
  readonly onTouch: (event: TouchEvent) => void;
  readonly onKey: (event: KeyboardEvent) => void;
}

export function useListScroll(props: LogListProps, parts: ListParts): ListScroll {
  const { log, follows, onFollow, onPlace, ref } = props;
  const { box, rows, viewPx, heights } = parts;
  const [at] = useState(() => new ScrollPlace());
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  const state = useRef<{ isPlaced: boolean; mustSet: boolean; heightPx: number; touchY: number; first?: () => void }>({
    isPlaced: false,
    mustSet: false,
    heightPx: 0,
    touchY: 0,
  });
  const rest = useRef<ReturnType<typeof setTimeout>>(undefined);
  at.resize({
    lines: log.lines,
    viewPx,
    rowPx: ROW_PX,
    ...(heights === undefined ? {} : { heightOf: heights.heightOf, meanPx: heights.meanPx }),
  });
  if (!state.current.isPlaced && viewPx > 0 && log.lines > 0) {
    begin(at, props);
    state.current.first?.();
    state.current.isPlaced = true;
    state.current.mustSet = true;
  }
  if (follows && state.current.isPlaced) at.goToEnd();

  const moved = (by: number, isBarAtEnd: boolean): void => {
    onFollow({ kind: "scrolled", by, isAtEnd: by < 0 ? at.fits || isBarAtEnd : at.isAtEnd });
    redraw();
    clearTimeout(rest.current);
    rest.current = setTimeout(() => {
      if (!at.isExact) state.current.mustSet = true;
      redraw();
      onPlace(at.place);
    }, REST_MS);
  };
  const take = ({ scrollTop, clientHeight, scrollHeight }: HTMLElement): void => {
    const by = at.scrolled(scrollTop);
    // A view that becomes higher at the end of its bar is moved up by the browser: no reader did that.
    if (by !== 0) moved(by, scrollTop + clientHeight >= scrollHeight - 0.5);
  };
  const go = (move: () => void): void => {
    // Before it is known how high the view is: then.
    if (!state.current.isPlaced) return void (state.current.first = move);
    move();
    state.current.mustSet = true;
    redraw();
    onPlace(at.place);
  };
  const moveBy = (px: number): void => {
    go(() => at.moveBy(px));
    onFollow({ kind: "scrolled", by: px, isAtEnd: px < 0 ? at.fits : at.isAtEnd });
  };

  useLayoutEffect(() => {
    const [element, list] = [box.current, rows.current];
    if (element === null || list === null || !state.current.isPlaced) return;
    const { heightPx } = at;
    const grew = heightPx >= state.current.heightPx;
    state.current.heightPx = heightPx;
    if (grew && !state.current.mustSet && Math.abs(element.scrollTop - at.barPx) > 1) return take(element);
    if (follows || state.current.mustSet || at.isShortOfWay) {
      element.scrollTop = at.topPx;
      at.wasSet(element.scrollTop);
      state.current.mustSet = false;
    }
    if (placeRows(list, at, parts)) redraw();
  });
  useEffect(
    () =>
      log.onMoved(({ from, by }) => {
        at.shift(from, by);
        state.current.mustSet = true;
        redraw();
      }),
    [log, at],
  );
  useEffect(() => () => clearTimeout(rest.current), []);
  useImperativeHandle(ref, () => ({
    reveal: (line) => go(() => at.reveal(line)),
    toStart: () => go(() => at.goTo({ line: 1, px: 0 })),
    toEnd: () => go(() => at.goToEnd()),
    firstSeen: () => at.seen[0],
    focus: () => box.current?.focus({ preventScroll: true }),
  }));

  const onUp = (): void => {
    if (!at.fits) onFollow({ kind: "scrolled", by: -1, isAtEnd: false });
  };
  return {
    at,
    onScroll: () => (box.current === null ? undefined : take(box.current)),
    onUp,
    onTouch(event) {
      const y = event.touches[0]?.clientY ?? 0;
      if (y > state.current.touchY && state.current.touchY > 0) onUp();
      state.current.touchY = y;
    },
    onKey: (event) => pressed(event, props, { moveBy, go, at, viewPx }),
  };
}

function begin(at: ScrollPlace, { start, log }: LogListProps): void {
  if (start.kind === "start") at.goTo({ line: 1, px: 0 });
  else if (start.kind === "line") at.reveal(Math.min(start.line, log.lines));
  else if (start.kind === "place" && start.place.line <= log.lines) at.goTo(start.place);
  else at.goToEnd();
}

/** To where the first that is seen belongs. Gives whether a line was another height than thought. */
function placeRows(list: HTMLElement, at: ScrollPlace, { heights, beside }: ListParts): boolean {
  const [first] = at.seen;
  let above = Math.min(beside, first - 1) * ROW_PX;
  let isNew = false;
  if (heights !== undefined)
    for (const row of list.querySelectorAll<HTMLElement>("[data-line]:not(.is-aside)")) {
      const line = Number(row.dataset["line"]);
      isNew = heights.measured(line, row.offsetHeight) || isNew;
      if (line === first) above = row.offsetTop;
    }
  list.style.top = `${at.barPx - at.place.px - above}px`;
  return isNew;
}

function pressed(
  event: KeyboardEvent,
  { onFollow, onChooseAll }: LogListProps,
  {
    moveBy,
    go,
    at,
    viewPx,
  }: {
    readonly moveBy: (px: number) => void;
    readonly go: (move: () => void) => void;
    readonly at: ScrollPlace;
    readonly viewPx: number;
  },
): void {
  // Of a button in a line it is the button's.
  if (event.target !== event.currentTarget || event.altKey) return;
  const page = Math.max(ROW_PX, viewPx - KEPT_ROWS * ROW_PX);
  const moves: Readonly<Record<string, () => void>> = {
    ArrowUp: () => moveBy(-ROW_PX),
    ArrowDown: () => moveBy(ROW_PX),
    PageUp: () => moveBy(-page),
    PageDown: () => moveBy(page),
    " ": () => moveBy(event.shiftKey ? -page : page),
    Home: () => {
      go(() => at.goTo({ line: 1, px: 0 }));
      onFollow({ kind: "scrolled", by: -1, isAtEnd: at.fits });
    },
    End: () => {
      go(() => at.goToEnd());
      onFollow({ kind: "end" });
    },
  };
  const isAll = event.key === "a" && (event.ctrlKey || event.metaKey);
  const move = isAll ? onChooseAll : event.ctrlKey || event.metaKey ? undefined : moves[event.key];
  if (move === undefined) return;
  event.preventDefault();
  move();
}
