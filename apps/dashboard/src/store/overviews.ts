/** Overviews of the page: what lists show of runs beyond their lines. Those that are asked for at once go in one request. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import type { HeddleClient, RunLine } from "heddle/client";
import type { RunOverview } from "heddle/view";
import { useHeddle } from "./heddle.tsx";

/** The server takes no more at once. */
const MOST_AT_ONCE = 50;

interface Asked {
  readonly run: string;
  readonly give: (overview: Promise<RunOverview | undefined>) => void;
}

const waiting = new WeakMap<HeddleClient, Map<string, Asked[]>>();

/** `undefined`: the run cannot be read. */
function overviewOf(client: HeddleClient, project: string, run: string): Promise<RunOverview | undefined> {
  const all = waiting.get(client) ?? new Map<string, Asked[]>();
  waiting.set(client, all);
  const { promise, resolve } = Promise.withResolvers<RunOverview | undefined>();
  const asked = all.get(project) ?? [];
  asked.push({ run, give: resolve });
  if (asked.length === 1) {
    all.set(project, asked);
    // After all rows of this moment have asked.
    setTimeout(() => send(client, project));
  }
  return promise;
}

function send(client: HeddleClient, project: string): void {
  const asked = waiting.get(client)?.get(project) ?? [];
  waiting.get(client)?.delete(project);
  for (let from = 0; from < asked.length; from += MOST_AT_ONCE) {
    const part = asked.slice(from, from + MOST_AT_ONCE);
    const answer = client.project(project).runs.overviews(part.map(({ run }) => run));
    for (const [at, { give }] of part.entries())
      give(
        answer.then(({ items }) => {
          const item = items[at];
          return item === undefined || "problem" in item ? undefined : item;
        }),
      );
  }
}

/** Of a run as its line says it is; `isWanted`: absent or false asks for nothing. */
export function useOverview(project: string, line: RunLine, isWanted: boolean): RunOverview | undefined {
  const { client } = useHeddle();
  const { run, status, endedAt, counts } = line;
  const overview = useQuery({
    queryKey: ["overview", project, run, status, endedAt, counts],
    queryFn: async () => (await overviewOf(client, project, run)) ?? null,
    enabled: isWanted,
    placeholderData: keepPreviousData,
    staleTime: Infinity,
  });
  return overview.data ?? undefined;
}
