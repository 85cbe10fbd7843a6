/**
 * Latest run of a plan file: the newest one of the whole plan, not of a part of it (`--only`), nor of another plan with the same
 * name. Reads the first event of the runs it looks at.
 */
import type { EventLog } from "../journal/port.ts";
import type { RunLine } from "../view/list.ts";
import { runLine } from "../view/list.ts";
import { recordedPlan } from "./recorded-plan.ts";

/** Runs looked at. */
const MOST_RUNS = 50;

export interface PlanIdentity {
  /** Relative to the project folder. */
  readonly file: string;
  /** Name and ids of the steps as the file says now; absent: the file is a program, which is not run to find out. */
  readonly name?: string;
  readonly steps?: readonly string[];
}

export interface LatestRun {
  readonly run: string;
  /** Ids of the steps that it was begun with. */
  readonly steps: readonly string[];
  /** Newer runs of parts of the plan, the newest first. */
  readonly later: readonly RunLine[];
}

/** `undefined`: the plan has not been run. */
export async function latestRunOf(
  log: Pick<EventLog, "runs" | "read">,
  { file, name, steps }: PlanIdentity,
): Promise<LatestRun | undefined> {
  const newer: RunLine[] = [];
  let best: (LatestRun & { readonly covered: number }) | undefined;
  const records = await log.runs(name === undefined ? { limit: MOST_RUNS } : { limit: MOST_RUNS, plan: name });
  for (const record of records) {
    const recorded = await recordedPlan(log, record.run);
    if (recorded === undefined) continue;
    // A plan made by code has no file: its name says whose it is, where a name is known.
    if (recorded.file === undefined ? name === undefined : recorded.file !== file) continue;
    const known = new Set(recorded.steps);
    const covered =
      steps === undefined ? (recorded.isPart ? 0 : 1) : steps.reduce((sum, id) => sum + (known.has(id) ? 1 : 0), 0);
    if (best === undefined || covered > best.covered)
      best = { run: record.run, steps: recorded.steps, later: [...newer], covered };
    if (covered === (steps?.length ?? 1)) break;
    newer.push(runLine(record));
  }
  return best === undefined ? undefined : { run: best.run, steps: best.steps, later: best.later };
}
