/** Tool that waits for a run: until it ends, needs a person, or a time limit has passed. Changes nothing. */
import * as z from "zod";
import { unreachable } from "../base/assert.ts";
import { ok } from "../base/result.ts";
import type { Project } from "../project/port.ts";
import { HistoryReader, type RunSnapshot } from "../view/history.ts";
import { onlyPeopleLeft, statusCounts, type RunStatus } from "../view/status.ts";
import { anyRun } from "./inputs.ts";
import { readView, runDocument } from "./run-document.ts";
import { RUN_DOCUMENT } from "./run-tools.ts";
import { mcpTool, type McpTool, type ToolContext } from "./tool.ts";

/** Clients give a call a minute. */
const MOST_SECONDS = 60;
const STEPS_SHOWN = 20;

/** Why the wait is over. `stopped`: nobody works on the run, and it has not ended. */
type Reason = "ended" | "needs-you" | "stopped" | "time-limit";

export const WAIT_TOOL: McpTool = mcpTool({
  name: "wait_for_run",
  title: "Wait for a run",
  description:
    "Waits until a run has ended, needs a person's answer or a signal, or the time limit has passed, and says which (`reason`). Call it again after `time-limit`. On `needs-you` look at `needs`. On `stopped` nobody works on the run: resume_run goes on with it.",
  input: z.strictObject({
    run: anyRun,
    timeoutSeconds: z.int().min(1).max(MOST_SECONDS).default(30).describe("The longest that this call takes."),
    until: z
      .enum(["attention", "end"])
      .default("attention")
      .describe("`end`: open questions and signals do not end the wait."),
  }),
  output: RUN_DOCUMENT.extend({ reason: z.enum(["ended", "needs-you", "stopped", "time-limit"]) }),
  handle: async ({ run: word, timeoutSeconds, until }, context) => {
    const opened = await context.project.toRead();
    if (!opened.ok) return opened;
    const found = await opened.value.runs.find(word);
    if (!found.ok) return found;
    const isLate = await waited(opened.value, found.value, {
      context,
      timeoutMs: timeoutSeconds * 1000,
      isForEnd: until === "end",
    });
    const read = await readView(opened.value, found.value, context.clock.now());
    if (!read.ok) return read;
    const document = runDocument(read.value, { most: STEPS_SHOWN });
    return ok({ ...document, reason: reasonOf(read.value.view.status, read.value.state, isLate) });
  },
});

function reasonOf(status: RunStatus, state: RunSnapshot, isLate: boolean): Reason {
  if (isLate) return "time-limit";
  switch (status) {
    case "succeeded":
    case "failed":
    case "cancelled":
      return "ended";
    case "interrupted":
      return "stopped";
    case "waiting":
      // Without a process nobody wakes it when the time has come.
      return needsPerson(state) ? "needs-you" : "stopped";
    case "running":
    case "paused":
      // Taken up again meanwhile, it goes on.
      return needsPerson(state) ? "needs-you" : "time-limit";
    default:
      return unreachable(status);
  }
}

/** `false`: there was what is waited for. */
async function waited(
  project: Project,
  run: string,
  {
    context,
    timeoutMs,
    isForEnd,
  }: { readonly context: ToolContext; readonly timeoutMs: number; readonly isForEnd: boolean },
): Promise<boolean> {
  const late = new AbortController();
  const cancel = context.clock.after(timeoutMs, () => late.abort());
  const reader = new HistoryReader();
  let told = -1;
  try {
    for await (const item of project.runs.tail(run, { signal: AbortSignal.any([late.signal, context.signal]) })) {
      if (item.kind === "end") return false;
      if (item.kind === "events") {
        for (const event of item.events) reader.add(event);
        continue;
      }
      const { state } = reader;
      if (state === undefined) continue;
      const total = state.steps.length;
      const progress = total - state.index.open;
      if (progress > told) context.tell?.({ progress, total, message: `${progress} of ${total} steps have ended` });
      told = Math.max(told, progress);
      if (!isForEnd && needsPerson(state)) return false;
    }
    return true;
  } finally {
    cancel();
  }
}

/** Somebody is asked, or nothing is left but signals. */
function needsPerson(state: RunSnapshot): boolean {
  const { "needs-approval": approvals, "needs-resolution": conflicts } = statusCounts(state, true);
  return approvals + conflicts > 0 || onlyPeopleLeft(state);
}
