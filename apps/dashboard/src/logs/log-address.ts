/** Log address: what of a log is chosen in the address of the page: lines, and what is looked for. */
import { useCallback } from "react";
import { getRouteApi } from "@tanstack/react-router";
import type { HitQuery } from "./hit-search.ts";
import { lineRangeOf, lineRangeText, type LineRange } from "./line-range.ts";

const route = getRouteApi("/p/$project/runs/$run");

export interface LogAddress {
  readonly chosen: LineRange | undefined;
  readonly query: HitQuery;
  readonly choose: (range: LineRange | undefined) => void;
  readonly look: (query: HitQuery) => void;
}

export function useLogAddress(): LogAddress {
  const { line, find = "", match = "" } = route.useSearch();
  const navigate = route.useNavigate();
  const choose = useCallback(
    (range: LineRange | undefined) =>
      void navigate({
        search: (before) => ({ ...before, line: range === undefined ? undefined : lineRangeText(range) }),
        replace: true,
        // The list has its own place.
        resetScroll: false,
      }),
    [navigate],
  );
  const look = useCallback(
    ({ text, isPattern, ignoreCase }: HitQuery) =>
      void navigate({
        search: (before) => ({
          ...before,
          find: text === "" ? undefined : text,
          match: [...(isPattern ? ["regex"] : []), ...(ignoreCase ? [] : ["case"])].join(",") || undefined,
        }),
        replace: true,
        // The list has its own place.
        resetScroll: false,
      }),
    [navigate],
  );
  const words = match.split(",");
  return {
    chosen: line === undefined ? undefined : lineRangeOf(line),
    query: { text: find, isPattern: words.includes("regex"), ignoreCase: !words.includes("case") },
    choose,
    look,
  };
}
