/**
 * `heddle rerun`: runs a step and everything that depends on it in a new run, and reuses the other results of an earlier
 * one.
 */
import { defined } from "../../base/defined.ts";
import { plural } from "../../base/plural.ts";
import { showRun } from "../show-run.ts";
import { fail, openToChange, type Context } from "../context.ts";
import { safeLine } from "../../base/safe-text.ts";
import { reportRefusal } from "../plans.ts";
import type { Flags } from "../spec.ts";
import { concurrencyOf, textFlag } from "../flag-values.ts";
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
  const run = await project.runs.find(word);
  if (!run.ok) return fail(context, run.error);
  const maxConcurrency = concurrencyOf(flags);
  const begun = await project.runs.rerun(run.value, defined({ from, maxConcurrency, ...waitOption(context, flags) }));
  if (!begun.ok) return reportRefusal(context, begun.error);
  const { handle, plan, reused, again } = begun.value;
  for (const said of again) context.out.note(safeLine(said));
  const opening = `${context.out.style("bold", safeLine(plan))} from ${safeLine(from)} on, with ${plural(reused, "result")} of run ${run.value}; run ${context.out.style("bold", handle.run)}`;
  return await showRun(context, project, handle, { flags, opening });
}
