/** `heddle merge`: lands the integration branch of a run, or reverts one step on it. Never pushes. */
import { defined } from "../../base/defined.ts";
import type { Problem } from "../../base/errors.ts";
import { EXIT, fail, findRun, findStep, openToChange, type Context } from "../context.ts";
import { safeLine } from "../output-text.ts";
import type { Flags } from "../spec.ts";
import { isFlagOn, textFlag } from "../flag-values.ts";
import { landingLines } from "../landing-lines.ts";
import { readRun } from "../../project/read-run.ts";
import type { Landing } from "../../run/attempt.ts";
import type { Project } from "../../project/port.ts";

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
  const run = await findRun(project, word);
  if (!run.ok) return fail(context, run.error);
  if (step !== undefined) return await revert(context, project, run.value, step);
  const read = await readRun(project, run.value);
  if (!read.ok) return fail(context, read.error, EXIT.failed);
  const { state, live } = read.value;
  if (live && !isFlagOn(flags, "partial")) return fail(context, goesOn(run.value), EXIT.failed);
  if (!live && state.phase.tag !== "succeeded")
    context.out.note(`Run ${run.value} has not succeeded. Landing what has been merged so far.`);
  const kind = branch !== undefined ? "branch" : isFlagOn(flags, "ff") ? "ff" : "merge";
  const landed = await (await project.agents()).land(run.value, kind, defined({ name: branch, target: state.branch }));
  if (!landed.ok) return fail(context, landed.error, EXIT.failed);
  const { problem } = landed.value;
  if (problem !== undefined) return fail(context, problem, EXIT.failed);
  await project.recordLanding(run.value, landed.value);
  if (context.json) context.out.json({ run: run.value, ...landed.value });
  else for (const line of lines(run.value, landed.value)) context.out.line(safeLine(line));
  return EXIT.ok;
}

/** Landing a part silently would only be noticed when the rest does not come. */
function goesOn(run: string): Problem {
  return {
    code: "RunGoesOn",
    message: `run ${run} has not ended: only a part of it would land`,
    hint: `Wait for its end (\`heddle watch ${run}\`), or land what has been merged so far with --partial.`,
  };
}

/** At the end of a run that merged nothing there is nothing to say; who asks by command gets an answer. */
function* lines(run: string, landing: Landing): Generator<string, void, undefined> {
  const { integration, commits, branch, commit } = landing;
  if (commits > 0) yield* landingLines(run, landing);
  else
    yield `${integration} has no work of a step; ${branch ?? "your branch"} stays at ${commit?.slice(0, 10) ?? "its commit"}.`;
}

/** The step is looked for in the history, so that a mistyped name is distinguished from a step without work. */
async function revert(context: Context, project: Project, run: string, step: string): Promise<number> {
  const read = await readRun(project, run);
  if (!read.ok) return fail(context, read.error, EXIT.failed);
  const found = findStep(read.value.state, step);
  if (!found.ok) return fail(context, found.error);
  const reverted = await (await project.agents()).revert(run, step);
  if (!reverted.ok) return fail(context, reverted.error, EXIT.failed);
  const { integration, commit, files } = reverted.value;
  if (context.json) context.out.json({ run, step, integration, commit, files });
  else {
    context.out.line(safeLine(`Reverted ${step} on ${integration} (${commit.slice(0, 10)}).`));
    context.out.line(`To update your branch: heddle merge ${run}`);
  }
  return EXIT.ok;
}
