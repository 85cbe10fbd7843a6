/** Step document: a step of a run with what its attempts left, for a page that shows it alone. */
import { defined } from "../base/defined.ts";
import type { ReadRun } from "../project/read-run.ts";
import type { StepDocument } from "../view/protocol.ts";
import type { StepView } from "../view/run-view.ts";
import { stepDetailOf } from "../view/step-detail.ts";
import type { AskedRun } from "./asked-run.ts";

/** Characters of a prompt. */
const MOST_PROMPT = 256 * 1024;

export async function stepDocumentOf(
  { project, run }: AskedRun,
  { state, timeline }: ReadRun,
  step: StepView,
): Promise<StepDocument> {
  const { id, attempts } = step;
  const expected = await project.plans.expectedDurations(state.plan.name);
  const detail = stepDetailOf({ state, timeline }, state.index.byId.get(id) ?? -1, expected);
  const prompt = detail.kind === "agent" && attempts > 0 ? await project.logs.prompt(run, id, attempts) : undefined;
  const { notices, captured, merged } = await project.runs.stepNotes({ run, step: id, seq: state.seq });
  return defined({
    run,
    seq: state.seq,
    step,
    notices,
    captured,
    merged,
    detail,
    prompt: prompt?.slice(0, MOST_PROMPT).toWellFormed(),
  });
}
