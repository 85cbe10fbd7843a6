/** Rollback view: shows the undo of a run's steps. */
import { safeJson } from "../base/safe-text.ts";
import type { Problem } from "../base/errors.ts";
import type { Context } from "./context.ts";
import { LineView } from "./line-view.ts";
import { printLastEvent } from "./show-run.ts";
import type { Flags } from "./spec.ts";
import { watchSignals } from "./signals.ts";
import { PrintQueue } from "./print-queue.ts";
import { textFlag } from "./flag-values.ts";
import type { Project, RunHandle } from "../project/port.ts";

export async function showRollback(
  context: Context,
  project: Project,
  handle: RunHandle,
  flags: Flags,
): Promise<Problem | undefined> {
  const { out, json } = context;
  const queue = new PrintQueue(out);
  const lines = new LineView({
    out,
    queue,
    mode: textFlag(flags, "output") === "quiet" ? "quiet" : undefined,
    state: () => handle.state(),
    logFile: (step, attempt) => project.logs.file(handle.run, step, attempt),
  });
  let isSilent = true;
  handle.subscribe((event) => {
    isSilent = false;
    if (json) queue.line(safeJson(event));
    else lines.event(event);
  });
  const signals = watchSignals({ handle, say: (said) => out.note(said), hasTerminal: out.hasTerminal });
  const { stopped } = await handle.result;
  signals.stop();
  if (json && isSilent) await printLastEvent(queue, project, handle);
  await queue.idle();
  return stopped;
}
