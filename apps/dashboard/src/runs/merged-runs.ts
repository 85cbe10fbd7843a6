/**
 * Merged runs: pages over several projects, the newest first, each project read page by page as far as it is needed. Knows no server.
 *
 * Invariant: each run is given once, and those of a project in the order in which the project gives them.
 */
import type { RunLine } from "heddle/client";

export interface ProjectRun extends RunLine {
  readonly project: string;
}

/** Where a list goes on. */
export interface RunsPlace {
  /** By project: what was read and not given yet, and where the next page begins (`undefined`: there is none). */
  readonly projects: readonly {
    readonly project: string;
    readonly left: readonly RunLine[];
    readonly cursor: string | undefined;
    readonly isRead: boolean;
  }[];
}

export interface MergedPage {
  readonly runs: readonly ProjectRun[];
  /** `undefined`: these were the last. */
  readonly next: RunsPlace | undefined;
}

/** One page of one project. */
export type ReadRuns = (
  project: string,
  cursor: string | undefined,
) => Promise<{ readonly runs: readonly RunLine[]; readonly next?: string }>;

export function firstPlace(projects: readonly string[]): RunsPlace {
  return { projects: projects.map((project) => ({ project, left: [], cursor: undefined, isRead: false })) };
}

export async function mergedPage(place: RunsPlace, size: number, read: ReadRuns): Promise<MergedPage> {
  let { projects } = place;
  const runs: ProjectRun[] = [];
  while (runs.length < size) {
    projects = await Promise.all(
      projects.map(async (one) => {
        if (one.left.length > 0 || (one.isRead && one.cursor === undefined)) return one;
        const { runs: left, next } = await read(one.project, one.cursor);
        return { project: one.project, left, cursor: next, isRead: true };
      }),
    );
    const newest = projects
      .filter(({ left }) => left.length > 0)
      .toSorted((a, b) => startOf(b.left) - startOf(a.left))[0];
    if (newest === undefined) {
      // A page may be empty before the last one.
      if (projects.every(({ cursor }) => cursor === undefined)) break;
      continue;
    }
    const [line, ...left] = newest.left;
    if (line !== undefined) runs.push({ project: newest.project, ...line });
    projects = projects.map((one) => (one === newest ? { ...one, left } : one));
  }
  const hasMore = projects.some(({ left, cursor }) => left.length > 0 || cursor !== undefined);
  return { runs, next: hasMore ? { projects } : undefined };
}

function startOf(lines: readonly RunLine[]): number {
  return lines[0]?.startedAt ?? 0;
}
