/**
 * Answering: gives an answer to the question that was seen, and to no other: the server refuses it where the step has moved on since.
 * A run that nobody works on goes on with its answer, as a person expects who gives it.
 */
import {
  ApiProblem,
  type AttentionItem,
  type HeddleClient,
  type ProjectClient,
  type SteerOptions,
} from "heddle/client";

/** Sends a word to a run; one that nobody works on is resumed, for its word is recorded and would wait. */
export async function goingOn(
  client: HeddleClient,
  { project, run }: { readonly project: string; readonly run: string },
  send: (api: ProjectClient) => Promise<{ readonly result: "sent" | "done" }>,
): Promise<void> {
  const api = client.project(project);
  const { result } = await send(api);
  if (result === "sent") return;
  try {
    await api.runs.resume(run);
  } catch (thrown) {
    // Somebody was quicker: it goes on.
    if (!(thrown instanceof ApiProblem && thrown.code === "run-held")) throw thrown;
  }
}

/** Rejects where the step asks something else by now. */
export async function answerSeen(
  client: HeddleClient,
  { project, run, step = "", question }: Pick<AttentionItem, "project" | "run" | "step" | "question">,
  send: (
    api: ProjectClient,
    options: Required<Pick<SteerOptions, "seen">>,
  ) => Promise<{ readonly result: "sent" | "done" }>,
): Promise<void> {
  const { runs, steps } = client.project(project);
  const seen = await runs.get(run, { fields: ["status"] });
  const document = await steps.get(run, step, { at: seen.seq });
  if (document.step.question !== question) throw new Error(`${step} asks something else by now, or nothing any more`);
  await goingOn(client, { project, run }, (api) => send(api, { seen }));
}
