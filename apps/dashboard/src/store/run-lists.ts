/** Run lists of the page: the newest runs of projects, as they change. */
import type { RunLine } from "heddle/client";
import { SharedChannels, useSharedChannels, type Told } from "./shared-channel.ts";

const channels = new SharedChannels<readonly RunLine[]>((live, project, { onValue, onProblem }) =>
  live.runs(project, { onRuns: onValue, onProblem }),
);

/** In the order of the projects. */
export function useRunLists(projects: readonly string[]): readonly Told<readonly RunLine[]>[] {
  return useSharedChannels(channels, projects);
}
