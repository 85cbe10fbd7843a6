/**
 * Attempt log: the log of one attempt, with what finds things in it. What is chosen stands in the address; where the reader is, in this tab of
 * the browser.
 */
import { useCallback, useEffect, useMemo, useReducer, useRef, useState, type ReactNode, type RefObject } from "react";
import { useKeys } from "../app/keys.ts";
import { setPreference, usePreferences } from "../app/preferences.ts";
import { useHeddle } from "../store/heddle.tsx";
import { Button } from "../ui/button.tsx";
import { bytesText, countOf } from "../ui/format.ts";
import { ProblemPanel } from "../ui/problem.tsx";
import { Waiting } from "../ui/waiting.tsx";
import { DownloadButton } from "./download-button.tsx";
import { FailurePanel, useFailures } from "./failure-panel.tsx";
import { followsAfter, type FollowEvent } from "./follow-rule.ts";
import { LineField } from "./line-field.tsx";
import { extendedRange } from "./line-range.ts";
import { timeLength } from "./line-time.ts";
import type { LogListHandle, LogStart } from "./list-props.ts";
import { useLogAddress, type LogAddress } from "./log-address.ts";
import { LogList } from "./log-list.tsx";
import type { LogModel } from "./log-model.ts";
import { storedPlace, storePlace } from "./log-places.ts";
import { LogSearchBar } from "./log-search-bar.tsx";
import { LogView } from "./log-view.tsx";
import type { Place } from "./scroll-place.ts";
import { servedLog, type AttemptId } from "./served-log.ts";
import { useFrames, useLogModel } from "./use-log.ts";
import { useFirstHit, useLogSearch, type LogSearch } from "./use-log-search.ts";

export interface AttemptLogProps {
  readonly id: AttemptId;
  /** More may be written. */
  readonly isLive: boolean;
  readonly hasFailed: boolean;
  /** Which log it is, and how another is chosen. */
  readonly chooser: ReactNode;
}

export function AttemptLog({ id, isLive, hasFailed, chooser }: AttemptLogProps): ReactNode {
  const heddle = useHeddle();
  const address = useLogAddress();
  const log = useLogModel(id, isLive);
  useFrames(log);
  const list = useRef<LogListHandle>(null);
  const place = useKeptPlace(id, isLive, hasFailed, address);
  const { follows, onFollow } = place;
  const reveal = useCallback(
    (line: number) => {
      onFollow({ kind: "searched" });
      list.current?.reveal(line);
    },
    [onFollow],
  );
  const { project, run, step, attempt } = id;
  const source = useMemo(
    () => servedLog(heddle, { project, run, step, attempt }),
    [heddle, project, run, step, attempt],
  );
  const search = useLogSearch(log, source, address.query, reveal);
  const [looksForFailures, lookForFailures] = useState(hasFailed);
  const failures = useFailures(log, source, looksForFailures && !isLive);
  const field = useRef<HTMLInputElement>(null);
  useFirstHit(search, address, list);
  useShownLine(address, list, reveal);
  useLogKeys({
    list,
    field,
    search,
    onFollow,
    goToFailure: (direction, from) => failures.search.next(from, direction),
  });
  const { wrapsLogs, hidesLogTimes } = usePreferences();
  const anchor = useRef<number>(undefined);
  const chooseLine = (line: number, extend: boolean): void => {
    onFollow({ kind: "searched" });
    if (!extend) anchor.current = line;
    address.choose(extend ? extendedRange(address.chosen, anchor.current, line) : { from: line, to: line });
  };
  const goTo = (from: number, to: number): void => {
    address.choose({ from, to });
    reveal(from);
    list.current?.focus();
  };
  const state = log?.state;
  const hasTimes = log !== undefined && writesTimes(log);
  return (
    <LogView
      chooser={chooser}
      follows={follows && state?.isLive === true}
      isLive={state?.isLive === true}
      lines={state?.lines ?? 0}
      facts={state === undefined || state.status.tag !== "ready" ? "" : factsText(state)}
      onEnd={() => {
        onFollow({ kind: "end" });
        list.current?.toEnd();
      }}
      tools={
        <>
          <LogSearchBar
            ref={field}
            query={address.query}
            takesPatterns
            state={search.state}
            number={search.current === undefined ? undefined : search.numberOf(search.current)}
            onQuery={address.look}
            onGo={(direction) => search.go(direction, (list.current?.firstSeen() ?? 1) - 1)}
            onLeave={() => list.current?.focus()}
          />
          {isLive ? null : (
            <FailurePanel
              failures={failures}
              lines={log?.lines ?? 0}
              onLook={() => lookForFailures(true)}
              onGo={goTo}
            />
          )}
          <LineField chosen={address.chosen} onGo={({ from, to }) => goTo(from, to)} />
          <Button kind="quiet" aria-pressed={wrapsLogs} onClick={() => setPreference("wrapsLogs", !wrapsLogs)}>
            Wrap
          </Button>
          {hasTimes ? (
            <Button
              kind="quiet"
              aria-pressed={!hidesLogTimes}
              onClick={() => setPreference("hidesLogTimes", !hidesLogTimes)}
            >
              Times
            </Button>
          ) : null}
          <DownloadButton id={id} />
        </>
      }
      search={search.state}
      isSearched={address.query.text !== ""}
      body={(onCopied) =>
        log === undefined || state === undefined || state.status.tag === "opening" ? (
          <Waiting what="the log" rows={14} />
        ) : state.status.tag === "problem" ? (
          <ProblemPanel title="The log cannot be shown" thrown={new Error(state.status.detail)}>
            <p className="dim">{state.status.hint}</p>
          </ProblemPanel>
        ) : state.lines === 0 ? (
          <NothingWritten isLive={state.isLive} isThere={state.status.tag === "ready"} id={id} />
        ) : (
          <LogList
            ref={list}
            log={log}
            label={`Log of ${step}, attempt ${attempt}`}
            start={place.start}
            wraps={wrapsLogs}
            hidesTimes={hidesLogTimes}
            follows={follows}
            onFollow={onFollow}
            onPlace={place.onPlace}
            chosen={address.chosen}
            query={search.marks}
            currentHit={search.current}
            gutter={(line) => (log.isNumbered(line) ? String(line) : "…")}
            onGutter={chooseLine}
            onChooseAll={() => address.choose({ from: 1, to: Math.max(1, log.lines) })}
            onCopied={onCopied}
          />
        )
      }
    />
  );
}

