/** Changes of a run from the server: all pages, asked again while agents work, whose files change without an event. */
import { useInfiniteQuery, useQuery, keepPreviousData, type UseQueryResult } from "@tanstack/react-query";
import type { ChangesDocument, FileDiffDocument } from "heddle/client";
import { useHeddle } from "../store/heddle.tsx";

const AGAIN_MS = 2000;
const STEPS_OF_PAGE = 100;

export interface AskedChanges {
  readonly project: string;
  readonly run: string;
  /** A process works on the run. */
  readonly live: boolean;
  /** Of the run's last event. */
  readonly seq: number;
}

export interface ShownChanges {
  readonly pages: readonly ChangesDocument[] | undefined;
  readonly error: Error | null;
  /** There are more steps. */
  readonly more: (() => void) | undefined;
}

export function useChanges({ project, run, live, seq }: AskedChanges): ShownChanges {
  const { client } = useHeddle();
  const asked = useInfiniteQuery({
    queryKey: ["changes", project, run, live ? "live" : seq],
    queryFn: ({ signal, pageParam }) =>
      client
        .project(project)
        .work.changes(run, { signal, limit: STEPS_OF_PAGE, ...(pageParam === "" ? {} : { cursor: pageParam }) }),
    initialPageParam: "",
    getNextPageParam: ({ next }) => next,
    refetchInterval: live ? AGAIN_MS : false,
    placeholderData: keepPreviousData,
  });
  return {
    pages: asked.data?.pages,
    error: asked.error,
    more: asked.hasNextPage && !asked.isFetchingNextPage ? () => void asked.fetchNextPage() : undefined,
  };
}

/** The diff of one file. `to`: the commit that it ends at; `null`: a worktree as it is now. */
export function useFileDiff(
  { project, run }: Pick<AskedChanges, "project" | "run">,
  { file, step, to }: { readonly file: string; readonly step: string | undefined; readonly to: string | null },
): UseQueryResult<FileDiffDocument> {
  const { client } = useHeddle();
  return useQuery({
    queryKey: ["diff", project, run, step ?? "", file, to],
    queryFn: ({ signal }) =>
      client.project(project).work.fileDiff(run, file, { signal, ...(step === undefined ? {} : { step }) }),
    refetchInterval: to === null ? AGAIN_MS : false,
    staleTime: to === null ? 0 : Number.POSITIVE_INFINITY,
    // While the agent goes on, the last one stays; of another file nothing is kept.
    placeholderData: (before, query) =>
      query?.queryKey[3] === (step ?? "") && query.queryKey[4] === file ? before : undefined,
  });
}
