/** Counter row: slots in use over time, with those that were ready and waited, drawn for the part that is in view. */
import type { ReactNode } from "react";
import type { Axis } from "./axis.ts";
import type { CountStep } from "./counters.ts";

/** In pixels. */
export const COUNTER_HEIGHT = 40;

export interface CounterRowProps {
  readonly steps: readonly CountStep[];
  readonly axis: Axis;
  readonly now: number;
  /** Slots that there are. */
  readonly slots: number;
  readonly view: { readonly left: number; readonly width: number };
}

export function CounterRow({ steps, axis, now, slots, view }: CounterRowProps): ReactNode {
  const most = steps.reduce((found, { used, queued }) => Math.max(found, used + queued), Math.max(1, slots));
  const yOf = (count: number): number => COUNTER_HEIGHT - 2 - (count / most) * (COUNTER_HEIGHT - 8);
  const path = (countOf: (step: CountStep) => number): string => {
    const parts: string[] = [];
    let before = yOf(0);
    for (const [at, step] of steps.entries()) {
      const x = axis.xOf(step.at) - view.left;
      const next = axis.xOf(steps[at + 1]?.at ?? now) - view.left;
      if (next < 0) {
        before = yOf(countOf(step));
        continue;
      }
      if (x > view.width) break;
      if (parts.length === 0) parts.push(`M${round(Math.max(0, x))} ${yOf(0)}V${before}`);
      else parts.push(`H${round(x)}`);
      before = yOf(countOf(step));
      parts.push(`V${round(before)}H${round(Math.min(view.width, next))}`);
    }
    return parts.length === 0 ? "" : `${parts.join("")}V${yOf(0)}Z`;
  };
  return (
    <svg
      className="tl-counter"
      style={{ left: view.left }}
      width={view.width}
      height={COUNTER_HEIGHT}
      role="img"
      aria-label={`Slots in use over time: at most ${steps.reduce((found, { used }) => Math.max(found, used), 0)} of ${slots}`}
    >
      <path className="tl-counter-queued" d={path(({ used, queued }) => used + queued)} />
      <path className="tl-counter-used" d={path(({ used }) => used)} />
      <line className="tl-counter-most" x1={0} x2={view.width} y1={yOf(slots)} y2={yOf(slots)} />
    </svg>
  );
}

function round(x: number): number {
  return Math.round(x * 10) / 10;
}
