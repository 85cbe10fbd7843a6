/** `heddle merge`: lands the integration branch of a run. Never pushes. */
import { EXIT, fail, findRun, openToRead, type Context } from "../context.ts";
import { safeLine } from "../output-text.ts";
import type { Flags } from "../spec.ts";
import { isOn, text } from "../values.ts";
import { landingLines } from "../landing-lines.ts";

export async function merge(context: Context, [word]: readonly (string | undefined)[], flags: Flags): Promise<number> {
  const branch = text(flags, "branch");
  if (branch !== undefined && isOn(flags, "ff"))
    return fail(context, { code: "Usage", message: "--ff and --branch cannot be combined" });
  const opened = await openToRead(context);
  if (!opened.ok) return fail(context, opened.error);
  await using project = opened.value;
  const run = await findRun(project, word);
  if (!run.ok) return fail(context, run.error);
  const kind = branch !== undefined ? "branch" : isOn(flags, "ff") ? "ff" : "merge";
  const landed = await (await project.agents()).land(run.value, kind, branch);
  if (!landed.ok) return fail(context, landed.error, EXIT.failed);
  const { problem } = landed.value;
  if (problem !== undefined) return fail(context, problem, EXIT.failed);
  if (context.json) context.out.json({ run: run.value, ...landed.value });
  else for (const line of landingLines(run.value, landed.value)) context.out.line(safeLine(line));
  return EXIT.ok;
}
