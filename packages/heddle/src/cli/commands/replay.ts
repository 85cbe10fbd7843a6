/** `heddle replay`: rebuilds a run from its history and checks every rule. Runs nothing. */
import { defined } from "../../base/defined.ts";
import { plural } from "../../base/plural.ts";
import { runView } from "../../view/run-view.ts";
import { EXIT, fail, openToRead, type Context } from "../context.ts";
import { safeLine } from "../../base/safe-text.ts";
import type { Flags } from "../spec.ts";
import { numberFlag } from "../flag-values.ts";
import { stepTable } from "../step-table.ts";

export async function replayCommand(
  context: Context,
  [word]: readonly (string | undefined)[],
  flags: Flags,
): Promise<number> {
  const opened = await openToRead(context);
  if (!opened.ok) return fail(context, opened.error);
  await using project = opened.value;
  const run = await project.runs.find(word);
  if (!run.ok) return fail(context, run.error);
  const replayed = await project.runs.replay(run.value, defined({ at: numberFlag(flags, "at") }));
  if (!replayed.ok) return fail(context, replayed.error);
  const { seq, violations, state, timeline, live } = replayed.value;
  const logFile = (step: string, attempt: number): string => project.logs.file(run.value, step, attempt);
  const view = state === undefined ? null : runView({ state, timeline, live, now: state.lastTime, logFile });
  const sound = violations.length === 0 && view !== null;
  if (context.json) context.out.json({ run: run.value, seq, ok: sound, violations, state: view });
  else {
    const { out } = context;
    out.line(`Run ${run.value} after event ${seq}${view === null ? "" : `: ${view.status}`}`);
    out.line();
    if (view !== null) out.lines(stepTable(out, view.steps));
    out.line();
    if (sound) out.line(out.style("green", `✓ ${plural(seq, "event")} replayed, all rules hold.`));
    for (const { rule, seq: where, message } of violations)
      out.line(out.style("red", `✗ event ${where} breaks ${rule}: ${safeLine(message)}`));
  }
  return sound ? EXIT.ok : EXIT.failed;
}
