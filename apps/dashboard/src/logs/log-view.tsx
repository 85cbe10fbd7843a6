/** Log view: what stands around a list of lines: which log it is, tools, whether the end is followed, and what became of what was asked. */
import { useCallback, useEffect, useRef, useState, type ReactNode } from "react";
import { announce } from "../app/announce.tsx";
import { Button } from "../ui/button.tsx";
import { countOf } from "../ui/format.ts";
import { InlineProblem } from "../ui/problem.tsx";
import type { HitState } from "./hit-search.ts";
import "./log-view.css";

export interface LogViewProps {
  /** What it is. Absent: a log. */
  readonly label?: string;
  /** One of what it has. Absent: a line. */
  readonly unit?: string;
  readonly chooser: ReactNode;
  readonly tools: ReactNode;
  readonly follows: boolean;
  readonly isLive: boolean;
  readonly lines: number;
  /** How large it is. */
  readonly facts: string;
  readonly onEnd: () => void;
  readonly search: HitState | undefined;
  /** Something is looked for: also where tools are hidden, they are shown. */
  readonly isSearched: boolean;
  /** The lines, or what stands in their place. `onCopied`: what became of a copy. */
  readonly body: (onCopied: (said: string) => void) => ReactNode;
}

const SAID_MS = 4000;

export function LogView({
  label = "Log",
  unit = "line",
  chooser,
  tools,
  follows,
  isLive,
  lines,
  facts,
  onEnd,
  search,
  isSearched,
  body,
}: LogViewProps): ReactNode {
  const [said, setSaid] = useState("");
  const say = useCallback((text: string) => {
    setSaid(text);
    announce(text);
  }, []);
  useEffect(() => {
    if (said === "") return;
    const timer = setTimeout(setSaid, SAID_MS, "");
    return () => clearTimeout(timer);
  }, [said]);
  // Where there is place for them they are always shown.
  const [hasTools, showTools] = useState(isSearched);
  const fresh = useFreshLines(follows, lines);
  return (
    <section className="log-view" aria-label={label}>
      <div className="log-bar">
        {chooser}
        <span className="log-facts dim">{facts}</span>
        <span className="log-bar-space" />
        <Button
          kind="quiet"
          className="log-tools-button"
          aria-expanded={hasTools}
          aria-controls="log-tools"
          onClick={() => showTools(!hasTools)}
        >
          Tools
        </Button>
        <div id="log-tools" className={`log-tools ${hasTools ? "is-open" : ""}`}>
          {tools}
        </div>
      </div>
      {search?.stage === "refused" ? <InlineProblem thrown={search.problem} /> : null}
      <div className="log-body">
        {body(say)}
        <div className="log-float">
          {said === "" ? null : <span className="log-said">{said}</span>}
          {isLive && lines > 0 ? (
            follows ? (
              <span className="log-following">
                <span className="status-dot live" />
                Following
              </span>
            ) : (
              <Button onClick={onEnd} title="To the end, and follow it (End)">
                <svg width="12" height="12" viewBox="0 0 12 12" aria-hidden="true">
                  <path
                    d="M6 1v7M3 5.5L6 8.5l3-3M2 11h8"
                    fill="none"
                    stroke="currentColor"
                    strokeWidth="1.5"
                    strokeLinecap="round"
                  />
                </svg>
                {fresh === 0 ? "Follow" : countOf(fresh, `new ${unit}`)}
              </Button>
            )
          ) : null}
        </div>
      </div>
    </section>
  );
}

/** Lines that came since the end was followed last. */
function useFreshLines(follows: boolean, lines: number): number {
  const seen = useRef(lines);
  if (follows || lines < seen.current || seen.current === 0) seen.current = lines;
  return lines - seen.current;
}
