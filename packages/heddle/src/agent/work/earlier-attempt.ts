/**
 * Earlier attempt: what is recorded of the attempt before this one, for the next prompt and the next session of its agent. Pure.
 */
import { defined } from "../../base/defined.ts";
import type { Json } from "../../base/json.ts";
import type { SessionTotals } from "../../run/attempt.ts";
import type { AgentJob } from "../port.ts";
import type { Earlier } from "../prompt/step-prompt.ts";

/** Why the attempt before this one did not succeed; of its work nothing is known here. */
export function earlierReason({ task }: AgentJob): Earlier {
  const { before } = task.agent ?? {};
  const attempt = before?.open ?? task.attempt - 1;
  if (before?.answers?.some((one) => one.attempt === attempt) === true)
    return { attempt, reason: "It ended with a question that has been answered since." };
  if (before?.open !== undefined) return { attempt, reason: "The process that ran it died." };
  const { conflict } = before ?? {};
  const output = conflict?.attempt === attempt ? conflict.output : undefined;
  return defined({
    attempt,
    reason: before?.failure?.attempt === attempt ? before.failure.message : "It failed.",
    output,
  });
}

/** The same, where an earlier attempt left nothing to go on from; `undefined`: there is nothing to tell. */
export function earlierWithoutWork(job: AgentJob): Earlier | undefined {
  const { failure, answers } = job.task.agent?.before ?? {};
  return failure === undefined && answers === undefined ? undefined : earlierReason(job);
}

/** The session of the attempt before, if this agent can go on in it. */
export function earlierSession(
  { task }: AgentJob,
  agent: string,
): { readonly sessionId: string; readonly totals?: SessionTotals } | undefined {
  const session = task.agent?.before.session;
  if (session === undefined || (session.agent !== undefined && session.agent !== agent)) return undefined;
  return defined({ sessionId: session.sessionId, totals: session.totals });
}

/** The agent's last message, in the output of its turn. */
export function lastMessage(output: Json): string {
  return typeof output === "object" && output !== null && "text" in output && typeof output["text"] === "string"
    ? output["text"]
    : "";
}
