/** Progress bar of a run: its steps by status, in the colours of the families. */
import type { ReactNode } from "react";
import { FAMILY_OF, type StatusCounts, type StepStatus } from "heddle/view";
import "./progress-bar.css";

/** What is done comes first, what waits last. */
const ORDER: readonly StepStatus[] = [
  "succeeded",
  "cached",
  "skipped",
  "running",
  "retrying",
  "interrupted",
  "failed",
  "cancelled",
  "needs-approval",
  "needs-resolution",
  "waiting",
];

export function ProgressBar({ byStatus }: { readonly byStatus: StatusCounts }): ReactNode {
  const shown = ORDER.filter((status) => byStatus[status] > 0);
  const said = shown.map((status) => `${byStatus[status]} ${status}`).join(", ");
  return (
    <div className="progress-bar" role="img" aria-label={said === "" ? "no steps" : said} title={said}>
      {shown.map((status) => (
        <div
          key={status}
          className={`progress-bar-part family-${FAMILY_OF[status]} is-${status}`}
          style={{ flexGrow: byStatus[status] }}
        />
      ))}
    </div>
  );
}
