/** Where the work of a run's agents is, for people. */
import type { RunResult } from "../engine/api.ts";
import { plural } from "./words.ts";

export function* landingLines(
  run: string,
  landing: NonNullable<RunResult["landing"]>,
): Generator<string, void, undefined> {
  const { integration, commits, branch, commit, problem } = landing;
  if (commits === 0) {
    if (problem !== undefined) yield `What agents left could not be put in order: ${problem.message}.`;
    return;
  }
  const merged = `${plural(commits, "merged step")} on ${integration}`;
  if (branch !== undefined && commit !== undefined) yield `${merged}; landed on ${branch} (${commit.slice(0, 10)}).`;
  else if (problem !== undefined) yield `${merged}; it did not land: ${problem.message}.`;
  else yield `${merged}. Bring it to your branch: heddle merge ${run}`;
}
