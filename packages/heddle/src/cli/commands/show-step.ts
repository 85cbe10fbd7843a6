/** `heddle show RUN STEP`: shows one step with its captures and warnings. */
import { noticeOf } from "../../view/notices.ts";
import { runView } from "../../view/run-view.ts";
import { EXIT, fail, findStep, type Context } from "../context.ts";
import { safeLine } from "../output-text.ts";
import { readRun } from "../../project/read-run.ts";
import { stepTable } from "../step-table.ts";
import type { Project } from "../../project/port.ts";

interface Told {
  readonly attempt: number;
  readonly about: string;
  readonly text: string;
}

interface Captured {
  readonly attempt: number;
  readonly commit: string;
  readonly ref: string;
}

export async function showStep(context: Context, project: Project, run: string, id: string): Promise<number> {
  const read = await readRun(project, run);
  if (!read.ok) return fail(context, read.error, EXIT.failed);
  const found = findStep(read.value.state, id);
  if (!found.ok) return fail(context, found.error);
  const view = runView({
    ...read.value,
    now: context.clock.now(),
    logFile: (step, attempt) => project.logFile(run, step, attempt),
  });
  const step = view.steps.find((one) => one.id === id);
  const { notices, captured } = await toldOf(project, run, id);
  if (context.json) {
    context.out.json({ run, step, notices, captured });
    return EXIT.ok;
  }
  const { out } = context;
  if (step !== undefined) out.lines(stepTable(out, [step]));
  for (const { attempt, text } of notices)
    out.line(`  ${out.style("yellow", "!")} attempt ${attempt}: ${safeLine(text)}`);
  for (const { attempt, commit, ref } of captured)
    out.line(`  attempt ${attempt} ended with ${commit.slice(0, 10)}, kept under ${safeLine(ref)}`);
  if (step !== undefined && step.log !== null) out.line(`  Log: heddle logs ${run} ${safeLine(id)}`);
  return EXIT.ok;
}

/** Notices once for each attempt; the last capture of each. */
async function toldOf(
  project: Project,
  run: string,
  step: string,
): Promise<{ readonly notices: readonly Told[]; readonly captured: readonly Captured[] }> {
  const notices = new Map<string, Told>();
  const captured = new Map<number, Captured>();
  for await (const batch of project.journal.read(run, { step }))
    for (const event of batch) {
      if (event.type === "step.progress") {
        const notice = noticeOf(event.data);
        if (notice !== undefined) notices.set(`${event.attempt} ${notice.text}`, { attempt: event.attempt, ...notice });
      } else if (event.type === "usage.recorded") {
        const { captured: commit, ref } = event.data;
        const { attempt } = event;
        if (commit !== undefined && ref !== undefined) captured.set(attempt, { attempt, commit, ref });
      }
    }
  return { notices: [...notices.values()], captured: [...captured.values()] };
}
