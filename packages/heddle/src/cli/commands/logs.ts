/** `heddle logs`: prints the logs of steps. */
import { existsSync } from "node:fs";
import { type LogTarget, logTargets } from "../../project/log-targets.ts";
import { EXIT, fail, openToRead, type Context } from "../context.ts";
import { findStep } from "../../project/find-run.ts";
import { LogCursor, logProblem, sizeOf } from "../../project/log-lines.ts";
import { safeLine } from "../../base/safe-text.ts";
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
  const { run, step } = meant.value;
  if (step !== undefined) {
    const found = findStep(read.value.state, step);
    if (!found.ok) return fail(context, found.error);
  }
  const targets = logTargets(project.logs.file, read.value.state, { step, attempt: numberFlag(flags, "attempt") });
  if (targets.length === 0) {
    const message =
      step === undefined ? `no step of run ${run} has written a log` : `step ${step} of run ${run} has no such attempt`;
    return fail(
      context,
      { code: "NoLog", message, hint: `\`heddle show ${run}\` shows which steps ran, and how often.` },
      EXIT.failed,
    );
  }
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
  const hint = "A log is a plain file. Something has put another kind of file there; remove it.";
  return fail(context, { code: "LogUnreadable", message: unreadable.join("; "), hint }, EXIT.failed);
}

async function print(context: Context, targets: readonly LogTarget[], withTitles: boolean): Promise<void> {
  const queue = new PrintQueue(context.out);
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
async function follow(context: Context, project: Project, run: string, { step, log }: LogTarget): Promise<void> {
  const { out } = context;
  noteMissing(context, log);
  for await (const item of project.logs.tail({ run, step, file: log })) {
    if (item.kind === "lines") {
      out.lines(item.lines.map(safeLine));
      await out.drained();
    } else if (!item.isStepOver)
      out.note(`No process is working on run ${run} any more. Continue: heddle resume ${run}`);
  }
}
