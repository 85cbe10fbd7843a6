/** `heddle run --dry-run`: shows what would run, and in which layers. Runs and records nothing. */
import { plural } from "../../base/plural.ts";
import { EXIT, fail, openToRead, type Context } from "../context.ts";
import { safeLine } from "../../base/safe-text.ts";
import { cut } from "../output-text.ts";
import type { Flags } from "../spec.ts";
import { textFlag, textFlags } from "../flag-values.ts";
import { planLines, viewOf } from "./plan.ts";
import type { LoadedPlan } from "../../project/port.ts";

export async function showDryRun(context: Context, loaded: LoadedPlan, flags: Flags): Promise<number> {
  const { out } = context;
  let chosen = loaded;
  let reused: readonly string[] = [];
  if (textFlags(flags, "only").length > 0 || textFlag(flags, "from") !== undefined) {
    const opened = await openToRead(context);
    if (!opened.ok) return fail(context, opened.error);
    await using project = opened.value;
    const reuse = await project.runs.select(loaded, { only: textFlags(flags, "only"), from: textFlag(flags, "from") });
    if (!reuse.ok) return fail(context, reuse.error);
    for (const said of reuse.value.again) context.out.note(safeLine(said));
    chosen = reuse.value.plan;
    reused = [...(reuse.value.reuse?.results.keys() ?? [])];
  }
  const view = await viewOf(context, chosen, flags);
  if (context.json) {
    out.json({ ...view, reused });
    return EXIT.ok;
  }
  out.lines(planLines(out, view));
  out.line();
  if (reused.length > 0) out.line(`Reused, not run: ${cut(safeLine(reused.join(", ")), 500)}`);
  out.line(`Dry run: ${plural(chosen.plan.steps.length - reused.length, "step")} would run; nothing was run.`);
  return EXIT.ok;
}
