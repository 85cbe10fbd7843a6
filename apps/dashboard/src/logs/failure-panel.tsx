/** Failure panel: the lines of a log that tell of a failure, to jump to, and the last ones before the end. */
import { useEffect, useMemo, type ReactNode } from "react";
import { Button } from "../ui/button.tsx";
import { Popup } from "../ui/popup.tsx";
import { countOf, countText } from "../ui/format.ts";
import { isFailure, MAYBE_FAILURE } from "./failure-lines.ts";
import { HitSearch } from "./hit-search.ts";
import type { LogModel } from "./log-model.ts";
import type { LogSource } from "./log-source.ts";
import { styledLine } from "./styled-line.ts";
import { PLAIN } from "./text-style.ts";
import { useFrames } from "./use-log.ts";

const MOST = 1000;
const MOST_LISTED = 200;
/** Lines before the end that are shown with the failures. */
const LAST_LINES = 20;
const QUERY = { text: MAYBE_FAILURE, isPattern: true, ignoreCase: true };

export interface Failures {
  readonly search: HitSearch;
  /** What was found in the lines that are listed. */
  readonly excerpts: ReadonlyMap<number, string>;
}

/** Looks for them as soon as `isWanted`. */
export function useFailures(log: LogModel | undefined, source: Pick<LogSource, "search">, isWanted: boolean): Failures {
  const failures = useMemo(() => {
    const excerpts = new Map<number, string>();
    const search = new HitSearch({
      source,
      most: MOST,
      counts({ line, excerpt }) {
        const { text } = styledLine(excerpt, PLAIN);
        if (!isFailure(text)) return false;
        if (excerpts.size < MOST_LISTED) excerpts.set(line, text.trim());
        return true;
      },
    });
    return { search, excerpts };
  }, [source]);
  useFrames(failures.search);
  const isReady = log?.state.status.tag === "ready";
  useEffect(() => {
    if (!isWanted || !isReady || log === undefined) return;
    failures.search.start(QUERY, log.lines, log.state.bytes);
    return () => failures.search.stop();
  }, [failures, log, isReady, isWanted]);
  return failures;
}

export interface FailurePanelProps {
  readonly failures: Failures;
  readonly lines: number;
  readonly onLook: () => void;
  /** Lines that the reader wants to see. */
  readonly onGo: (from: number, to: number) => void;
}

export function FailurePanel({ failures, lines, onLook, onGo }: FailurePanelProps): ReactNode {
  const { state } = failures.search;
  if (state === undefined)
    return (
      <Button kind="quiet" onClick={onLook}>
        Find failures
      </Button>
    );
  const count = state.lines.length;
  const more = state.stage === "done" ? "" : "+";
  const label =
    state.stage === "searching" && count === 0
      ? "Looking for failures"
      : `${count === 0 ? "No failures" : `${countText(count)}${more} ${count === 1 ? "failure" : "failures"}`} found`;
  const first = Math.max(1, lines - LAST_LINES + 1);
  const go = (close: () => void, from: number, to: number): void => {
    close();
    onGo(from, to);
  };
  return (
    <Popup className="log-failures" label={label} button={{ className: count > 0 ? "log-failures-found" : "" }}>
      {({ id, hidden, close }) => (
        <div id={id} className="log-failures-list" hidden={hidden} role="group" aria-label="Failures in the log">
          <ol>
            {[...failures.excerpts].map(([line, text]) => (
              <li key={line}>
                <button type="button" onClick={() => go(close, line, line)}>
                  <span className="log-failures-line">{countText(line)}</span>
                  <span className="ellipsis">{text}</span>
                </button>
              </li>
            ))}
            {lines === 0 ? null : (
              <li>
                <button type="button" onClick={() => go(close, first, lines)}>
                  <span className="log-failures-line">{countText(first)}</span>
                  <span className="dim">The last {countOf(lines - first + 1, "line")}</span>
                </button>
              </li>
            )}
          </ol>
          {count > failures.excerpts.size ? (
            <p className="dim">{countText(count - failures.excerpts.size)} more: n and N go through all of them</p>
          ) : null}
        </div>
      )}
    </Popup>
  );
}
