/** Log row: one line of a log, with its number or where it comes from. Text is text: React makes nodes of it, never markup. */
import { memo, type ReactNode } from "react";
import { countText } from "../ui/format.ts";
import { hitRanges, type HitQuery } from "./hit-search.ts";
import { markedRuns } from "./marked-runs.ts";
import { runLook } from "./run-look.ts";
import type { StyledLine, StyledRun } from "./styled-line.ts";

export interface LogRowProps {
  readonly line: number;
  /** `undefined`: it is on its way. */
  readonly styled: StyledLine | undefined;
  /** Characters at its beginning that are not shown. */
  readonly hidden: number;
  readonly query: HitQuery | undefined;
  readonly isCurrent: boolean;
  readonly isChosen: boolean;
  /** What stands before it. */
  readonly gutter: ReactNode;
  /** Shown in the place of the line. */
  readonly instead: ReactNode;
  /** Characters that are not here even where the line is shown whole. */
  readonly isWhole: boolean;
  readonly onMore: (line: number) => void;
  /** Kept for the selection that begins in it; it is not in the view. */
  readonly isAside: boolean;
}

export const LogRow = memo(function LogRow(props: LogRowProps): ReactNode {
  const { line, styled, hidden, query, isCurrent, isChosen, gutter, instead, isWhole, onMore, isAside } = props;
  const state = [isChosen && "is-chosen", isCurrent && "is-current", isAside && "is-aside"].filter(Boolean).join(" ");
  return (
    <div className={`log-row ${state}`} data-line={line}>
      <span className="log-gutter" aria-hidden={typeof gutter === "string" ? true : undefined}>
        {gutter}
      </span>
      {styled === undefined ? (
        <span className="log-text log-absent">{instead}</span>
      ) : (
        <span className="log-text">
          <LineText styled={styled} hidden={hidden} query={query} />
          {styled.cut === 0 ? null : (
            <button type="button" className="log-more" disabled={isWhole} onClick={() => onMore(line)}>
              {countText(styled.cut)} more characters{isWhole ? ": download the log" : ""}
            </button>
          )}
        </span>
      )}
    </div>
  );
});

/** The text of a line, in its colours, with its hits. */
export function LineText({
  styled: { runs, text },
  hidden,
  query,
}: Pick<LogRowProps, "hidden" | "query"> & { readonly styled: StyledLine }): ReactNode {
  const shown = withoutStart(runs, hidden);
  const ranges = query === undefined ? [] : hitRanges(text.slice(hidden), query);
  return markedRuns(shown, ranges).map((run, at) => {
    const { className, properties } = runLook(run.style);
    if (className === "" && !run.isHit && run.isName !== true) return run.text;
    const classes = [className, run.isHit && "log-hit", run.isName && "log-name"].filter(Boolean).join(" ");
    return (
      <span key={at} className={classes} style={properties}>
        {run.text}
      </span>
    );
  });
}

function withoutStart(runs: readonly StyledRun[], hidden: number): readonly StyledRun[] {
  if (hidden === 0) return runs;
  let left = hidden;
  return runs.flatMap((run) => {
    const gone = Math.min(left, run.text.length);
    left -= gone;
    return gone === run.text.length ? [] : [{ ...run, text: run.text.slice(gone) }];
  });
}
