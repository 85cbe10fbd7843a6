/** Log tail: the last lines of an attempt's log, as they are written. */
import type { ReactNode } from "react";
import { Link } from "@tanstack/react-router";
import { LastLines } from "../logs/last-lines.tsx";

const LINES = 14;

export interface LogTailProps {
  readonly project: string;
  readonly run: string;
  readonly step: string;
  readonly attempt: number;
  /** It is being written. */
  readonly isOpen: boolean;
}

export function LogTail({ project, run, step, attempt, isOpen }: LogTailProps): ReactNode {
  return (
    <section className="panel-part" aria-label="Last lines of the log">
      <div className="panel-part-head">
        <h3>Log, last lines</h3>
        <Link
          className="link"
          from="/p/$project/runs/$run"
          search={(before) => ({ ...before, view: "logs" as const, step, attempt, line: undefined })}
        >
          Whole log
        </Link>
      </div>
      <LastLines id={{ project, run, step, attempt }} isLive={isOpen} count={LINES} />
    </section>
  );
}
