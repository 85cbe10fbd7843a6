/** `heddle resume`, `retry` and `rollback`: continue a recorded run, or undo its steps. */
import { unreachable } from "../../base/assert.ts";
import { defined } from "../../base/defined.ts";
import { err, ok, type Result } from "../../base/result.ts";
import { plural } from "../../base/plural.ts";
import { showRun } from "../show-run.ts";
import { EXIT, fail, openToChange, type Context } from "../context.ts";
import { landingLines } from "../landing-lines.ts";
import { safeLine } from "../../base/safe-text.ts";
import { reportDiagnostics } from "../plans.ts";
import type { Flags } from "../spec.ts";
import { concurrencyOf, isFlagOn } from "../flag-values.ts";
import { countsText } from "../format.ts";
import { stepCounts } from "../../view/status.ts";
import { waitOption } from "./run.ts";
import type { LoadedPlan, Project, ResumeOptions } from "../../project/port.ts";

type Words = readonly (string | undefined)[];

export function resumeCommand(context: Context, words: Words, flags: Flags): Promise<number> {
  return goOn(context, words, flags, "resume");
}

export function retryCommand(context: Context, words: Words, flags: Flags): Promise<number> {
  return goOn(context, words, flags, "retry");
}

async function goOn(context: Context, [word]: Words, flags: Flags, mode: "resume" | "retry"): Promise<number> {
  const opened = await openToChange(context);
  if (!opened.ok) return fail(context, opened.error);
  await using project = opened.value;
  const run = await project.runs.find(word);
  if (!run.ok) return fail(context, run.error);
  const current = await currentPlan(context, project, run.value);
  if (!current.ok) return current.error;
  const maxConcurrency = concurrencyOf(flags);
  const options: ResumeOptions = defined({
    mode,
    current: current.value.plan,
    acceptChanges: isFlagOn(flags, "acceptChanges") ? true : undefined,
    maxConcurrency,
    ...waitOption(context, flags),
  });
  const resumed = await project.runs.resume(run.value, options);
  if (!resumed.ok) return fail(context, resumed.error);
  const state = resumed.value.state();
  const done = countsText(stepCounts(state, true));
  if (state.phase.tag === "succeeded" && !context.json) {
    const { planFile } = state.options;
    const again =
      planFile === undefined || current.value.isGone ? "" : ` Run it again: heddle run ${safeLine(planFile)}`;
    context.out.line(
      `Run ${run.value} has succeeded already: ${done} of ${plural(state.steps.length, "step")}.${again}`,
    );
    const { landing } = await resumed.value.result;
    if (landing !== undefined) for (const line of landingLines(run.value, landing)) context.out.line(safeLine(line));
    return await showRun(context, project, resumed.value, { flags: { ...flags, output: "quiet" }, opening: "" });
  }
  const opening = `${context.out.style("bold", state.plan.name)}: run ${context.out.style("bold", run.value)} resumed; of ${plural(state.steps.length, "step")}: ${done}`;
  return await showRun(context, project, resumed.value, { flags, opening });
}

interface PlanNow {
  /** Absent for a plan without a file, or whose file is gone: the recorded plan is used. */
  readonly plan?: LoadedPlan;
  readonly isGone: boolean;
}

/** The plan as its file says now. */
async function currentPlan(context: Context, project: Project, run: string): Promise<Result<PlanNow, number>> {
  const current = await project.plans.current(run);
  switch (current.kind) {
    case "none":
      return ok({ isGone: false });
    case "gone":
      context.out.note(`The plan file ${safeLine(current.file)} does not exist any more; using the recorded plan.`);
      return ok({ isGone: true });
    case "invalid":
      if (!current.isNeeded) return ok({ isGone: false });
      await reportDiagnostics(context, current.file, current.diagnostics);
      return err(EXIT.usage);
    case "loaded":
      return ok({ plan: current.plan, isGone: false });
    default:
      return unreachable(current);
  }
}

export async function rollbackCommand(context: Context, [word]: Words, flags: Flags): Promise<number> {
  const opened = await openToChange(context);
  if (!opened.ok) return fail(context, opened.error);
  await using project = opened.value;
  const run = await project.runs.find(word);
  if (!run.ok) return fail(context, run.error);
  // Before anything is undone: events that come while it is loaded would be missed.
  const { showRollback } = await import("../show-rollback.ts");
  const started = await project.runs.rollback(run.value);
  if (!started.ok) return fail(context, started.error);
  const handle = started.value;
  let failed = 0;
  let undone = 0;
  handle.subscribe((event) => {
    if (event.type === "step.rolledback") undone++;
    else if (event.type === "rollback.failed") failed++;
  });
  const stopped = await showRollback(context, project, handle, flags);
  if (stopped !== undefined) return fail(context, stopped, EXIT.failed);
  if (!context.json && undone + failed === 0) context.out.line("Nothing to undo: no succeeded step has an `undo`.");
  return failed > 0 ? EXIT.failed : EXIT.ok;
}
