/** Forecast of the page: when a run that goes on is expected to end, and its steps to begin; one answer for all who show it. */
import type { RunForecast } from "heddle/client";
import type { LiveHead } from "heddle/view";
import { useFollowedQuery } from "./followed-query.ts";
import { useHeddle } from "./heddle.tsx";

/** What it says changes little from one step that ends to the next. */
const EVERY_MS = 3000;

/** `undefined`: nothing is expected of the run, or it is not known yet. `isWanted`: false asks for nothing. */
export function useForecast(project: string, head: LiveHead, isWanted = true): RunForecast | undefined {
  const { client } = useHeddle();
  const { run, live, progress, endedAt } = head;
  const goesOn = isWanted && live && endedAt === null;
  const { data } = useFollowedQuery({
    key: ["forecast", project, run],
    mark: `${progress.ended} ${progress.total} ${progress.maxConcurrency}`,
    everyMs: EVERY_MS,
    isWanted: goesOn,
    ask: (signal) => client.project(project).replay.forecast(run, { signal }),
  });
  return goesOn ? data : undefined;
}

/** `undefined`: nobody knows: no step's duration is known, or it takes longer than they did before. */
export function leftMs(forecast: Pick<RunForecast, "endsAt"> | undefined, now: number): number | undefined {
  const left = (forecast?.endsAt ?? now) - now;
  return left < 1000 ? undefined : left;
}
