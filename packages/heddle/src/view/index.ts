/** Read models, for programs that show runs: histories in, documents out. Pure: reads no disk and no clock. */
export type { ChangedBySeveral, ChangedFile } from "./changed-files.ts";
export { RunFollower } from "./follower.ts";
export { FAMILIES, FAMILY_OF, GLYPHS, runGlyph } from "./glyphs.ts";
export type { Family, GlyphName, GlyphPart, GlyphStyle } from "./glyphs.ts";
export { adjacencyOf, layeredEdges } from "../graph/edges.ts";
export type { LayeredEdges } from "../graph/edges.ts";
export { targetsOf } from "../graph/graph.ts";
export type { Adjacency } from "../graph/graph.ts";
export { layoutWork } from "./graph-layout.ts";
export type { GraphLayout, GraphPoint, GraphWay, LayoutSize, WayPart } from "./graph-layout.ts";
export { HistoryReader, Replay, canonicalEvents, canonicalLines } from "./history.ts";
export type { RunEvent, RunSnapshot, Violation } from "./history.ts";
export { htmlReport } from "./html.ts";
export type { PageOptions } from "./html.ts";
export { runLine } from "./list.ts";
export type { RunEntry, RunLine } from "./list.ts";
export { liveReasons, patchedRun } from "./live-run.ts";
export type { LiveHead, LiveProgress, LiveRun, LiveStep, RunOp, RunPatch } from "./live-run.ts";
export { expectedMakespan } from "./makespan.ts";
export { planView } from "./plan-view.ts";
export type { PlanStepView, PlanView } from "./plan-view.ts";
export { progressOf } from "./progress.ts";
export type { Progress } from "./progress.ts";
export { REASON_KINDS } from "../run/reasons.ts";
export type { Reason, ReasonKind, RunReasons, WaitStage } from "../run/reasons.ts";
export { reportView } from "./report.ts";
export type { ReportView } from "./report.ts";
export type { RunGraph } from "./run-graph.ts";
export { runOverview } from "./run-overview.ts";
export type { RunLook, RunOverview } from "./run-overview.ts";
export { runView } from "./run-view.ts";
export type { RunView, RunViewInput, StepView } from "./run-view.ts";
export {
  RUN_STATUSES,
  STATUS_SYMBOL,
  STEP_STATUSES,
  runStatus,
  statusCounts,
  stepCounts,
  stepStatus,
} from "./status.ts";
export type { RunStatus, StatusCounts, StepCounts, StepStatus } from "./status.ts";
export { Timeline } from "./timeline.ts";
export type { Span } from "./timeline.ts";
export { traceOf } from "./trace.ts";
export type { Trace, TraceEvent } from "./trace.ts";
export {
  CanonicalEventSchema,
  DiagnosticsSchema,
  DoctorSchema,
  EventSchema,
  PlanSchema,
  ReplaySchema,
  ReportSchema,
  RunSchema,
  RunsSchema,
  RunStatusSchema,
  StepStatusSchema,
} from "./schemas.ts";
