/**
 * Runs of the page: pages of them as they were asked for, with what has become of them since.
 *
 * Invariant: a row stays where it is until somebody asks for the list anew; what has come since is counted.
 */
import { useEffect, useMemo, useState } from "react";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import type { RunLine } from "heddle/client";
import { useHeddle } from "../store/heddle.tsx";
import { useRunLists } from "../store/run-lists.ts";
import { firstPlace, mergedPage, type ProjectRun } from "./merged-runs.ts";
import { beginningOf, isInFilter, type Period, type RunFilter } from "./run-filter.ts";

const PAGE = 50;

export interface ShownRuns {
  readonly rows: readonly ProjectRun[];
  /** All of them could be asked. */
  readonly projects: readonly string[];
  /** Projects that cannot be opened, and why. */
  readonly closed: readonly { readonly project: string; readonly problem: string }[];
  /** How many have come that the list does not show. */
  readonly fresh: number;
  readonly showFresh: () => void;
  readonly hasMore: boolean;
  readonly isLoadingMore: boolean;
  readonly showMore: () => void;
  readonly isPending: boolean;
  readonly error: unknown;
}

/** `project`: of this one alone. */
export function useRuns(project: string | undefined, filter: RunFilter, period: Period | undefined): ShownRuns {
  const { client } = useHeddle();
  const listed = useQuery({
    queryKey: ["projects"],
    queryFn: ({ signal }) => client.projects.list({ signal }),
    enabled: project === undefined,
  });
  const { open, closed } = useMemo(() => openProjects(project, listed.data?.items), [project, listed.data]);
  const { plan, status, text, problems } = filter;
  // To the minute, and no later than the list was asked for: it is not asked for again because time goes by.
  const since = useMemo(() => beginningOf(period, Date.now()), [period]);
  const pages = useInfiniteQuery({
    queryKey: ["run-pages", open, plan, status, text, since],
    initialPageParam: firstPlace(open),
    queryFn: ({ pageParam, signal }) =>
      mergedPage(pageParam, PAGE, (name, cursor) =>
        client.project(name).runs.list({
          limit: PAGE,
          signal,
          ...(plan === undefined ? {} : { plan }),
          ...(status === undefined ? {} : { status }),
          ...(text === undefined ? {} : { q: text }),
          ...(since === undefined ? {} : { since }),
          ...(cursor === undefined ? {} : { cursor }),
        }),
      ),
    getNextPageParam: ({ next }) => next,
    enabled: open.length > 0 && problems.length === 0,
    // While another filter is looked for, not of another project.
    placeholderData: (before, asked) => (sameNames(asked?.queryKey[1], open) ? before : undefined),
    staleTime: Infinity,
  });
  const lists = useRunLists(open);
  const [passed, setPassed] = useState<ReadonlySet<string>>(new Set());
  const asked = pages.data?.pages.flatMap(({ runs }) => runs) ?? [];
  const now = new Map<string, ProjectRun>();
  for (const [at, list] of lists.entries())
    if (list.kind === "shown") for (const line of list.value) addLine(now, open[at] ?? "", line);
  const rows = asked.map((row) => now.get(keyOf(row)) ?? row);
  const oldest = pages.hasNextPage ? (rows.at(-1)?.startedAt ?? 0) : 0;
  const shown = new Set(rows.map(keyOf));
  const fresh = [...now.values()].filter(
    (line) =>
      !shown.has(keyOf(line)) &&
      !passed.has(keyOf(line)) &&
      line.startedAt >= oldest &&
      isInFilter(line, filter, since),
  );
  const { refetch, isFetching, isSuccess } = pages;
  const showFresh = (): void => {
    const told = fresh.map(keyOf);
    void refetch().then((asked) => {
      // Of those that the list does not have all the same nothing more is said.
      if (asked.isSuccess) setPassed((before) => new Set([...before, ...told]));
    });
  };
  // Nobody looks at a row there.
  const isEmpty = isSuccess && rows.length === 0 && fresh.length > 0 && !isFetching;
  useEffect(() => {
    if (isEmpty) void refetch();
  }, [isEmpty, refetch]);
  return {
    rows,
    projects: open,
    closed,
    fresh: isEmpty ? 0 : fresh.length,
    showFresh,
    hasMore: pages.hasNextPage,
    isLoadingMore: pages.isFetchingNextPage,
    showMore: () => void pages.fetchNextPage(),
    isPending: problems.length === 0 && (listed.isLoading || (open.length > 0 && pages.isPending)),
    error: listed.error ?? pages.error,
  };
}

function sameNames(before: unknown, now: readonly string[]): boolean {
  return Array.isArray(before) && before.length === now.length && now.every((name, at) => before[at] === name);
}

interface NamedProjects {
  readonly open: readonly string[];
  readonly closed: readonly { readonly project: string; readonly problem: string }[];
}

function openProjects(
  project: string | undefined,
  items: readonly { readonly project: string; readonly problem?: string }[] = [],
): NamedProjects {
  if (project !== undefined) return { open: [project], closed: [] };
  return {
    open: items.filter(({ problem }) => problem === undefined).map((one) => one.project),
    closed: items.flatMap(({ project: name, problem }) => (problem === undefined ? [] : [{ project: name, problem }])),
  };
}

function addLine(lines: Map<string, ProjectRun>, project: string, line: RunLine): void {
  const run = { project, ...line };
  lines.set(keyOf(run), run);
}

function keyOf({ project, run }: Pick<ProjectRun, "project" | "run">): string {
  return `${project}/${run}`;
}
