/** Answering: gives an answer to the question that was seen, and to no other: the server refuses it where the step has moved on since. */
import type { AttentionItem, HeddleClient, SteerOptions } from "heddle/client";

/** Rejects where the step asks something else by now. */
export async function answerSeen(
  client: HeddleClient,
  { project, run, step = "", question }: Pick<AttentionItem, "project" | "run" | "step" | "question">,
  send: (options: Required<Pick<SteerOptions, "seen">>) => Promise<unknown>,
): Promise<void> {
  const { runs, steps } = client.project(project);
  const seen = await runs.get(run, { fields: ["status"] });
  const document = await steps.get(run, step, { at: seen.seq });
  if (document.step.question !== question) throw new Error(`${step} asks something else by now, or nothing any more`);
  await send({ seen });
}
