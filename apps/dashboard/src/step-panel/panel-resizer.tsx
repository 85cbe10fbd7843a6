/** Panel resizer: the edge of the step panel, moved by the pointer or by the arrow keys. */
import { useRef, type KeyboardEvent, type PointerEvent, type ReactNode } from "react";
import { setPreference } from "../app/preferences.ts";
import { LEAST_WIDTH, mostWidth, panelWidth } from "./panel-width.ts";

const STEP = 24;

export function PanelResizer({ width }: { readonly width: number }): ReactNode {
  const drag = useRef<{ readonly from: number; readonly width: number }>(undefined);
  const resize = (wanted: number): void => setPreference("panelWidth", panelWidth(wanted, innerWidth));
  const onKeyDown = (event: KeyboardEvent): void => {
    const to = {
      ArrowLeft: width + STEP,
      ArrowRight: width - STEP,
      Home: mostWidth(innerWidth),
      End: LEAST_WIDTH,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    resize(to);
  };
  const onPointerDown = (event: PointerEvent): void => {
    event.currentTarget.setPointerCapture(event.pointerId);
    drag.current = { from: event.clientX, width };
  };
  const onPointerMove = (event: PointerEvent): void => {
    if (drag.current !== undefined) resize(drag.current.width + drag.current.from - event.clientX);
  };
  return (
    <div
      className="panel-resizer"
      role="separator"
      aria-orientation="vertical"
      aria-label="Width of the step panel"
      aria-valuenow={width}
      aria-valuemin={LEAST_WIDTH}
      aria-valuemax={mostWidth(innerWidth)}
      tabIndex={0}
      onKeyDown={onKeyDown}
      onPointerDown={onPointerDown}
      onPointerMove={onPointerMove}
      onPointerUp={() => (drag.current = undefined)}
      onPointerCancel={() => (drag.current = undefined)}
    />
  );
}
