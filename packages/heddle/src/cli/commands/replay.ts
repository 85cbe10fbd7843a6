/** `heddle replay`: rebuilds a run from its history and checks every rule. Runs nothing. */
import { plural } from "../../base/plural.ts";
import { Replay } from "../../view/history.ts";
import { runView } from "../../view/run-view.ts";
import { EXIT, fail, findRun, openToRead, type Context } from "../context.ts";
import { safeLine } from "../output-text.ts";
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
  const run = await findRun(project, word);
  if (!run.ok) return fail(context, run.error);
  const at = numberFlag(flags, "at") ?? Number.POSITIVE_INFINITY;
  const replayed = new Replay();
  let seq = 0;
  for await (const batch of project.journal.read(run.value)) {
    for (const event of batch) {
      if (event.seq > at) break;
      replayed.add(event);
      ({ seq } = event);
    }
    if (seq >= at) break;
  }
  const { violations } = replayed;
  const { state, timeline } = replayed.reader;
  if (Number.isFinite(at) && seq < at) {
    return fail(context, {
      code: "Usage",
      message: `run ${run.value} has only ${plural(seq, "event")}`,
      hint: "`heddle history` lists them.",
    });
  }
  const record = await project.journal.get(run.value);
  const live = (record?.holder ?? null) !== null;
  const logFile = (step: string, attempt: number): string => project.logFile(run.value, step, attempt);
  const view =
    state === undefined
      ? null
      : runView({ state, timeline, live: live || Number.isFinite(at), now: state.lastTime, logFile });
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
