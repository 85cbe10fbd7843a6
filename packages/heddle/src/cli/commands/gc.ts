/**
 * `heddle gc`: removes old runs with their logs, branches and refs. Runs that can be resumed stay until they are old
 * too; runs whose work has not landed stay until the user says otherwise.
 */
import { plural } from "../../base/plural.ts";
import { KEPT_DAYS } from "../../project/gc.ts";
import { EXIT, fail, openToChange, type Context } from "../context.ts";
import { safeLine } from "../../base/safe-text.ts";
import type { Flags } from "../spec.ts";
import { isFlagOn, numberFlag } from "../flag-values.ts";
import { timeText } from "../format.ts";

export async function gcCommand(context: Context, _args: readonly unknown[], flags: Flags): Promise<number> {
  const opened = await openToChange(context);
  if (!opened.ok) return fail(context, opened.error);
  await using project = opened.value;
  const keepDays = numberFlag(flags, "keepDays") ?? KEPT_DAYS;
  const dryRun = isFlagOn(flags, "dryRun");
  const { out, json } = context;
  const now = context.clock.now();
  const removed: { readonly run: string; readonly refs: number }[] = [];
  const kept: { readonly run: string; readonly reason: string }[] = [];
  const options = { keepDays, dryRun, unlanded: isFlagOn(flags, "unlanded") };
  for await (const collected of project.maintenance.collectGarbage(options)) {
    const { run, status, plan, startedAt } = collected.run;
    const what = `${run}  ${status}  ${safeLine(plan)}  ${timeText(startedAt, now)}`;
    if (collected.kind === "kept") {
      const reason = safeLine(collected.reason);
      kept.push({ run, reason });
      if (!json) out.line(`kept ${what}: ${reason}`);
    } else {
      const { refs } = collected;
      removed.push({ run, refs });
      const of = refs === 0 ? "" : `, with ${plural(refs, "ref")}`;
      if (!json) out.line(`${dryRun ? "would remove" : "removed"} ${what}${of}`);
    }
  }
  if (json)
    out.json({
      removed: removed.map(({ run }) => run),
      refs: Object.fromEntries(removed.map(({ run, refs }) => [run, refs])),
      kept,
      dryRun,
    });
  else if (removed.length + kept.length === 0) out.line(`No run is older than ${plural(keepDays, "day")}.`);
  else out.line(`${plural(removed.length, "run")} ${dryRun ? "would be removed" : "removed"}.`);
  return EXIT.ok;
}
