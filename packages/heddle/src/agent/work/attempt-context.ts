/**
 * Attempt context: what one attempt of an agent's step is carried out with: what its run shares, its job, and what it
 * sums up over its turns.
 */
import type { Note } from "../../run/attempt.ts";
import type { AgentJob } from "../port.ts";
import type { AttemptCost } from "./attempt-cost.ts";
import type { Cancellation } from "./cancellation.ts";
import type { Notices } from "./notices.ts";
import type { PermissionQueue } from "./permission-queue.ts";
import type { Proposals } from "./proposals.ts";
import type { AgentExecutorOptions, AgentRunContext, RunAgents } from "./run-context.ts";
import type { StepSettings } from "./settings.ts";

/** `Run`: what the attempt needs of its run. */
export interface AgentAttemptContext<Run extends RunAgents = AgentRunContext> {
  readonly options: AgentExecutorOptions;
  readonly runContext: Run;
  readonly job: AgentJob;
  readonly settings: StepSettings;
  readonly cancellation: Cancellation;
  readonly permissions: PermissionQueue;
  readonly note: (note: Note) => void;
  readonly cost: AttemptCost;
  readonly proposals: Proposals;
  readonly notices: Notices;
}
