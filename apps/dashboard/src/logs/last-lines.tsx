/** Last lines of an attempt's log, as they are written: for places that show a step beside something else. */
import type { ReactNode } from "react";
import { countText } from "../ui/format.ts";
import { InlineProblem } from "../ui/problem.tsx";
import type { LogModel } from "./log-model.ts";
import { LineText } from "./log-row.tsx";
import type { AttemptId } from "./served-log.ts";
import { styledLine } from "./styled-line.ts";
import { useFrames, useLogModel } from "./use-log.ts";
import "./log-colours.css";
import "./last-lines.css";

export interface LastLinesProps {
  readonly id: AttemptId;
  /** More may be written. */
  readonly isLive: boolean;
  /** So many at most. */
  readonly count: number;
}

export function LastLines({ id, isLive, count }: LastLinesProps): ReactNode {
  const log = useLogModel(id, isLive, count);
  useFrames(log);
  const { status } = log?.state ?? {};
  if (log === undefined || status === undefined || status.tag === "opening") return null;
  if (status.tag === "problem") return <InlineProblem thrown={new Error(`${status.detail} ${status.hint}`)} />;
  if (log.lines === 0) return <p className="dim">{isLive ? "Nothing is written yet." : "Nothing was written."}</p>;
  const first = Math.max(1, log.lines - count + 1);
  return (
    <div className="last-lines" tabIndex={0} role="region" aria-label="Lines">
      {Array.from({ length: log.lines - first + 1 }, (_, at) => (
        <Line key={first + at} log={log} line={first + at} />
      ))}
    </div>
  );
}

function Line({ log, line }: { readonly log: LogModel; readonly line: number }): ReactNode {
  const kept = log.line(line);
  if (kept === undefined) return null;
  return (
    <div className="last-line">
      <span className="last-line-number" aria-hidden="true">
        {log.isNumbered(line) ? countText(line) : ""}
      </span>
      <span>
        <LineText styled={styledLine(kept.text, log.styleBefore(line))} hidden={0} query={undefined} />
      </span>
    </div>
  );
}
