/** Log search of the page: what is looked for stands in the address; where the reader is among the hits does not. */
import { useEffect, useMemo, useRef, useState, type RefObject } from "react";
import { HitSearch, type HitQuery, type HitState } from "./hit-search.ts";
import type { LogListHandle } from "./list-props.ts";
import type { LogAddress } from "./log-address.ts";
import type { LogModel } from "./log-model.ts";
import type { MergedLog } from "./merged-log.ts";
import type { LogSource } from "./log-source.ts";
import { useFrames } from "./use-log.ts";

export interface LogSearch {
  /** `undefined`: nothing is looked for. */
  readonly state: HitState | undefined;
  /** Of the log's lines, the hit that the reader is at. */
  readonly current: number | undefined;
  /** Marked in the lines. */
  readonly marks: HitQuery | undefined;
  readonly numberOf: (line: number) => number | undefined;
  /** Goes to the next hit or the one before, from the line that is given where the reader is at none. */
  readonly go: (direction: 1 | -1, from: number) => void;
}

/** `reveal`: shows a line that the reader asked for. */
export function useLogSearch(
  log: LogModel | MergedLog | undefined,
  source: Pick<LogSource, "search"> | undefined,
  query: HitQuery | undefined,
  reveal: (line: number) => void,
): LogSearch {
  const search = useMemo(() => (source === undefined ? undefined : new HitSearch({ source })), [source]);
  useFrames(search);
  const [current, setCurrent] = useState<number>();
  const shown = useRef(reveal);
  shown.current = reveal;
  const { text = "", isPattern = false, ignoreCase = true } = query ?? {};
  useEffect(() => {
    setCurrent(undefined);
    if (search === undefined || log === undefined || text === "") return;
    search.start({ text, isPattern, ignoreCase }, log.lines, bytesOf(log));
    return () => search.stop();
  }, [search, log, text, isPattern, ignoreCase]);
  const lines = log?.lines ?? 0;
  useEffect(() => {
    if (log !== undefined) search?.grow(lines - 1, bytesOf(log));
  }, [search, log, lines]);
  useEffect(
    () =>
      log?.onMoved(() => {
        setCurrent(undefined);
        if (search?.state !== undefined) search.start(search.state.query, log.lines, bytesOf(log));
      }),
    [search, log],
  );
  const state = search?.state;
  return {
    state,
    current,
    // Only what the server has taken: it refuses patterns that could take too long.
    marks: state === undefined || isUntaken(state) ? undefined : state.query,
    numberOf: (line) => search?.numberOf(line),
    go(direction, from) {
      const line = search?.next(current ?? from, direction);
      if (line === undefined) return;
      setCurrent(line);
      shown.current(line);
    },
  };
}

/** A search that begins shows its first hit, unless the address has a line to show. */
export function useFirstHit(
  { state, current, go }: LogSearch,
  { chosen, query }: LogAddress,
  list: RefObject<LogListHandle | null>,
): void {
  const shown = useRef(chosen === undefined ? undefined : query.text);
  const isAsked = query.text !== "";
  useEffect(() => {
    if (!isAsked) shown.current = undefined;
    if (state === undefined || state.lines.length === 0 || current !== undefined || list.current === null) return;
    if (shown.current === state.query.text) return;
    shown.current = state.query.text;
    go(1, list.current.firstSeen() - 1);
  });
}

function isUntaken({ stage, searchedBytes }: HitState): boolean {
  return stage === "refused" || (stage === "searching" && searchedBytes === 0);
}

function bytesOf(log: LogModel | MergedLog): number {
  return "state" in log ? log.state.bytes : 0;
}
