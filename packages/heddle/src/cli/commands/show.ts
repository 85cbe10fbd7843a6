/** `heddle show`: shows the steps of a run with status, time, attempts and reason. */
import { plural } from "../../base/plural.ts";
import { costText } from "../../view/cost-text.ts";
import type { ChangedBySeveral } from "../../view/changed-files.ts";
import { runView, type RunView } from "../../view/run-view.ts";
import { EXIT, fail, openToRead, type Context } from "../context.ts";
import type { Problem } from "../../base/errors.ts";
import { findStep, type RunAndStep } from "../../project/find-run.ts";
import type { Flags } from "../spec.ts";
import { isFlagOn } from "../flag-values.ts";
import { landingLines } from "../landing-lines.ts";
import { safeLine } from "../../base/safe-text.ts";
import { cut, widthOf } from "../output-text.ts";
import type { Output } from "../output.ts";
import { type NextInput, nextLines } from "../next-lines.ts";
import { stepTable } from "../step-table.ts";
import { countsText, statusStyle, timesText, timeText } from "../format.ts";
import type { Project } from "../../project/port.ts";
import type { ReadRun } from "../../project/read-run.ts";

type Words = readonly (string | undefined)[];

export async function showCommand(context: Context, words: Words, flags: Flags): Promise<number> {
  const opened = await openToRead(context);
  if (!opened.ok) return fail(context, opened.error);
  await using project = opened.value;
  if (isFlagOn(flags, "prompt")) return await showPrompt(context, project, words);
  const meant = await project.runs.findWithStep(words);
  if (
    meant.ok &&
    meant.value.step !== undefined &&
    (words[1] !== undefined || (await isStepOf(project, meant.value)))
  ) {
    const { showStep } = await import("./show-step.ts");
    return await showStep(context, project, meant.value.run, meant.value.step);
  }
  const run = await project.runs.find(words[0]);
  if (!run.ok) return fail(context, meant.ok ? await nearerProblem(project, meant.value, run.error) : run.error);
  const read = await project.runs.read(run.value);
  if (!read.ok) return fail(context, read.error, EXIT.failed);
  const logFile = (step: string, attempt: number): string => project.logs.file(run.value, step, attempt);
  const view = runView({ ...read.value, now: context.clock.now(), logFile });
  if (context.json) context.out.json(view);
  else context.out.lines(showLines(context, view, read.value, logFile));
  return EXIT.ok;
}

/** Of a word that is neither a run nor a step: the problem that names what is meant. */
async function nearerProblem(project: Project, { run, step }: RunAndStep, asRun: Problem): Promise<Problem> {
  const read = step === undefined ? undefined : await project.runs.read(run);
  if (read?.ok !== true || step === undefined || isGuess(asRun)) return asRun;
  const found = findStep(read.value.state, step);
  return !found.ok && isGuess(found.error) ? found.error : asRun;
}

function isGuess({ hint = "" }: Problem): boolean {
  return hint.startsWith("Did you mean");
}

async function isStepOf(
  project: Project,
  { run, step = "" }: { run: string; step: string | undefined },
): Promise<boolean> {
  const read = await project.runs.read(run);
  return read.ok && read.value.state.index.byId.has(step);
}

/** What was written beside the log as the agent got it. */
async function showPrompt(context: Context, project: Project, words: Words): Promise<number> {
  const meant = await project.runs.findWithStep(words);
  if (!meant.ok) return fail(context, meant.error);
  const { run, step = "" } = meant.value;
  const read = await project.runs.read(run);
  if (!read.ok) return fail(context, read.error, EXIT.failed);
  const found = findStep(read.value.state, step);
  if (!found.ok) return fail(context, found.error);
  const text = await project.logs.prompt(run, step, read.value.state.attempts[found.value] ?? 1);
  if (text === undefined)
    return fail(context, {
      code: "NoPrompt",
      message: `step ${step} of run ${run} has no prompt`,
      hint: "Only agent steps that have started have a prompt.",
    });
  if (context.json) context.out.json({ run, step, prompt: text });
  else for (const line of text.trimEnd().split("\n")) context.out.line(safeLine(line));
  return EXIT.ok;
}

function* showLines(
  { out, clock }: Context,
  view: RunView,
  { holder, live, state }: Pick<ReadRun, "holder" | "live" | "state">,
  logFile: NextInput["logFile"],
): Generator<string, void, undefined> {
  const status = out.style(statusStyle(view.status), view.status);
  yield `${out.style("bold", `Run ${view.run}`)}  ${status}  ${safeLine(view.plan)}  ${out.style("dim", `started ${timeText(view.startedAt, clock.now())}`)}`;
  if (holder !== undefined) yield out.style("dim", `held by ${safeLine(holder)}`);
  yield "";
  yield* stepTable(out, view.steps);
  yield "";
  yield `${plural(view.steps.length, "step")}: ${countsText(view.counts)}`;
  yield timesText(view);
  const cost = costText(view);
  if (cost !== undefined) yield `Cost reported by agents: ${cost}`;
  yield* changedLines(out, view.changedBySeveral);
  if (view.landing !== null) for (const line of landingLines(view.run, view.landing)) yield safeLine(line);
  yield* nextLines({ state, status: view.status, live, now: clock.now(), logFile });
}

/** Files named in the text form; of the others the number is said. */
const MOST_FILES = 10;

/** Where the work of several steps met: what a person may want to look at first. */
function* changedLines(out: Output, { count, files }: ChangedBySeveral): Generator<string, void, undefined> {
  if (count === 0) return;
  yield "";
  yield "Changed by several steps:";
  for (const { file, steps, count: all } of files.slice(0, MOST_FILES)) {
    const more = all > steps.length ? ` and ${all - steps.length} more` : "";
    const name = safeLine(file);
    const who = `${safeLine(steps.join(", "))}${more}`;
    const room = Math.max(20, out.columns - widthOf(name) - 4);
    yield `  ${name}  ${out.style("dim", out.isTerminal ? cut(who, room) : who)}`;
  }
  if (count > MOST_FILES) yield `  … and ${plural(count - MOST_FILES, "more file")}`;
}
