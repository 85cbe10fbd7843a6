/** Search parameters of the runs: everything that is chosen there. */
import { oneOf, textOf } from "../app/search-params.ts";
import { PERIODS, type Period } from "./run-filter.ts";

export interface RunsSearch {
  /** Of the search box. */
  readonly q?: string | undefined;
  readonly since?: Period | undefined;
  /** The runs that are to be compared: `project/run`, with commas. */
  readonly pick?: string | undefined;
  /** The dialog that starts a run is open: with this plan file, or with none (`new`). */
  readonly start?: string | undefined;
}

const KNOWN = Object.keys(PERIODS) as readonly Period[];

export function runsSearch(search: Record<string, unknown>): RunsSearch {
  return {
    q: textOf(search["q"]),
    since: oneOf(KNOWN, search["since"]),
    pick: textOf(search["pick"]),
    start: textOf(search["start"]),
  };
}

export interface PickedRun {
  readonly project: string;
  readonly run: string;
}

/** In the order in which they were chosen. */
export function pickedRuns(pick: string | undefined): readonly PickedRun[] {
  return (pick ?? "").split(",").flatMap((one) => {
    const at = one.lastIndexOf("/");
    return at < 1 ? [] : [{ project: one.slice(0, at), run: one.slice(at + 1) }];
  });
}

/** With the run among them or not; of more than two the one that was chosen first goes. */
export function picked(before: readonly PickedRun[], toggled: PickedRun): string | undefined {
  const others = before.filter(({ project, run }) => project !== toggled.project || run !== toggled.run);
  const now = others.length < before.length ? others : [...others, toggled].slice(-2);
  return now.length === 0 ? undefined : now.map(({ project, run }) => `${project}/${run}`).join(",");
}
