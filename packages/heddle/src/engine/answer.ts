/** An answer to a question of a run that nobody is working on: recorded at once; a resume goes on from it. */
import type { Problem } from "../base/errors.ts";
import { err, ok, type Result } from "../base/result.ts";
import { phaseOf } from "../run/state.ts";
import type { ControlRequest } from "../run/control.ts";
import { leaseProblem, notAsked } from "./problems.ts";
import type { EnginePorts } from "./ports.ts";
import { Recorder } from "./recorder.ts";
import { recover } from "./recovery.ts";

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
    if (index === undefined || phase?.tag !== "asking" || phase.answer !== undefined) {
      // What an attempt at work asked ended with its engine.
      const tag = phase?.tag === "running" ? "interrupted" : phase?.tag;
      return err(notAsked(run, request.step, tag));
    }
    const { kind: _kind, step: _step, ...answer } = request;
    const recorder = new Recorder({ ...ports, lease: leased.value, ...recovered.value });
    const attempt = state.attempts[index] ?? 1;
    recorder.record({
      type: "approval.given",
      step: request.step,
      attempt,
      data: answer,
    });
    const committed = await recorder.commit();
    return committed.ok ? ok("done") : committed;
  } finally {
    await ports.journal.release(leased.value);
  }
}
