/** `heddle show RUN STEP`: shows one step with its captures and warnings. */
import { failureText } from "../../view/failure-text.ts";
import { runView } from "../../view/run-view.ts";
import { EXIT, fail, type Context } from "../context.ts";
import { findStep } from "../../project/find-run.ts";
import { safeLine } from "../../base/safe-text.ts";
import { shellWord } from "../../base/shell-word.ts";
import { stepTable } from "../step-table.ts";
import type { Project, StepError } from "../../project/port.ts";

/** Lines of quoted output. */
const LINES_SHOWN = 20;

/** On a terminal the row of the table may have been cut. */
function* errorLines(error: StepError, isTerminal: boolean): Generator<string, void, undefined> {
  const { line, quoted } = failureText(error);
  if (isTerminal) yield `  ${safeLine(line)}`;
  for (const text of quoted.slice(-LINES_SHOWN)) yield `    ${safeLine(text)}`;
}

export async function showStep(context: Context, project: Project, run: string, id: string): Promise<number> {
  const read = await project.runs.read(run);
  if (!read.ok) return fail(context, read.error, EXIT.failed);
  const found = findStep(read.value.state, id);
  if (!found.ok) return fail(context, found.error);
  const view = runView({
    ...read.value,
    now: context.clock.now(),
    logFile: (step, attempt) => project.logs.file(run, step, attempt),
  });
  const step = view.steps.find((one) => one.id === id);
  const { notices, captured } = await project.runs.stepNotes({ run, step: id, seq: read.value.state.seq });
  if (context.json) {
    context.out.json({ run, step, notices, captured });
    return EXIT.ok;
  }
  const { out } = context;
  if (step !== undefined) out.lines(stepTable(out, [step]));
  if (step?.error !== undefined) out.lines(errorLines(step.error, out.isTerminal));
  for (const { attempt, text } of notices)
    out.line(`  ${out.style("yellow", "!")} attempt ${attempt}: ${safeLine(text)}`);
  for (const { attempt, commit, ref } of captured)
    out.line(`  attempt ${attempt} ended with ${commit.slice(0, 10)}, kept under ${safeLine(ref)}`);
  if (step !== undefined && step.log !== null) out.line(`  Log: heddle logs ${run} ${shellWord(safeLine(id))}`);
  return EXIT.ok;
}
