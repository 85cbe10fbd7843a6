/**
 * `heddle rerun`: runs a step and everything that depends on it in a new run, and reuses the other results of an earlier
 * one.
 */
import { defined } from "../../base/defined.ts";
import { plural } from "../../base/plural.ts";
import { showRun } from "../show-run.ts";
import { EXIT, fail, findRun, openToChange, type Context } from "../context.ts";
import { readRun } from "../../project/read-run.ts";
import { safeLine } from "../output-text.ts";
import { loadPlan } from "../plans.ts";
import { reuseFor } from "../../project/reuse.ts";
import type { Flags } from "../spec.ts";
import { numberFlag, textFlag } from "../flag-values.ts";
import { waitOption } from "./run.ts";

export async function rerunCommand(
  context: Context,
  [word]: readonly (string | undefined)[],
  flags: Flags,
): Promise<number> {
  const from = textFlag(flags, "from");
  if (from === undefined) {
    return fail(context, {
      code: "Usage",
      message: "rerun needs the step to start from: --from ID",
      hint: "`heddle rerun --help` shows examples.",
    });
  }
  const opened = await openToChange(context);
  if (!opened.ok) return fail(context, opened.error);
  await using project = opened.value;
  const run = await findRun(project, word);
  if (!run.ok) return fail(context, run.error);
  const read = await readRun(project, run.value);
  if (!read.ok) return fail(context, read.error, EXIT.failed);
  const { options: recorded, plan } = read.value.state;
  if (recorded.planFile === undefined) {
    return fail(context, {
      code: "NoPlanFile",
      message: `run ${run.value} was started by a program, not from a plan file`,
      hint: "Start it again from that program.",
    });
  }
  const loaded = await loadPlan(context, recorded.planFile, plan.params ?? {});
  if (!loaded.ok) return loaded.error;
  const reuse = await reuseFor(project, loaded.value, { only: [], from, run: run.value });
  if (!reuse.ok) return fail(context, reuse.error);
  for (const said of reuse.value.again) context.out.note(safeLine(said));
  const maxConcurrency = numberFlag(flags, "maxConcurrency") ?? numberFlag(flags, "maxWorkers");
  const started = await project.start(
    reuse.value.plan,
    defined({
      ...recorded,
      maxConcurrency: maxConcurrency ?? recorded.maxConcurrency,
      ...waitOption(context, flags),
      reuse: reuse.value.reuse,
    }),
  );
  if (!started.ok) return fail(context, started.error, EXIT.failed);
  const reused = plural(reuse.value.reuse?.outputs.size ?? 0, "result");
  const opening = `${context.out.style("bold", safeLine(plan.name))} from ${safeLine(from)} on, with ${reused} of run ${run.value}; run ${context.out.style("bold", started.value.run)}`;
  return await showRun(context, project, started.value, { flags, opening });
}
