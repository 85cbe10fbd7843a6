/** An answer to a question of a run that nobody is working on: recorded at once; a resume goes on from it. */
import type { Problem } from "../base/errors.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { Event } from "../run/event.ts";
import { apply } from "../run/apply.ts";
import { phaseOf } from "../run/state.ts";
import type { ControlRequest } from "./api.ts";
import { leaseProblem, notAsked } from "./problems.ts";
import type { EnginePorts } from "./ports.ts";
import { recover } from "./recovery.ts";
import { summaryOf } from "./summary.ts";

export async function answerRecorded(
  ports: EnginePorts,
  run: string,
  request: Extract<ControlRequest, { kind: "answer" }>,
): Promise<Result<"done", Problem>> {
  const leased = await ports.journal.acquire(run, ports.holder);
  if (!leased.ok) return err(leaseProblem(leased.error, run));
  try {
    const recovered = await recover(ports.journal, run);
    if (!recovered.ok) return recovered;
    const { state } = recovered.value;
    const index = state.indexOf.get(request.step);
    const phase = index === undefined ? undefined : phaseOf(state, index);
    if (index === undefined || phase?.tag !== "asking" || phase.answer !== undefined) return err(notAsked(run, request.step, phase?.tag));
    const { decision, by, comment } = request;
    const event: Event = {
      run,
      seq: state.seq + 1,
      time: ports.clock.now(),
      type: "approval.given",
      step: request.step,
      attempt: state.attempts[index] ?? 1,
      data: { decision, by, ...(comment === undefined ? {} : { comment }) },
    };
    apply(state, event);
    const appended = await ports.journal.append(leased.value, [event], { summary: summaryOf(state) });
    if (appended.ok) return ok("done");
    return err({ code: "AnswerNotRecorded", message: `the answer for ${request.step} could not be recorded`, hint: "Try again.", cause: appended.error });
  } finally {
    await ports.journal.release(leased.value);
  }
}
