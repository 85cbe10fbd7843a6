/** Landing lines: say where the work of a run's agents is. */
import { plural } from "../base/plural.ts";
import type { RunOutcome } from "../project/port.ts";

/** Without the indented ones it is a sentence; those say what to do and what to type. */
export function* landingLines(
  run: string,
  landing: NonNullable<RunOutcome["landing"]>,
): Generator<string, void, undefined> {
  const { integration, commits, branch, commit, mode, problem } = landing;
  if (commits === 0) {
    if (problem !== undefined) yield `The agents' work could not be checked: ${problem.message}.`;
    if (problem?.hint !== undefined) yield `  ${problem.hint}`;
    return;
  }
  const merged = `${plural(commits, "merged step")} on ${integration}`;
  if (branch !== undefined && commit !== undefined) {
    yield `${merged}; landed on ${branch} (${commit.slice(0, 10)}).`;
    return;
  }
  if (problem === undefined) {
    yield `${merged}. To land it on your branch: heddle merge ${run}`;
    return;
  }
  yield `${merged}; it did not land: ${problem.message}.`;
  if (problem.hint !== undefined) yield `  ${problem.hint}`;
  yield `  land: heddle merge ${run}${mode === "branch" ? " --branch NAME" : ""}`;
}
