/**
 * Timeline data: the bars of a run, loaded once and kept up to date: after that only bars that may have changed since are asked for.
 */
import { useEffect } from "react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import type { ProjectClient, TimelineBar, TimelinePage } from "heddle/client";
import { useHeddle } from "../store/heddle.tsx";

export interface TimelineData extends Omit<TimelinePage, "bars" | "next"> {
  readonly bars: readonly TimelineBar[];
}

/** Bars of one answer. */
const PAGE = 5000;
/** Between two questions while the run goes on. */
const AGAIN_MS = 400;

/** `last`: number of the last event that there is. */
export function useTimeline(project: string, run: string, last: number, isWanted: boolean = true) {
  const { client } = useHeddle();
  const queries = useQueryClient();
  const key = ["timeline", project, run];
  const timeline = useQuery({
    queryKey: key,
    queryFn: async ({ signal }) => {
      const before = queries.getQueryData<TimelineData>(key);
      const calls = client.project(project);
      return before === undefined
        ? loaded(calls, { run, signal })
        : merged(before, await loaded(calls, { run, signal, since: before.lastTime }));
    },
    enabled: isWanted,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
  });
  const { data, isFetching, isError, refetch } = timeline;
  const isBehind = isWanted && data !== undefined && data.seq < last;
  useEffect(() => {
    if (!isBehind || isFetching || isError) return;
    const timer = setTimeout(() => void refetch(), AGAIN_MS);
    return () => clearTimeout(timer);
  }, [isBehind, isFetching, isError, refetch]);
  return timeline;
}

async function loaded(
  { replay }: Pick<ProjectClient, "replay">,
  { run, ...options }: { readonly run: string; readonly signal: AbortSignal; readonly since?: number },
): Promise<TimelineData> {
  const bars: TimelineBar[] = [];
  let cursor: string | undefined;
  for (;;) {
    const page = await replay.timeline(run, { ...options, limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
    bars.push(...page.bars);
    const { next, ...head } = page;
    if (next === undefined) return { ...head, bars };
    cursor = next;
  }
}

/** Bars are added at the end, and change until they have ended. */
export function merged(before: TimelineData, after: TimelineData): TimelineData {
  const bars = [...before.bars];
  const places = new Map(bars.map((bar, at) => [nameOf(bar), at]));
  for (const bar of after.bars) {
    const at = places.get(nameOf(bar));
    if (at === undefined) bars.push(bar);
    else bars[at] = bar;
  }
  return { ...after, bars };
}

function nameOf({ step, kind, attempt, startedAt }: TimelineBar): string {
  return `${kind} ${attempt} ${startedAt} ${step}`;
}
