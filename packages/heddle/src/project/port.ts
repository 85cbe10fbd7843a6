/** Project port: what the faces see of a project: its plans, its runs, its journal. Knows no implementation. */
import type { AgentMaintenance } from "../agent/port.ts";
import type { Diagnostic } from "../plan/diagnostic.ts";
import type { Journal } from "../journal/port.ts";
import type { JsonObject } from "../base/json.ts";
import type { Problem } from "../base/errors.ts";
import type { Result } from "../base/result.ts";
import type { ControlRequest } from "../run/control.ts";
import type { RunState } from "../run/state.ts";
import type { RunStatus } from "../run/status.ts";
import type { Landing } from "../run/attempt.ts";
import type { LoadedPlan } from "../graph/loaded-plan.ts";
import type { StartOptions, RunHandle, ResumeOptions } from "../engine/api.ts";
import type { EngineJournal } from "../engine/ports.ts";
import type { PlanCode } from "../engine/executor.ts";
import type { Workspaces } from "../workspace/port.ts";

/** A recorded run, folded. `live`: a process holds it now. */
export interface RecordedRun {
  readonly state: RunState;
  readonly live: boolean;
  readonly status: RunStatus;
}

/** A project folder with its journal: what `host/open.ts` puts together for the faces. */
export interface Project extends AsyncDisposable {
  /** Absolute. */
  readonly dir: string;
  readonly journal: Journal;
  /** Reads, validates and resolves a plan file (YAML, JSON, or a TypeScript module). `file` is relative to the current folder or absolute. */
  loadPlan(file: string, params: JsonObject): Promise<Result<LoadedPlan, readonly Diagnostic[]>>;
  /** Expected durations by step id, from recorded runs of the plan, in milliseconds. */
  expectedDurations(plan: string): Promise<ReadonlyMap<string, number>>;
  start(plan: LoadedPlan, options: StartOptions): Promise<Result<RunHandle, Problem>>;
  resume(run: string, options: ResumeOptions): Promise<Result<RunHandle, Problem>>;
  /** Runs the undos of a run that has ended. */
  rollback(run: string): Promise<Result<RunHandle, Problem>>;
  /** Folds the recorded history. */
  read(run: string): Promise<Result<RecordedRun, Problem>>;
  /**
   * Leaves a request for the run's engine; where none is alive, answers are recorded at once. Resolves when it is left
   * (`sent`) or its consequence recorded (`done`).
   */
  control(run: string, request: ControlRequest): Promise<Result<"sent" | "done", Problem>>;
  /** Where an attempt's log is or would be. */
  logFile(run: string, step: string, attempt: number): string;
  /** Notes in the history that a person had the run land. */
  recordLanding(run: string, landing: Landing): Promise<void>;
  /** What agents left in the project's repository; loaded when asked for. */
  agents(): Promise<AgentMaintenance>;
  /** Removes a run with its files. `false`: it has a live engine. */
  remove(run: string): Promise<boolean>;
}

export interface EngineOptions {
  /** Absolute: the project folder. */
  readonly dir: string;
  readonly journal: EngineJournal;
  readonly workspaces: Workspaces;
  /** What a person calls this process. */
  readonly title: string;
  /** How often to look for requests from other processes; 0: never. */
  readonly pollMs: number;
  readonly codeFor: (run: string) => PlanCode;
}

/** The engine over the ports of this machine. Disposing of it ends the running attempts and the helpers. */
export interface LocalEngine extends AsyncDisposable {
  start(
    plan: LoadedPlan,
    options: StartOptions & { readonly maxConcurrency: number },
  ): Promise<Result<RunHandle, Problem>>;
  resume(run: string, options: ResumeOptions): Promise<Result<RunHandle, Problem>>;
  rollback(run: string): Promise<Result<RunHandle, Problem>>;
  recordLanding(run: string, landing: Landing): Promise<void>;
  answer(run: string, request: Extract<ControlRequest, { kind: "answer" }>): Promise<Result<"done", Problem>>;
}
