/** Row of the steps table. Drawn again only when what it shows has changed. */
import { memo, type ReactNode } from "react";
import { Link } from "@tanstack/react-router";
import type { LiveStep } from "heddle/view";
import { costText, countText } from "../ui/format.ts";
import { Status } from "../ui/glyph.tsx";

export interface StepRowProps {
  readonly step: LiveStep;
  /** From 1, among the rows that are shown. */
  readonly place: number;
  /** Where it is drawn, in pixels. */
  readonly top: number;
  readonly height: number;
  readonly line: string | undefined;
  readonly queued: string;
  readonly ran: string;
  /** The keys are at it. */
  readonly isCurrent: boolean;
  /** It is shown beside the table. */
  readonly isOpen: boolean;
  readonly isSelected: boolean;
  readonly onSelect: (step: string, isRange?: boolean) => void;
  readonly onOpen: (step: string) => void;
}

export const StepRow = memo(function StepRow({
  step,
  place,
  top,
  height,
  line,
  queued,
  ran,
  isCurrent,
  isOpen,
  isSelected,
  onSelect,
  onOpen,
}: StepRowProps): ReactNode {
  const { id, status, layer, attempts, cost, files } = step;
  return (
    <div
      role="row"
      aria-rowindex={place + 1}
      aria-selected={isSelected}
      className={["step-row", isCurrent ? "current" : "", isOpen ? "open" : "", isSelected ? "selected" : ""]
        .filter(Boolean)
        .join(" ")}
      style={{ height, transform: `translateY(${top}px)` }}
      onClick={(event) => {
        // The link and the box do it themselves.
        if (!(event.target instanceof Element) || event.target.closest("a, label, input") === null) onOpen(id);
      }}
    >
      <div role="gridcell" className="step-box">
        <label>
          <input
            type="checkbox"
            aria-label={`Select ${id}`}
            tabIndex={isCurrent ? 0 : -1}
            checked={isSelected}
            onClick={(event) => onSelect(id, event.shiftKey)}
            onChange={() => undefined}
          />
        </label>
      </div>
      <div role="gridcell" className="step-status">
        <Status name={status} />
      </div>
      <div role="gridcell" className="step-id ellipsis">
        <Link
          from="/p/$project/runs/$run"
          search={(before) => ({ ...before, step: id, attempt: undefined, line: undefined })}
          tabIndex={isCurrent ? 0 : -1}
          data-step={id}
          title={id}
        >
          {id}
        </Link>
      </div>
      <div role="gridcell" className="step-layer num dim">
        {countText(layer)}
      </div>
      <div role="gridcell" className="step-line ellipsis dim" title={line}>
        {line}
      </div>
      <div role="gridcell" className="step-queued num dim">
        {queued}
      </div>
      <div role="gridcell" className="step-ran num">
        {ran}
      </div>
      <div role="gridcell" className={attempts > 1 ? "step-attempts num" : "step-attempts num dim"}>
        {attempts === 0 ? "" : countText(attempts)}
      </div>
      <div role="gridcell" className="step-cost num">
        {cost === null ? "" : costText(cost)}
      </div>
      <div role="gridcell" className="step-files num dim">
        {files === null ? "" : countText(files)}
      </div>
    </div>
  );
});
