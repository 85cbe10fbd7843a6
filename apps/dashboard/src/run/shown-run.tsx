/** Shown run: the run that a page's parts show, as it is now or as it was at the event in the address. */
import { createContext, useContext, type ReactNode } from "react";
import type { LiveRun } from "heddle/view";
import { useNow } from "../store/now.ts";

export interface ShownRun {
  readonly project: string;
  /** As it is shown. */
  readonly run: LiveRun;
  /** The event that the page stands at; absent: it follows the run. */
  readonly seq?: number | undefined;
  /** When that was, in milliseconds since the epoch. */
  readonly time?: number | undefined;
  /** Why the event in the address is not the one that is shown; absent: it is, or is on its way. */
  readonly problem?: unknown;
  /** Number of the last event that there is. */
  readonly last: number;
}

const Shown = createContext<ShownRun | undefined>(undefined);

export function ShownRunProvider({
  shown,
  children,
}: {
  readonly shown: ShownRun;
  readonly children: ReactNode;
}): ReactNode {
  return <Shown value={shown}>{children}</Shown>;
}

export function useShownRun(): ShownRun {
  const shown = useContext(Shown);
  if (shown === undefined) throw new Error("BUG: no run is shown here");
  return shown;
}

/** The present of what is shown: of a run as it was, the time of the event that the page stands at. */
export function useShownNow(): number {
  const { time } = useShownRun();
  const now = useNow();
  return time ?? now;
}
