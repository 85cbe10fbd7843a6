/**
 * Followed queries: answers about what goes on. Each is asked again when what it depends on has moved on, one at a time and at most so often;
 * the last answer stays until the next one is there, also where that cannot be had.
 */
import { useEffect, useRef } from "react";
import { useQuery } from "@tanstack/react-query";

export interface FollowedQuery<T> {
  /** The same for as long as it is about the same thing. */
  readonly key: readonly unknown[];
  /** What the answer depends on: asked again where it is another one than that of the answer. */
  readonly mark: string | number;
  /** Between an answer and the next question at least. */
  readonly everyMs: number;
  /** Asked again after so long in any case; absent: only where the mark is another one. */
  readonly refreshMs?: number | undefined;
  readonly isWanted?: boolean;
  readonly ask: (signal: AbortSignal) => Promise<T>;
}

export interface Followed<T> {
  /** The last answer; `undefined`: there is none yet. */
  readonly data: T | undefined;
  /** Why there is none, or no newer one; `null`: there is. */
  readonly error: unknown;
}

export function useFollowedQuery<T>(followed: FollowedQuery<T>): Followed<T> {
  const { key, mark, everyMs, refreshMs = false, isWanted = true, ask } = followed;
  const asked = useRef(mark);
  const { data, error, isFetching, dataUpdatedAt, errorUpdatedAt, refetch } = useQuery({
    queryKey: key,
    queryFn: async ({ signal }) => {
      asked.current = mark;
      return { mark, value: await ask(signal) };
    },
    enabled: isWanted,
    staleTime: Number.POSITIVE_INFINITY,
    refetchInterval: refreshMs,
  });
  const hasAnswered = data !== undefined || error !== null;
  const isBehind = isWanted && hasAnswered && !isFetching && (error === null ? data?.mark : asked.current) !== mark;
  const due = Math.max(dataUpdatedAt, errorUpdatedAt) + everyMs;
  useEffect(() => {
    if (!isBehind) return undefined;
    const timer = setTimeout(() => void refetch({ cancelRefetch: false }), due - Date.now());
    return () => clearTimeout(timer);
  }, [isBehind, due, refetch]);
  return { data: data?.value, error };
}
