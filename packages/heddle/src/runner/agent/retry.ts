/** Which failures of agents another attempt may mend. Pure. */
import type { AgentClass } from "./port.ts";

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
