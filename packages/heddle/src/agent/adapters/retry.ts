/** Retry table: which classes of failure another attempt can fix, and which pass without one. Pure. */
import type { AgentClass } from "../../run/attempt.ts";

/** A switch would do; a table cannot forget a class. */
const RETRYABLE: Readonly<Record<AgentClass, boolean>> = {
  auth: false,
  "rate-limit": true,
  quota: false,
  overloaded: true,
  network: true,
  context: false,
  refusal: false,
  budget: false,
  "bad-request": false,
  permission: false,
  crash: true,
  spawn: false,
  protocol: true,
  stall: true,
  "no-changes": true,
};

export function isRetryable(failure: AgentClass): boolean {
  return RETRYABLE[failure];
}

/**
 * Failures of a provider or the network: the attempt waits and continues in the same session. Failures of the agent
 * itself (a crash, silence, a broken protocol) are left to the next attempt, if the plan allows one.
 */
export function passesByItself(failure: AgentClass): boolean {
  return failure === "rate-limit" || failure === "overloaded" || failure === "network";
}
