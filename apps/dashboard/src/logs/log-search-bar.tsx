/** Log search bar: what is looked for, how, and which of the hits the reader is at. */
import { useEffect, useRef, useState, type KeyboardEvent, type ReactNode, type Ref } from "react";
import { Button } from "../ui/button.tsx";
import { countText } from "../ui/format.ts";
import type { HitQuery, HitState } from "./hit-search.ts";

export interface LogSearchBarProps {
  readonly query: HitQuery;
  /** Patterns can be searched. */
  readonly takesPatterns: boolean;
  readonly state: HitState | undefined;
  /** From 1, of the hit that the reader is at. */
  readonly number: number | undefined;
  readonly onQuery: (query: HitQuery) => void;
  readonly onGo: (direction: 1 | -1) => void;
  /** The reader is done. */
  readonly onLeave: () => void;
  readonly ref: Ref<HTMLInputElement>;
}

/** So long after a letter it is looked for. */
const PAUSE_MS = 200;

export function LogSearchBar({
  query,
  takesPatterns,
  state,
  number,
  onQuery,
  onGo,
  onLeave,
  ref,
}: LogSearchBarProps): ReactNode {
  const [typed, setTyped] = useState(query.text);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => setTyped(query.text), [query.text]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const look = (text: string): void => {
    clearTimeout(timer.current);
    if (text !== query.text) onQuery({ ...query, text });
  };
  const pressed = (event: KeyboardEvent): void => {
    if (event.key === "Enter") {
      if (typed === query.text) onGo(event.shiftKey ? -1 : 1);
      else look(typed);
    } else if (event.key === "Escape") {
      setTyped("");
      look("");
      onLeave();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div className="log-search" role="search" aria-label="Search in the log">
      <input
        ref={ref}
        type="search"
        aria-label="Text to look for in the log"
        placeholder="Search the log"
        spellCheck={false}
        autoComplete="off"
        maxLength={500}
        value={typed}
        onChange={({ target }) => {
          setTyped(target.value);
          clearTimeout(timer.current);
          timer.current = setTimeout(look, PAUSE_MS, target.value);
        }}
        onKeyDown={pressed}
      />
      <Button
        kind="quiet"
        aria-pressed={!query.ignoreCase}
        aria-label="Large and small letters differ"
        title="Large and small letters differ"
        onClick={() => onQuery({ ...query, ignoreCase: !query.ignoreCase })}
      >
        Aa
      </Button>
      {takesPatterns ? (
        <Button
          kind="quiet"
          aria-pressed={query.isPattern}
          aria-label="Regular expression"
          title="Regular expression"
          onClick={() => onQuery({ ...query, isPattern: !query.isPattern })}
        >
          .*
        </Button>
      ) : null}
      {query.text === "" ? null : (
        <>
          <span className="log-search-count" role="status">
            {hitsText(state, number)}
          </span>
          <Button kind="quiet" aria-label="Hit before" title="Hit before (N)" onClick={() => onGo(-1)}>
            <Arrow isUp />
          </Button>
          <Button kind="quiet" aria-label="Next hit" title="Next hit (n)" onClick={() => onGo(1)}>
            <Arrow />
          </Button>
        </>
      )}
    </div>
  );
}

function hitsText(state: HitState | undefined, number: number | undefined): string {
  if (state === undefined) return "";
  if (state.stage === "refused") return "cannot be searched";
  const more = state.stage === "done" ? "" : "+";
  const count = state.lines.length;
  if (count === 0) return state.stage === "done" ? "not in the log" : "searching";
  const all = `${countText(count)}${more} ${count === 1 ? "line" : "lines"}`;
  return number === undefined ? all : `${countText(number)} of ${all}`;
}

function Arrow({ isUp = false }: { readonly isUp?: boolean }): ReactNode {
  return (
    <svg width="12" height="12" viewBox="0 0 12 12" aria-hidden="true">
      <path
        d={isUp ? "M2 8l4-4 4 4" : "M2 4l4 4 4-4"}
        fill="none"
        stroke="currentColor"
        strokeWidth="1.6"
        strokeLinecap="round"
      />
    </svg>
  );
}
