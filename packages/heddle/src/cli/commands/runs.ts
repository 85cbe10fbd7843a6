/** `heddle runs`: lists the runs of the project, newest first. */
import { defined } from "../../base/defined.ts";
import type { RunLine } from "../../view/list.ts";
import { EXIT, fail, openToRead, type Context } from "../context.ts";
import { safeLine } from "../../base/safe-text.ts";
import { pad } from "../output-text.ts";
import type { Output } from "../output.ts";
import { tookText } from "../../view/times.ts";
import { countsText, statusStyle, timeText } from "../format.ts";
import type { Flags } from "../spec.ts";
import { numberFlag } from "../flag-values.ts";

const SHOWN = 20;

export async function runsCommand(context: Context, _args: readonly unknown[], flags: Flags): Promise<number> {
  const { out } = context;
  const opened = await openToRead(context);
  if (!opened.ok && opened.error.code !== "NoRuns") return fail(context, opened.error, EXIT.failed);
  const limit = numberFlag(flags, "limit") ?? (context.json ? undefined : SHOWN);
  let lines: readonly RunLine[] = [];
  if (opened.ok) {
    await using project = opened.value;
    lines = await project.runs.list(defined({ limit }));
  }
  if (context.json) out.json({ runs: lines });
  else if (lines.length === 0) out.line("No runs yet. Start one with `heddle run`.");
  else out.lines(lines.map((line) => listLine(out, line, context.clock.now())));
  return EXIT.ok;
}

export function listLine(out: Output, line: RunLine, now: number): string {
  const ended = line.endedAt === null ? "" : `  ${tookText(line.endedAt - line.startedAt)}`;
  const status = out.style(statusStyle(line.status), pad(line.status, 11));
  return `${out.style("bold", line.run)}  ${status}  ${safeLine(line.plan)}  ${countsText(line.counts)}${ended}  ${out.style("dim", timeText(line.startedAt, now))}`;
}
