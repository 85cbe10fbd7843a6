/** What the faces (command line, library, server) see of the engine. */
import type { AgentKeeping, Beginning, Landing } from "../agent/port.ts";
import type { Diagnostic } from "../plan/diagnostic.ts";
import type { Journal } from "../journal/port.ts";
import type { Json, JsonObject } from "../base/json.ts";
import type { Problem } from "../base/errors.ts";
import type { Result } from "../base/result.ts";
import type { Graph } from "../graph/graph.ts";
import type { Functions, Plan } from "../plan/plan.ts";
import type { Answer, ControlRequest } from "../run/control.ts";
import type { CancelReason, Event, RunOptions } from "../run/event.ts";
import type { RunState } from "../run/state.ts";
import type { RunStatus } from "../run/status.ts";

/** A plan that was read, validated and found to be a graph. */
export interface LoadedPlan {
  readonly plan: Plan;
  readonly graph: Graph;
  readonly functions: Functions;
  /** Absolute; absent for a plan built by code. */
  readonly file?: string;
  /** What a person should know of it; absent: nothing. */
  readonly warnings?: readonly Diagnostic[];
}

export interface StartOptions extends Partial<RunOptions>, StayOptions {
  /** Id of the new run; absent: a random one. */
  readonly run?: string;
  /** Reuses recorded successes of this run for steps that `keep` accepts, as `step.cached` events. */
  readonly reuse?: {
    readonly run: string;
    readonly outputs: ReadonlyMap<string, Json>;
    /** Where the run's agents begin, with what that run merged for these steps; absent: it merged nothing for them. */
    readonly beginning?: Beginning;
  };
}

/** `stay`: go on waiting for people's answers instead of ending as `waiting` (a terminal that asks, `--wait`). */
export interface StayOptions {
  readonly stay?: boolean;
  /** Pauses before each layer until {@link RunHandle.unpause}; only with `schedule: layers`. */
  readonly pauseBeforeLayers?: boolean;
  /** Listens from the first event that is recorded from here on, as {@link RunHandle.subscribe} would. */
  readonly onEvent?: (event: Event) => void;
}

export interface ResumeOptions extends StayOptions {
  /** Run again what has another definition now, and what depends on it. */
  readonly acceptChanges?: boolean;
  /** The plan as its file says now; absent: the recorded one. */
  readonly current?: LoadedPlan;
  readonly maxConcurrency?: number;
  /** `retry`: refuses a run that has nothing failed, cancelled or interrupted. */
  readonly mode?: "resume" | "retry";
}

export interface RunResult {
  readonly run: string;
  /** `waiting`: only people's answers are left; the run goes on with a resume. */
  readonly status: Exclude<RunStatus, "running" | "paused" | "interrupted">;
  /** Outputs of succeeded steps by id. */
  readonly outputs: Readonly<Record<string, Json>>;
  /** Why the engine stopped before the run's end (a full disk, a lost lease), if it did. */
  readonly stopped?: Problem;
  /** Where the work of agents is. */
  readonly landing?: Landing;
}

/** A run in this process. Iterating gives every event from the first of the run on, recorded ones included, each after it is on disk. */
export interface RunHandle extends AsyncIterable<Event> {
  readonly run: string;
  /** Settles when the engine is done with the run; rejects only on a bug. */
  readonly result: Promise<RunResult>;
  /** Calls `listener` with every event from now on, in order, once it is on disk. Returns how to stop. */
  subscribe(listener: (event: Event) => void): () => void;
  /** The state now; live, not to be changed. */
  state(): RunState;
  /** Ends running steps with grace and the run `cancelled`. Called again: at once, without grace. */
  cancel(reason?: CancelReason): void;
  /** Ends all processes at once and leaves a resumable journal. */
  kill(): void;
  pause(reason: string): void;
  unpause(): void;
  answer(step: string, answer: Answer): Result<void, Problem>;
  /** Why nothing starts although steps are ready, if so: `memory`, `cpu`, `locks held by run ...`. */
  waitingFor(): string | undefined;
}

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
  /** `<dir>/.heddle`. */
  readonly heddleDir: string;
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
   * Leaves a word for the run's engine; where none is alive, answers are recorded at once. Resolves when the word is left
   * (`sent`) or its consequence recorded (`done`).
   */
  control(run: string, request: ControlRequest): Promise<Result<"sent" | "done", Problem>>;
  /** Where an attempt's log is or would be. */
  logFile(run: string, step: string, attempt: number): string;
  /** Notes in the history that a person had the run land. */
  landed(run: string, landing: Landing): Promise<void>;
  /** What agents left in the project's repository; loaded when asked for. */
  agents(): Promise<AgentKeeping>;
  /** Removes a run with its files. `false`: it has a live engine. */
  remove(run: string): Promise<boolean>;
}
