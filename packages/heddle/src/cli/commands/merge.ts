/** `heddle merge`: lands the integration branch of a run, or reverts one step on it. Never pushes. */
import { EXIT, fail, openToChange, type Context } from "../context.ts";
import { safeLine } from "../../base/safe-text.ts";
import type { Flags } from "../spec.ts";
import { isFlagOn, textFlag } from "../flag-values.ts";
import { landingLines } from "../landing-lines.ts";
import type { Landing, Project } from "../../project/port.ts";

export async function mergeCommand(
  context: Context,
  [word]: readonly (string | undefined)[],
  flags: Flags,
): Promise<number> {
  const branch = textFlag(flags, "branch");
  const step = textFlag(flags, "revert");
  const given = [
    ["--ff", isFlagOn(flags, "ff")] as const,
    ["--branch", branch !== undefined],
    ["--revert", step !== undefined],
  ]
    .filter(([, isGiven]) => isGiven)
    .map(([name]) => String(name));
  if (given.length > 1) return fail(context, { code: "Usage", message: `${given.join(" and ")} cannot be combined` });
  const opened = await openToChange(context);
  if (!opened.ok) return fail(context, opened.error);
  await using project = opened.value;
  const run = await project.runs.find(word);
  if (!run.ok) return fail(context, run.error);
  if (step !== undefined) return await revert(context, project, run.value, step);
  const landed = await project.worktrees.land(run.value, {
    kind: branch !== undefined ? "branch" : isFlagOn(flags, "ff") ? "ff" : "merge",
    name: branch,
    partial: isFlagOn(flags, "partial"),
    onUnfinished: () => context.out.note(`Run ${run.value} has not succeeded. Landing what has been merged so far.`),
  });
  if (!landed.ok) return fail(context, landed.error, EXIT.failed);
  for (const text of landed.value.notices ?? []) context.out.note(safeLine(text));
  if (context.json) context.out.json({ run: run.value, ...landed.value });
  else for (const line of lines(run.value, landed.value)) context.out.line(safeLine(line));
  return EXIT.ok;
}

/** At the end of a run that merged nothing there is nothing to say; who asks by command gets an answer. */
function* lines(run: string, landing: Landing): Generator<string, void, undefined> {
  const { integration, commits, branch, commit } = landing;
  if (commits > 0) yield* landingLines(run, landing);
  else
    yield `${integration} has no work of a step; ${branch ?? "your branch"} is at ${commit?.slice(0, 10) ?? "its commit"}.`;
}

async function revert(context: Context, project: Project, run: string, step: string): Promise<number> {
  const reverted = await project.worktrees.revert(run, step);
  if (!reverted.ok) {
    const { error } = reverted;
    return error.code === "UnknownStep" ? fail(context, error) : fail(context, error, EXIT.failed);
  }
  const { integration, commit, verified, builders = [] } = reverted.value;
  if (context.json) context.out.json({ run, step, ...reverted.value });
  else {
    context.out.line(safeLine(`Reverted ${step} on ${integration} (${commit.slice(0, 10)}).`));
    if (builders.length > 0) context.out.line(safeLine(`Built on it, and still there: ${builders.join(", ")}.`));
    context.out.line(verified === true ? "Verified without it." : "No `verify` ran on the result: the plan has none.");
    context.out.line(`To update your branch: heddle merge ${run}`);
  }
  return EXIT.ok;
}
