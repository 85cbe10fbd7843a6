/** Rollback view: shows the undo of a run's steps. */
import type { Problem } from "../base/errors.ts";
import type { RunHandle } from "../engine/api.ts";
import type { Context } from "./context.ts";
import { Lines } from "./line-view.ts";
import type { Flags } from "./spec.ts";
import { watchSignals } from "./signals.ts";
import { Tape } from "./print-queue.ts";
import { text } from "./flag-values.ts";
import type { Project } from "../project/port.ts";

export async function rollbackRun(
  context: Context,
  project: Project,
  handle: RunHandle,
  flags: Flags,
): Promise<Problem | undefined> {
  const { out, json } = context;
  const tape = new Tape(out);
  const lines = new Lines({
    out,
    tape,
    mode: text(flags, "output") === "quiet" ? "quiet" : undefined,
    state: () => handle.state(),
    logFile: (step, attempt) => project.logFile(handle.run, step, attempt),
  });
  handle.subscribe((event) => (json ? tape.line(JSON.stringify(event)) : lines.event(event)));
  const signals = watchSignals(handle, (said) => out.note(said));
  const { stopped } = await handle.result;
  signals.stop();
  await tape.idle();
  return stopped;
}
