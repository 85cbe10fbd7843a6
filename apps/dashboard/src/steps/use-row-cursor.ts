/** Row cursor: the row that the keys are at, moved a row at a time; while a step is open beside the table, it is the one that is moved to. */
import { useCallback, useEffect, useRef, useState, type KeyboardEvent, type RefObject } from "react";
import { isOnControl, useKeys } from "../app/keys.ts";

export interface RowCursorOptions {
  /** Ids of the rows, by place. */
  readonly idAt: (place: number) => string | undefined;
  readonly placeOf: (id: string) => number;
  readonly count: number;
  /** The step that is shown beside the table. */
  readonly open: string | undefined;
  readonly scroller: RefObject<HTMLElement | null>;
  readonly scrollTo: (place: number) => void;
  /** `isMove`: another one was shown before; the way back leads past both. */
  readonly show: (id: string, isMove: boolean) => void;
  readonly select: (id: string) => void;
}

export interface RowCursor {
  readonly current: string | undefined;
  readonly openStep: (id: string) => void;
  readonly onArrows: (event: KeyboardEvent) => void;
}

export function useRowCursor(options: RowCursorOptions): RowCursor {
  const { idAt, placeOf, count, open, scroller, scrollTo, show, select } = options;
  const [moved, setMoved] = useState<string>();
  const current = moved ?? open;
  const focusWanted = useRef<string>(undefined);
  const moveBy = (by: number): void | false => {
    const from = current === undefined ? -1 : placeOf(current);
    const place = Math.max(0, Math.min(count - 1, from + by));
    const id = idAt(place);
    if (id === undefined) return false;
    setMoved(id);
    focusWanted.current = id;
    scrollTo(place);
    if (open !== undefined) show(id, true);
  };
  // The row may be drawn only after the table has scrolled to it.
  useEffect(() => {
    const wanted = focusWanted.current;
    const link =
      wanted === undefined
        ? null
        : scroller.current?.querySelector<HTMLElement>(`a[data-step="${CSS.escape(wanted)}"]`);
    if (link === null || link === undefined) return;
    focusWanted.current = undefined;
    link.focus({ preventScroll: true });
  });
  const openStep = useCallback(
    (id: string): void => {
      setMoved(id);
      show(id, false);
    },
    [show],
  );
  useKeys([
    { key: "j", what: "Next step", run: () => moveBy(1) },
    { key: "k", what: "Step before", run: () => moveBy(-1) },
    { key: "x", what: "Select the step", run: () => (current === undefined ? false : select(current)) },
    {
      key: "Enter",
      what: "Open the step",
      isNamed: true,
      run: (event) => (current === undefined || isOnControl(event) ? false : openStep(current)),
    },
  ]);
  const onArrows = (event: KeyboardEvent): void => {
    const by = { ArrowDown: 1, ArrowUp: -1, Home: -count, End: count }[event.key];
    if (by === undefined || event.target instanceof HTMLButtonElement) return;
    event.preventDefault();
    moveBy(by);
  };
  return { current, openStep, onArrows };
}
