/** Client of the HTTP API of `heddle serve`, for programs and pages: `fetch` and `WebSocket`, nothing of Node. */
export { connect } from "./client.ts";
export type {
  ActOptions,
  CommentOptions,
  ConnectOptions,
  CostQuery,
  EventQuery,
  GoOnOptions,
  RetryOptions,
  HeddleClient,
  ProjectClient,
  RunCalls,
  ResolveOptions,
  RunQuery,
  StartRequest,
  SteerOptions,
  LogCalls,
  LogLinesQuery,
  LogSearchQuery,
  StepCalls,
  StepQuery,
} from "./client.ts";
export type { CallOptions } from "./call.ts";
export type { CompareOptions, ReplayCalls, ReportCalls, TimelineCallOptions } from "./looking.ts";
export type { PlanCalls, PlanRequest, SimulateRequest } from "./planning.ts";
export type { EventStreamOptions } from "./events.ts";
export type { LiveConnection, LiveState } from "./live.ts";
export type {
  AttentionListener,
  ChannelListener,
  EventsListener,
  FollowedAttempt,
  LogListener,
  RunListener,
  RunsListener,
} from "./live-channel.ts";
export type { WorkCalls } from "./work-calls.ts";
export { ApiProblem } from "./problem.ts";
export type { RunEvent } from "../view/history.ts";
export type { AttentionKind } from "../view/attention.ts";
export type { RunLine } from "../view/list.ts";
export type {
  ChangedPath,
  ChangesDocument,
  ChangeSet,
  ChangeSource,
  FileDiffDocument,
  StepChanges,
  WorktreeDocument,
  WorktreesDocument,
} from "../view/change-documents.ts";
export type {
  ConflictDocument,
  ConflictFileDocument,
  ConflictFileLine,
  FileDecision,
  FileSideDocument,
  LinesDocument,
  StepIntent,
} from "../view/conflict-documents.ts";
export type { LiveHead, LiveProgress, LiveRun, LiveStep } from "../view/live-run.ts";
export type {
  AttentionItem,
  AttentionList,
  Batch,
  BatchDocument,
  DiagnosticLine,
  EventPage,
  HealthDocument,
  PointedError,
  ProblemDocument,
  ProjectLine,
  ProjectList,
  RunList,
  RunOverviewList,
  SaidToRun,
  SaidToStep,
  StartedRun,
  SteeredRun,
  MergedFiles,
  StepDocument,
  LogPage,
  LogSearchPage,
  StepPage,
  TakenRun,
} from "../view/protocol.ts";
export type { RunGraph } from "../view/run-graph.ts";
export type { ComparedRun, ComparedSide, ComparedStep, RunComparison } from "../view/compare.ts";
export type { CostsDocument, CostTotal, DayCost, ModelCost, RunCost, StepCost } from "../view/costs.ts";
export type { ForecastBar, RunForecast } from "../view/forecast.ts";
export type { MarkKind, HistoryMark, HistoryMarks } from "../view/marks.ts";
export type { PlanDocument, PlanFileLine, PlanFileList, PlanParam, PlanValidation } from "../view/plan-document.ts";
export type { LiveRunAt, ReplayPatch } from "../view/run-replay.ts";
export type { TimelineBar, TimelinePage } from "../view/timeline-view.ts";
export type { Bound, WhatIf, WorkersPoint } from "../view/what-if.ts";
export type { StepAttempt, StepDetail } from "../view/step-detail.ts";
export type { RunView, StepView } from "../view/run-view.ts";
export type { RunStatus, StepStatus } from "../view/status.ts";
