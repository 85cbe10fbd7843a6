/**
 * `heddle gc`: removes old runs with their logs, branches and refs. Runs that can be resumed stay until they are old
 * too; runs whose work has not landed stay until the user says otherwise.
 */
import { plural } from "../../base/plural.ts";
import type { AgentMaintenance } from "../../agent/port.ts";
import { runLine, type RunLine } from "../../view/list.ts";
import { EXIT, fail, openToChange, type Context } from "../context.ts";
import { safeLine } from "../output-text.ts";
import type { Flags } from "../spec.ts";
import { isFlagOn, numberFlag } from "../flag-values.ts";
import { timeText } from "../format.ts";

const DAY_MS = 86_400_000;
const KEPT_DAYS = 30;

export async function gcCommand(context: Context, _args: readonly unknown[], flags: Flags): Promise<number> {
  const opened = await openToChange(context);
  if (!opened.ok) return fail(context, opened.error);
  await using project = opened.value;
  const days = numberFlag(flags, "keepDays") ?? KEPT_DAYS;
  const dry = isFlagOn(flags, "dryRun");
  const now = context.clock.now();
  const unlanded = isFlagOn(flags, "unlanded");
  const removed: { readonly run: string; readonly refs: number }[] = [];
  const kept: { readonly run: string; readonly reason: string }[] = [];
  let maintenance: AgentMaintenance | undefined;
  for (const record of await project.journal.runs()) {
    const line = runLine(record);
    if ((line.endedAt ?? line.startedAt) > now - days * DAY_MS || record.holder !== null) continue;
    const { run } = record;
    maintenance ??= await project.agents();
    const what = `${run}  ${line.status}  ${safeLine(line.plan)}  ${timeText(line.startedAt, now)}`;
    const refs = await refsToGo(maintenance, line, { unlanded, dry });
    if (typeof refs === "string") {
      kept.push({ run, reason: refs });
      if (!context.json) context.out.line(`kept ${what}: ${refs}`);
      continue;
    }
    if (!dry && !(await project.remove(run))) continue;
    removed.push({ run, refs });
    const of = refs === 0 ? "" : `, with ${plural(refs, "ref")}`;
    if (!context.json) context.out.line(`${dry ? "would remove" : "removed"} ${what}${of}`);
  }
  if (context.json)
    context.out.json({
      removed: removed.map(({ run }) => run),
      refs: Object.fromEntries(removed.map(({ run, refs }) => [run, refs])),
      kept,
      dryRun: dry,
    });
  else if (removed.length + kept.length === 0) context.out.line(`No run is older than ${plural(days, "day")}.`);
  else context.out.line(`${plural(removed.length, "run")} ${dry ? "would be removed" : "removed"}.`);
  return EXIT.ok;
}

/** Removes a run's branches and refs. How many; why they stay, and the run with them, if so. */
async function refsToGo(
  maintenance: AgentMaintenance,
  { run, status }: RunLine,
  { unlanded, dry }: { readonly unlanded: boolean; readonly dry: boolean },
): Promise<number | string> {
  const found = await maintenance.refs(run);
  if (!found.ok) return safeLine(found.error.message);
  if (found.value === undefined) return 0;
  const { refs, landed, trees } = found.value;
  const left = `it still has ${plural(trees, "worktree")}: \`heddle worktrees list ${run}\``;
  if (trees > 0) return left;
  if (!unlanded && status !== "succeeded")
    return "its agents' work is kept because it has not succeeded; --unlanded removes it too";
  if (!unlanded && !landed)
    return `its agents' work has not landed: \`heddle merge ${run}\` lands it, --unlanded removes it`;
  if (dry) return refs.length;
  const gone = await maintenance.removeRefs(run);
  if (!gone.ok) return safeLine(gone.error.message);
  return gone.value ? refs.length : left;
}
