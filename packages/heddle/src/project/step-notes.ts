/** Step notes: what the attempts of a recorded step left for people to look at. */
import type { EventLog } from "../journal/port.ts";
import { defined } from "../base/defined.ts";
import { noticeOf, type Notice } from "../view/notices.ts";
import type { MergedFiles } from "../view/protocol.ts";

/** Files named. */
const MOST_FILES = 200;

export interface NotedStep {
  readonly run: string;
  readonly step: string;
  /** Of the last event that is known. */
  readonly seq: number;
}

export interface StepNotes {
  /** Each once for each attempt. */
  readonly notices: readonly ({ readonly attempt: number } & Notice)[];
  /** The last capture of each attempt's work: a commit, and the ref that keeps it. */
  readonly captured: readonly { readonly attempt: number; readonly commit: string; readonly ref: string }[];
  /** What was merged of its work last; absent: nothing was. */
  readonly merged?: MergedFiles;
}

/** As they were after event `seq`. */
export async function readStepNotes(log: Pick<EventLog, "read">, { run, step, seq }: NotedStep): Promise<StepNotes> {
  const notices = new Map<string, StepNotes["notices"][number]>();
  const captured = new Map<number, StepNotes["captured"][number]>();
  let merged: MergedFiles | undefined;
  for await (const batch of log.read(run, { step, before: seq + 1 }))
    for (const event of batch) {
      if (event.type === "step.progress") {
        const notice = noticeOf(event.data);
        if (notice !== undefined) notices.set(`${event.attempt} ${notice.text}`, { attempt: event.attempt, ...notice });
      } else if (event.type === "worktree.merged") {
        const { commit, branch, files } = event.data;
        merged = { commit, branch, count: files.length, files: files.slice(0, MOST_FILES) };
      } else if (event.type === "usage.recorded") {
        const { captured: commit, ref } = event.data;
        const { attempt } = event;
        if (commit !== undefined && ref !== undefined) captured.set(attempt, { attempt, commit, ref });
      }
    }
  return defined({ notices: [...notices.values()], captured: [...captured.values()], merged });
}
