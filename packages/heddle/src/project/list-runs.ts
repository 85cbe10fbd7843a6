/**
 * Run list: pages of recorded runs by status, plan, time and text. The status is the one of now, which the stored summary
 * tells only together with whether a process holds the run; the rest is the journal's.
 */
import { defined } from "../base/defined.ts";
import type { EventLog, RunPageOptions } from "../journal/port.ts";
import { RUN_STATUSES, statusNow, type RunStatus } from "../run/status.ts";
import { runLine, type RunLine } from "../view/list.ts";

export interface RunListOptions extends Omit<RunPageOptions, "summary"> {
  /** Of these statuses; absent: of any. */
  readonly statuses?: readonly RunStatus[];
}

export interface RunListPage {
  /** Newest first. */
  readonly runs: readonly RunLine[];
  /** The `cursor` of the next page; absent: there is none. */
  readonly next?: string;
}

export async function listPage(
  log: Pick<EventLog, "runPage">,
  { statuses, ...options }: RunListOptions,
): Promise<RunListPage> {
  const summary = statuses && { member: "status", oneOf: recordedAs(statuses) };
  const runs: RunLine[] = [];
  let { cursor } = options;
  for (;;) {
    const limit = options.limit - runs.length;
    const { records, next } = await log.runPage(defined<RunPageOptions>({ ...options, limit, cursor, summary }));
    const lines = records.map(runLine);
    runs.push(...lines.filter(({ status }) => statuses?.includes(status) ?? true));
    if (next === undefined || runs.length >= options.limit) return defined<RunListPage>({ runs, next });
    cursor = next;
  }
}

/** What the engine may have recorded of runs that have one of these statuses now; `null`: nothing yet, as for `running`. */
function recordedAs(statuses: readonly RunStatus[]): readonly (RunStatus | null)[] {
  const recorded = RUN_STATUSES.filter((one) => [true, false].some((live) => statuses.includes(statusNow(one, live))));
  return recorded.includes("running") ? [...recorded, null] : recorded;
}
