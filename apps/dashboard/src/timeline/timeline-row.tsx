/** Row of the timeline: its name, and its bars where they are in view. One of the row's parts at most takes part in the order of Tab. */
import { memo, type ReactNode } from "react";
import { Link } from "@tanstack/react-router";
import { FAMILY_OF } from "heddle/view";
import { Glyph } from "../ui/glyph.tsx";
import type { PackedBar } from "./packed.ts";
import type { TimelineLook, TimelineRow } from "./row-bars.ts";

export interface TimelineRowLineProps {
  readonly row: TimelineRow;
  readonly place: number;
  readonly count: number;
  readonly top: number;
  readonly bars: readonly PackedBar[];
  readonly view: { readonly left: number; readonly width: number };
  /** From the name (0) and the bars on (1, ...), the one that Tab leads to; absent: none of this row. */
  readonly active?: number | undefined;
  readonly isSelected: boolean;
  readonly isCritical: boolean;
  readonly textOf: (bar: PackedBar) => string;
  readonly onPoint: (bar: PackedBar | undefined) => void;
  readonly onOpen: (bar: PackedBar) => void;
}

const FAMILIES: Readonly<Record<TimelineLook, string>> = {
  succeeded: FAMILY_OF.succeeded,
  failed: FAMILY_OF.failed,
  cancelled: FAMILY_OF.cancelled,
  interrupted: FAMILY_OF.interrupted,
  running: FAMILY_OF.running,
  cached: FAMILY_OF.cached,
  asked: FAMILY_OF["needs-approval"],
  waited: FAMILY_OF.waiting,
  container: FAMILY_OF.waiting,
  undo: FAMILY_OF.retrying,
  expected: FAMILY_OF.waiting,
};

export const TimelineRowLine = memo(function TimelineRowLine(props: TimelineRowLineProps): ReactNode {
  const { place, count, top, bars, view, active, isSelected, isCritical } = props;
  const right = view.left + view.width;
  return (
    <div
      role="listitem"
      aria-posinset={place + 1}
      aria-setsize={count}
      className={`tl-row${isSelected ? " selected" : ""}${isCritical ? " critical" : ""}`}
      style={{ top }}
    >
      <RowName {...props} />
      <div className="tl-bars">
        {bars.map((bar, at) =>
          // What has the focus stays.
          active !== at + 1 && (bar.x + bar.width < view.left || bar.x - bar.lead > right) ? null : (
            <Bar key={bar.key} bar={bar} at={at} {...props} />
          ),
        )}
      </div>
    </div>
  );
});

function RowName({ row, place, active }: TimelineRowLineProps): ReactNode {
  const style = { paddingLeft: 10 + row.depth * 12 };
  const { step, status, label } = row;
  if (step === undefined)
    return (
      <div className="tl-name" style={style}>
        <span className="ellipsis" title={label}>
          {label}
        </span>
      </div>
    );
  return (
    <div className="tl-name" style={style}>
      {status === undefined ? null : <Glyph name={status} label={status} size={14} />}
      <Link
        className="ellipsis"
        from="/p/$project/runs/$run"
        search={(before) => ({ ...before, step, attempt: undefined })}
        title={label}
        tabIndex={active === 0 ? 0 : -1}
        data-at={`${place} 0`}
      >
        {label}
      </Link>
    </div>
  );
}

/** The step, where the row does not say it, and which attempt it is. */
function BarText({
  bar: { bar, x, width },
  isNamed,
}: {
  readonly bar: PackedBar;
  readonly isNamed: boolean;
}): ReactNode {
  const attempt = bar.bar?.attempt ?? 1;
  const number = attempt > 1 ? String(attempt) : "";
  if (width < (isNamed ? 26 : 44)) return null;
  const text = isNamed ? number : `${bar.step} ${number}`.trim();
  if (text === "") return null;
  return (
    <span className="tl-bar-text ellipsis" aria-hidden="true" style={{ left: x + 3, maxWidth: width - 6 }}>
      {text}
    </span>
  );
}

function Bar({
  bar,
  row,
  at,
  place,
  active,
  isCritical,
  textOf,
  onPoint,
  onOpen,
}: TimelineRowLineProps & { readonly bar: PackedBar; readonly at: number }): ReactNode {
  const { x, width, lead, look, count } = bar;
  const text = textOf(bar);
  return (
    <>
      {lead >= 1 ? <span className="tl-lead" style={{ left: x - lead, width: lead }} /> : null}
      <button
        type="button"
        className={`tl-bar family-${FAMILIES[look]} look-${look}`}
        style={{ left: x, width }}
        tabIndex={active === at + 1 ? 0 : -1}
        data-at={`${place} ${at + 1}`}
        aria-label={text}
        onPointerEnter={() => onPoint(bar)}
        onFocus={() => onPoint(bar)}
        onClick={() => onOpen(bar)}
      />
      {count === 1 ? <BarText bar={bar} isNamed={row.step !== undefined} /> : null}
      {isCritical && look !== "container" ? (
        <span className="tl-critical" style={{ left: x - lead, width: width + lead }} />
      ) : null}
    </>
  );
}
