/** Marked runs: the runs of a line, cut where hits of a search begin and end. Pure. */
import type { StyledRun } from "./styled-line.ts";

export interface MarkedRun extends StyledRun {
  readonly isHit: boolean;
}

/** `ranges`: in the text of all runs, in order, none within another. */
export function markedRuns(
  runs: readonly StyledRun[],
  ranges: readonly (readonly [from: number, to: number])[],
): readonly MarkedRun[] {
  const marked: MarkedRun[] = [];
  let start = 0;
  let next = 0;
  for (const run of runs) {
    const end = start + run.text.length;
    for (let at = start; at < end;) {
      while ((ranges[next]?.[1] ?? Number.POSITIVE_INFINITY) <= at) next++;
      const [from, to] = ranges[next] ?? [end, end];
      const isHit = from <= at;
      const until = Math.min(end, isHit ? to : from);
      marked.push({ ...run, text: run.text.slice(at - start, until - start), isHit });
      at = until;
    }
    start = end;
  }
  return marked;
}
