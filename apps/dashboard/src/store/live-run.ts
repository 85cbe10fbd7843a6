/**
 * Live runs: the runs that the page shows now, each followed once however many components show it, kept for a moment after the last one is gone,
 * so that a change of the view asks for nothing anew. Offline, the last state stays.
 */
import { useCallback, useSyncExternalStore } from "react";
import type { ApiProblem, LiveConnection } from "heddle/client";
import type { LiveRun } from "heddle/view";
import { useHeddle } from "./heddle.tsx";

export type FollowedRun =
  | { readonly kind: "loading" }
  | { readonly kind: "shown"; readonly run: LiveRun }
  | { readonly kind: "problem"; readonly problem: ApiProblem };

/** How long a run is followed that nothing shows. */
const KEPT_MS = 2000;

interface Followed {
  state: FollowedRun;
  readonly listeners: Set<() => void>;
  readonly close: () => void;
  cancelEnd: (() => void) | undefined;
}

const followed = new WeakMap<LiveConnection, Map<string, Followed>>();

/** The run as it is now. `run`: its whole id; empty: none is followed. */
export function useLiveRun(project: string, run: string): FollowedRun {
  const { live } = useHeddle();
  const subscribe = useCallback(
    (changed: () => void) => {
      if (run === "") return () => undefined;
      const one = follow(live, project, run);
      one.listeners.add(changed);
      one.cancelEnd?.();
      one.cancelEnd = undefined;
      return () => {
        one.listeners.delete(changed);
        if (one.listeners.size > 0) return;
        const timer = setTimeout(() => {
          one.close();
          followed.get(live)?.delete(keyOf(project, run));
        }, KEPT_MS);
        one.cancelEnd = () => clearTimeout(timer);
      };
    },
    [live, project, run],
  );
  return useSyncExternalStore(subscribe, () => followed.get(live)?.get(keyOf(project, run))?.state ?? LOADING);
}

const LOADING: FollowedRun = { kind: "loading" };

function keyOf(project: string, run: string): string {
  return `${project}\n${run}`;
}

function follow(live: LiveConnection, project: string, run: string): Followed {
  let runs = followed.get(live);
  if (runs === undefined) followed.set(live, (runs = new Map()));
  const known = runs.get(keyOf(project, run));
  if (known !== undefined) return known;
  const publish = (state: FollowedRun): void => {
    one.state = state;
    for (const listener of one.listeners) listener();
  };
  const listeners = new Set<() => void>();
  const close = live.run(project, run, {
    onRun: (shown) => publish({ kind: "shown", run: shown }),
    onProblem: (problem) => publish({ kind: "problem", problem }),
  });
  const one: Followed = { state: LOADING, listeners, close, cancelEnd: undefined };
  runs.set(keyOf(project, run), one);
  return one;
}
