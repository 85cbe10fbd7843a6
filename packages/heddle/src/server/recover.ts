/** Recovery of served runs: takes up runs whose process died, when a server starts. */
import { defined } from "../base/defined.ts";
import { goOnWithRun } from "../project/begin-run.ts";
import type { RunListOptions } from "../project/list-runs.ts";
import type { Project } from "../project/port.ts";

/** Looked for at once. */
const PAGE = 200;

/** Oldest first. `say`: told of each, with its problem where it cannot go on. */
export async function recoverRuns(project: Project, say: (run: string, problem?: string) => void): Promise<void> {
  for (const run of (await interruptedRuns(project)).toReversed()) {
    const begun = await goOnWithRun(project, run, { mode: "resume" });
    // Its outcome is in the journal.
    if (begun.ok) begun.value.result.catch(() => undefined);
    say(run, begun.ok ? undefined : begun.error.message);
  }
}

/** Newest first. */
async function interruptedRuns({ runs }: Project): Promise<readonly string[]> {
  const found: string[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await runs.page(defined<RunListOptions>({ limit: PAGE, statuses: ["interrupted"], cursor }));
    for (const { run } of page.runs) found.push(run);
    if (page.next === undefined) return found;
    cursor = page.next;
  }
}