interface KeptPlace {
  readonly start: LogStart;
  readonly follows: boolean;
  readonly onFollow: (event: FollowEvent) => void;
  readonly onPlace: (place: Place) => void;
}

/** Where the log is opened: at the line of the address, else where the reader was, else where things happen. */
function useKeptPlace(id: AttemptId, isLive: boolean, hasFailed: boolean, { chosen, query }: LogAddress): KeptPlace {
  const key = `${id.project}/${id.run}/${id.attempt}/${id.step}`;
  const [start] = useState((): LogStart => {
    if (chosen !== undefined) return { kind: "line", line: chosen.from };
    const stored = storedPlace(key);
    if (stored !== undefined && !(stored.follows && isLive)) return { kind: "place", place: stored };
    return { kind: isLive || hasFailed ? "end" : "start" };
  });
  const [follows, onFollow] = useReducer(followsAfter, start.kind === "end" && isLive && query.text === "");
  const now = useRef(follows);
  now.current = follows;
  const onPlace = useCallback((place: Place) => storePlace(key, { ...place, follows: now.current }), [key]);
  return { start, follows, onFollow, onPlace };
}

/** Lines that the address names are shown when it changes; where it was opened with them, the list begins there. */
function useShownLine(
  { chosen }: LogAddress,
  list: RefObject<LogListHandle | null>,
  reveal: (line: number) => void,
): void {
  const from = chosen?.from;
  const shown = useRef(from);
  // At each drawing: the list may not be there yet.
  useEffect(() => {
    if (from === shown.current || list.current === null) return;
    shown.current = from;
    if (from !== undefined) reveal(from);
  });
}

function useLogKeys({
  list,
  field,
  search,
  onFollow,
  goToFailure,
}: {
  readonly list: RefObject<LogListHandle | null>;
  readonly field: RefObject<HTMLInputElement | null>;
  readonly search: LogSearch;
  readonly onFollow: (event: FollowEvent) => void;
  readonly goToFailure: (direction: 1 | -1, from: number) => number | undefined;
}): void {
  const failure = useRef<number>(undefined);
  const go = (direction: 1 | -1): void => {
    const from = list.current?.firstSeen() ?? 1;
    if (search.state !== undefined) return search.go(direction, from - 1);
    const line = goToFailure(direction, failure.current ?? from);
    failure.current = line;
    if (line === undefined) return;
    onFollow({ kind: "searched" });
    list.current?.reveal(line);
  };
  useKeys([
    { key: "/", what: "Search the log", run: () => field.current?.focus() },
    { key: "n", what: "Next hit, or next failure", run: () => go(1) },
    { key: "N", what: "Hit before, or failure before", run: () => go(-1) },
    {
      key: "End",
      what: "To the end of the log, and follow it",
      isNamed: true,
      run: () => {
        onFollow({ kind: "end" });
        list.current?.toEnd();
      },
    },
    {
      key: "Home",
      what: "To the beginning of the log",
      isNamed: true,
      run: () => {
        onFollow({ kind: "searched" });
        list.current?.toStart();
      },
    },
  ]);
}

function NothingWritten({
  id: { step, attempt },
  isLive,
  isThere,
}: {
  readonly id: AttemptId;
  readonly isLive: boolean;
  /** The log is there, and empty. */
  readonly isThere: boolean;
}): ReactNode {
  if (isLive)
    return <p className="log-nothing dim">Nothing is written yet. What {step} writes is shown here as it comes.</p>;
  if (isThere)
    return (
      <p className="log-nothing dim">
        Attempt {attempt} of {step} wrote nothing.
      </p>
    );
  return (
    <div className="log-nothing">
      <p>
        There is no log of attempt {attempt} of {step}.
      </p>
      <p className="dim">
        It has not begun, it is a step that writes none (an approval, a wait, a plan of steps), or its log was removed.
      </p>
    </div>
  );
}

/** Lines that are looked at to find out whether the program writes times. */
const SAMPLE = 20;

function writesTimes(log: LogModel): boolean {
  for (let line = Math.max(1, log.lines - SAMPLE); line <= log.lines; line++)
    if (timeLength(log.line(line)?.text ?? "") > 0) return true;
  return false;
}

function factsText({ lines, bytes, isGuess }: LogModel["state"]): string {
  return `${isGuess ? "about " : ""}${countOf(lines, "line")}, ${bytesText(bytes)}`;
}
