/**
 * Public API of heddle: nothing else of this package is stable. `heddle/view` has the types of the documents that the
 * command line prints.
 */
export {
  agent,
  approve,
  command,
  forEach,
  parallel,
  plan,
  sequence,
  signal,
  sleep,
  step,
  subplan,
  when,
} from "./plan/define.ts";
export { load } from "./api/plan.ts";
export { open, openProgramProject as openProject, runs } from "./api/project.ts";
export { rerun, resume, run } from "./api/run.ts";
export { PlanError } from "./api/errors.ts";
export { HeddleError } from "./base/errors.ts";

export type { CheckedPlan, Runnable } from "./api/plan.ts";
export type { AnswerOptions, ConflictChoice, Run, RunResult } from "./api/handle.ts";
export type { Delivery, MergedWork, OpenedRun, RecordedResult } from "./api/opened-run.ts";
export type { CollectedRuns, OpenedProject } from "./api/project.ts";
export type {
  EventsOptions,
  FindRunsOptions,
  FollowOptions,
  GcRunsOptions,
  ListRunsOptions,
  LogOptions,
  MergeRunOptions,
  OpenOptions,
  RerunRunOptions,
  ResumeRunOptions,
  RunPlanOptions,
  SharedOptions,
} from "./api/settings.ts";
export type { Problem } from "./base/errors.ts";
export type { Json, JsonObject } from "./base/json.ts";
export type {
  AgentOptions,
  ApproveOptions,
  CommandOptions,
  CommonOptions,
  DataOptions,
  Deps,
  ForEachOptions,
  InputsOf,
  PlanDefinition,
  PlanOptions,
  SignalOptions,
  SleepOptions,
  StepGroup,
  StepOptions,
  Steps,
  StepValue,
  SubplanOptions,
} from "./plan/define.ts";
export type { AgentEntry, AgentsConfig, AgentStepConfig, PermissionsConfig } from "./plan/agents-config.ts";
export type { Diagnostic } from "./plan/diagnostic.ts";
export type { ParamsInput, ParamSpecs, ParamsOf } from "./plan/param-values.ts";
export type { FailureMode, ParamSpec, Plan, RollbackMode, Schedule, Step, StepContext } from "./plan/plan.ts";
export type { StandardSchema } from "./plan/standard-schema.ts";
export type { CancelReason, Event, EventOf, EventType, SkipReason, StepError } from "./run/event.ts";
export type { RunLine } from "./view/list.ts";
export type { RunProgress, StepProgress } from "./view/run-progress.ts";
export type { RunStatus, StepCounts, StepStatus } from "./view/status.ts";
