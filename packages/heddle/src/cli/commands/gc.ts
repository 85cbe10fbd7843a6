/** `heddle gc`: removes old runs with their logs. Runs that may still be resumed on purpose stay until they are old as well. */
import { runLine } from "../../view/list.ts";
import { EXIT, fail, openToChange, type Context } from "../context.ts";
import { safeLine } from "../output-text.ts";
import type { Flags } from "../spec.ts";
import { isOn, numeric } from "../values.ts";
import { plural, timeText } from "../words.ts";

const DAY_MS = 86_400_000;
const KEPT_DAYS = 30;

export async function gc(context: Context, _args: readonly unknown[], flags: Flags): Promise<number> {
  const opened = await openToChange(context);
  if (!opened.ok) return fail(context, opened.error);
  await using project = opened.value;
  const days = numeric(flags, "keepDays") ?? KEPT_DAYS;
  const dry = isOn(flags, "dryRun");
  const now = context.clock.now();
  const removed: string[] = [];
  for (const record of await project.journal.runs()) {
    const line = runLine(record);
    if ((line.endedAt ?? line.startedAt) > now - days * DAY_MS || record.holder !== null) continue;
    if (!dry && !(await project.remove(record.run))) continue;
    removed.push(record.run);
    if (!context.json)
      context.out.line(
        `${dry ? "would remove" : "removed"} ${record.run}  ${line.status}  ${safeLine(line.plan)}  ${timeText(line.startedAt, now)}`,
      );
  }
  if (context.json) context.out.json({ removed, dryRun: dry });
  else
    context.out.line(
      removed.length === 0
        ? `Nothing is older than ${plural(days, "day")}.`
        : `${plural(removed.length, "run")} ${dry ? "would go" : "removed"}.`,
    );
  return EXIT.ok;
}
