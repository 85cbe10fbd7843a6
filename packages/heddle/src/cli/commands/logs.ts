/** `heddle logs`: prints the logs of steps. */
import { existsSync } from "node:fs";
import { hasEnded, type LogTarget, logTargets } from "../log-targets.ts";
import { EXIT, fail, findRunAndStep, findStep, openToRead, type Context } from "../context.ts";
import { readRun, type ReadRun } from "../../project/read-run.ts";
import { LogCursor, sizeOf } from "../log-lines.ts";
import { safeLine } from "../output-text.ts";
import { Tape } from "../print-queue.ts";
import type { Flags } from "../spec.ts";
import { isOn, numeric } from "../flag-values.ts";
import type { Project } from "../../project/port.ts";

const POLL_MS = 100;
/** How often it is asked whether the run's process still lives: a dead one writes nothing that would say so. */
const HOLDER_POLLS = 10;

export async function logs(context: Context, words: readonly (string | undefined)[], flags: Flags): Promise<number> {
  const opened = await openToRead(context);
  if (!opened.ok) return fail(context, opened.error);
  await using project = opened.value;
  const meant = await findRunAndStep(project, words);
  if (!meant.ok) return fail(context, meant.error);
  const read = await readRun(project, meant.value.run);
  if (!read.ok) return fail(context, read.error, EXIT.failed);
  const { run, step } = meant.value;
  if (step !== undefined) {
    const found = findStep(read.value.state, step);
    if (!found.ok) return fail(context, found.error);
  }
  const targets = logTargets(project, read.value.state, { step, attempt: numeric(flags, "attempt") });
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
  await print(context, targets, step === undefined);
  if (isOn(flags, "follow") && step !== undefined) await follow(context, project, read.value, targets);
  return EXIT.ok;
}

const cursors = new Map<string, LogCursor>();

async function print(context: Context, targets: readonly LogTarget[], withTitles: boolean): Promise<void> {
  const tape = new Tape(context.out);
  for (const { step, attempt, log } of targets) {
    if (withTitles) tape.line(context.out.style("bold", `── ${safeLine(step)}, attempt ${attempt} ──`));
    else if (!existsSync(log)) {
      context.out.note(`${safeLine(log)} does not exist: the attempt wrote nothing, or its log was removed.`);
    }
    const cursor = new LogCursor(log);
    cursors.set(log, cursor);
    tape.log(cursor, "", true);
  }
  await tape.idle();
}

/** Until the step has ended, or its engine is gone. */
async function follow(
  context: Context,
  project: Project,
  first: ReadRun,
  targets: readonly LogTarget[],
): Promise<void> {
  const tape = new Tape(context.out);
  const [target] = targets;
  const { run } = first.state;
  const writes = project.journal.watch();
  let read = first;
  for (let poll = 1; target !== undefined; poll++) {
    const over = !read.live || hasEnded(read.state, target.step);
    const cursor = cursors.get(target.log);
    if (cursor !== undefined) tape.log(cursor, "", over);
    await tape.idle();
    if (over) {
      if (!hasEnded(read.state, target.step))
        context.out.note(`No process is working on run ${run} any more. Continue: heddle resume ${run}`);
      return;
    }
    await new Promise<void>((resolve) => {
      context.clock.after(POLL_MS, resolve);
    });
    if (!writes.changed() && (poll % HOLDER_POLLS !== 0 || (await isHeld(project, run)))) continue;
    const again = await readRun(project, run);
    if (!again.ok) return;
    read = again.value;
  }
}

async function isHeld(project: Project, run: string): Promise<boolean> {
  return ((await project.journal.get(run))?.holder ?? null) !== null;
}
