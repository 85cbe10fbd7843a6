/** List heights: how high the lines of a log are that wrap, as far as they were drawn; a guess for the others. */
import { useMemo } from "react";
import { LONGEST_LINE } from "./styled-line.ts";
import type { ShownLog } from "./shown-log.ts";

export interface Heights {
  readonly heightOf: (line: number) => number;
  readonly meanPx: number;
  /** Gives whether it was another one. */
  readonly measured: (line: number, px: number) => boolean;
}

/** Of a line that does not wrap. */
export const ROW_PX = 18;
/** Of a character of the list's type. */
const CHARACTER_PX = 7.2;
const GUTTER_PX = 80;
const MOST = 20_000;

/** `undefined`: lines do not wrap. Forgotten when the list gets another width. */
export function useHeights(log: ShownLog, wraps: boolean, widthPx: number): Heights | undefined {
  return useMemo(() => {
    if (!wraps) return undefined;
    const known = new Map<number, number>();
    const columns = Math.max(10, Math.floor((widthPx - GUTTER_PX) / CHARACTER_PX));
    let sum = 0;
    return {
      heightOf: (line) =>
        known.get(line) ??
        ROW_PX * Math.max(1, Math.ceil(Math.min(log.line(line)?.text.length ?? 0, LONGEST_LINE) / columns)),
      get meanPx() {
        return known.size === 0 ? ROW_PX : sum / known.size;
      },
      measured(line, px) {
        const before = known.get(line);
        if (before === px) return false;
        if (known.size >= MOST && before === undefined) {
          known.clear();
          sum = 0;
        }
        sum += px - (known.get(line) ?? 0);
        known.set(line, px);
        return true;
      },
    };
  }, [log, wraps, widthPx]);
}
