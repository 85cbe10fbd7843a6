/** Head of the steps table: the columns, and what sorts by them. */
import type { ReactNode } from "react";
import { nextSort, type SortColumn, type StepSort } from "./step-order.ts";

interface Column {
  readonly column: SortColumn | "line";
  readonly label: string;
  readonly className: string;
}

const COLUMNS: readonly Column[] = [
  { column: "status", label: "Status", className: "step-status" },
  { column: "id", label: "Step", className: "step-id" },
  { column: "layer", label: "Layer", className: "step-layer num" },
  { column: "line", label: "Why", className: "step-line" },
  { column: "queued", label: "Queued", className: "step-queued num" },
  { column: "ran", label: "Ran", className: "step-ran num" },
  { column: "attempts", label: "Tries", className: "step-attempts num" },
  { column: "cost", label: "Cost", className: "step-cost num" },
  { column: "files", label: "Files", className: "step-files num" },
];

export interface StepsHeadProps {
  readonly sort: StepSort | undefined;
  readonly onSort: (sort: StepSort | undefined) => void;
  readonly selection: "none" | "some" | "all";
  readonly onSelectAll: () => void;
}

export function StepsHead({ sort, onSort, selection, onSelectAll }: StepsHeadProps): ReactNode {
  return (
    <div role="rowgroup" className="steps-head">
      <div role="row" aria-rowindex={1} className="step-row">
        <div role="columnheader" className="step-box">
          <label>
            <input
              type="checkbox"
              aria-label="Select all that are shown"
              checked={selection === "all"}
              ref={(box) => {
                if (box !== null) box.indeterminate = selection === "some";
              }}
              onChange={onSelectAll}
            />
          </label>
        </div>
        {COLUMNS.map(({ column, label, className }) =>
          column === "line" ? (
            <div key={column} role="columnheader" className={className}>
              {label}
            </div>
          ) : (
            <div
              key={column}
              role="columnheader"
              className={className}
              aria-sort={sort?.column !== column ? "none" : sort.isDown ? "descending" : "ascending"}
            >
              <button type="button" onClick={() => onSort(nextSort(sort, column))}>
                {label}
                <span aria-hidden="true" className="sort-mark">
                  {sort?.column !== column ? "" : sort.isDown ? "▾" : "▴"}
                </span>
              </button>
            </div>
          ),
        )}
      </div>
    </div>
  );
}
