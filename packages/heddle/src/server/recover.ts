/** Recovery of served runs: takes up runs whose process died, when a server starts. */
import { goOnWithRun } from "../project/begin-run.ts";
import type { Project } from "../project/port.ts";

/** Of one project, looked at for such runs. */
const MOST_RECOVERED = 1000;

/** Oldest first. `say`: told of each, with its problem where it cannot go on. */
export async function recoverRuns(project: Project, say: (run: string, problem?: string) => void): Promise<void> {
  const runs = await project.runs.list({ limit: MOST_RECOVERED });
  for (const { run, status } of runs.toReversed()) {
    if (status !== "interrupted") continue;
    const begun = await goOnWithRun(project, run, { mode: "resume" });
    // Its outcome is in the journal.
    if (begun.ok) begun.value.result.catch(() => undefined);
    say(run, begun.ok ? undefined : begun.error.message);
  }
}
