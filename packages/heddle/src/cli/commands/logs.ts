/** `heddle logs`: prints the logs of steps. */
import { existsSync } from "node:fs";
import { type LogTarget, logTargets, noLog, unreadableLogs } from "../../project/log-targets.ts";
import type { Problem } from "../../base/errors.ts";
import type { RunSnapshot } from "../../view/history.ts";
import { EXIT, fail, openToRead, type Context } from "../context.ts";
import { findStep } from "../../project/find-run.ts";
import { LogCursor, logProblem, sizeOf } from "../../project/log-lines.ts";
import { safeColouredLine, safeLine } from "../../base/safe-text.ts";
import { PrintQueue } from "../print-queue.ts";
import type { Flags } from "../spec.ts";
import { isFlagOn, numberFlag } from "../flag-values.ts";
import type { Project } from "../../project/port.ts";

export async function logsCommand(
  context: Context,
  words: readonly (string | undefined)[],
  flags: Flags,
): Promise<number> {
  const opened = await openToRead(context);
  if (!opened.ok) return fail(context, opened.error);
  await using project = opened.value;
  const meant = await project.runs.findWithStep(words);
  if (!meant.ok) return fail(context, meant.error);
  const read = await project.runs.read(meant.value.run);
  if (!read.ok) return fail(context, read.error, EXIT.failed);
  const { run } = meant.value;
  const { state, live } = read.value;
  const followed = isFlagOn(flags, "follow") && !context.json;
  const step = meant.value.step ?? (followed ? onlyRunning(state, live) : undefined);
  if (step !== undefined) {
    const found = findStep(state, step);
    if (!found.ok) return fail(context, found.error);
  }
  if (followed && step === undefined) return fail(context, followsOne(state, live));
  const wanted = { step, attempt: numberFlag(flags, "attempt"), unstarted: followed && live };
  const targets = logTargets(project.logs.file, state, wanted);
  if (targets.length === 0) return fail(context, noLog(state, step, wanted.attempt), EXIT.failed);
  if (context.json) {
    context.out.json({ run, logs: targets.map((target) => ({ ...target, bytes: sizeOf(target.log) })) });
    return EXIT.ok;
  }
  const [target] = targets;
  const unreadable = targets.flatMap(({ log }) => {
    const problem = logProblem(log);
    return problem === undefined ? [] : [`the log ${safeLine(log)} ${problem}`];
  });
  if (step === undefined || unreadable.length === 0) {
    if (isFlagOn(flags, "follow") && step !== undefined && target !== undefined)
      await follow(context, project, run, target);
    else await print(context, targets, step === undefined);
  }
  if (unreadable.length === 0) return EXIT.ok;
  return fail(context, unreadableLogs(unreadable), EXIT.failed);
}

/** `live`: a process holds the run now. */
function runningSteps(state: RunSnapshot, live: boolean): readonly string[] {
  if (!live) return [];
  return state.steps.flatMap(({ id }, at) => (state.phases[at]?.tag === "running" ? [id] : []));
}

function onlyRunning(state: RunSnapshot, live: boolean): string | undefined {
  const running = runningSteps(state, live);
  return running.length === 1 ? running[0] : undefined;
}

function followsOne(state: RunSnapshot, live: boolean): Problem {
  const running = runningSteps(state, live);
  const now = running.length === 0 ? "None runs now." : `Running now: ${safeLine(running.slice(0, 10).join(", "))}.`;
  return { code: "Usage", message: "-f follows the log of one step", hint: `Name the step. ${now}` };
}

async function print(context: Context, targets: readonly LogTarget[], withTitles: boolean): Promise<void> {
  const queue = new PrintQueue(context.out, { colour: context.out.hasColour });
  for (const { step, attempt, log } of targets) {
    if (withTitles) queue.line(context.out.style("bold", `── ${safeLine(step)}, attempt ${attempt} ──`));
    else noteMissing(context, log);
    queue.log(new LogCursor(log), "", true);
  }
  await queue.idle();
}

function noteMissing({ out }: Context, log: string): void {
  if (!existsSync(log)) out.note(`${safeLine(log)} does not exist: the attempt wrote nothing, or its log was removed.`);
}

/** Until the step has ended, or its engine is gone. */
async function follow(
  context: Context,
  project: Project,
  run: string,
  { step, log, isStarted }: LogTarget,
): Promise<void> {
  const { out } = context;
  if (isStarted) noteMissing(context, log);
  else out.note(`Step ${safeLine(step)} has not started. Its log follows when it does.`);
  let isOpen = false;
  for await (const item of project.logs.tail({ run, step, file: log })) {
    if (item.kind === "lines") {
      isOpen = item.isOpen;
      out.write(`${item.lines.map(out.hasColour ? safeColouredLine : safeLine).join("\n")}${isOpen ? "" : "\n"}`);
      await out.drained();
      continue;
    }
    if (isOpen) out.line();
    if (!item.isStepOver) out.note(`No process is working on run ${run} any more. Continue: heddle resume ${run}`);
  }
}
