/** `heddle resume`, `retry` and `rollback`: continue a recorded run, or undo its steps. */
import { defined } from "../../base/defined.ts";
import type { JsonObject } from "../../base/json.ts";
import { plural } from "../../base/plural.ts";
import { reportRefusal } from "../plans.ts";
import { showRun } from "../show-run.ts";
import { EXIT, fail, openToChange, type Context } from "../context.ts";
import { landingLines } from "../landing-lines.ts";
import { safeLine } from "../../base/safe-text.ts";
import type { Flags } from "../spec.ts";
import { concurrencyOf, isFlagOn } from "../flag-values.ts";
import { countsText } from "../format.ts";
import { stepCounts } from "../../view/status.ts";
import { waitOption } from "./run.ts";
import { planToGoOn } from "../../project/begin-run.ts";
import type { Project, ResumeOptions, StepsAgain } from "../../project/port.ts";

type Words = readonly (string | undefined)[];

export async function resumeCommand(context: Context, [word]: Words, flags: Flags): Promise<number> {
  const opened = await openToChange(context);
  if (!opened.ok) return fail(context, opened.error);
  await using project = opened.value;
  const run = await project.runs.find(word);
  if (!run.ok) return fail(context, run.error);
  return await goOn(context, project, run.value, { flags, mode: "resume" });
}

/** RUN and steps of it; where the first word is a step of the latest run, all are. */
export async function retryCommand(context: Context, [first, ...words]: Words, flags: Flags): Promise<number> {
  const opened = await openToChange(context);
  if (!opened.ok) return fail(context, opened.error);
  await using project = opened.value;
  const meant = await project.runs.findWithStep([first]);
  if (!meant.ok) return fail(context, meant.error);
  const { run, step } = meant.value;
  const steps = [step, ...words].filter((word) => word !== undefined);
  if (steps.length === 0 && isFlagOn(flags, "alone"))
    return fail(context, { code: "Usage", message: "--alone is of steps that are named, and none is" });
  const again = steps.length === 0 ? undefined : { steps, downstream: !isFlagOn(flags, "alone") };
  return await goOn(context, project, run, defined({ flags, mode: "retry" as const, again }));
}

interface GoOn {
  readonly flags: Flags;
  readonly mode: "resume" | "retry";
  readonly again?: StepsAgain;
}

async function goOn(context: Context, project: Project, run: string, { flags, mode, again }: GoOn): Promise<number> {
  const params = flags["param"] as JsonObject | undefined;
  const now = await project.plans.current(run, params);
  const current = planToGoOn(run, now, { params, again });
  if (!current.ok) return await reportRefusal(context, current.error);
  const isGone = now.kind === "gone";
  if (isGone) context.out.note(`The plan file ${safeLine(now.file)} does not exist any more; using the recorded plan.`);
  const maxConcurrency = concurrencyOf(flags);
  const options: ResumeOptions = defined({
    mode,
    again,
    current: current.value,
    acceptChanges: isFlagOn(flags, "acceptChanges") ? true : undefined,
    maxConcurrency,
    ...waitOption(context, flags),
  });
  const resumed = await project.runs.resume(run, options);
  if (!resumed.ok) return fail(context, resumed.error);
  const state = resumed.value.state();
  const done = countsText(stepCounts(state, true));
  if (state.phase.tag === "succeeded" && !context.json) {
    const { planFile } = state.options;
    const again = planFile === undefined || isGone ? "" : ` Run it again: heddle run ${safeLine(planFile)}`;
    context.out.line(`Run ${run} has succeeded already: ${done} of ${plural(state.steps.length, "step")}.${again}`);
    const { landing } = await resumed.value.result;
    if (landing !== undefined) for (const line of landingLines(run, landing)) context.out.line(safeLine(line));
    return await showRun(context, project, resumed.value, { flags: { ...flags, output: "quiet" }, opening: "" });
  }
  const opening = `${context.out.style("bold", state.plan.name)}: run ${context.out.style("bold", run)} resumed; of ${plural(state.steps.length, "step")}: ${done}`;
  return await showRun(context, project, resumed.value, { flags, opening });
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
