/**
 * Project port: what the faces (command line, library, server) see of a project folder, in one interface per concern, and
 * the types of other rooms that stand in them. Knows no implementation, no console and no HTTP.
 *
 * Whoever uses a project names the concerns that it needs. What needs no project (loading a plan file, finding one, what a
 * folder is called) are functions beside this file.
 */
import type { Reverted, WorktreeLine } from "../agent/port.ts";
import type { Problem } from "../base/errors.ts";
import type { JsonObject } from "../base/json.ts";
import type { Result } from "../base/result.ts";
import type { ResumeOptions, RunHandle, StartOptions } from "../engine/api.ts";
import type { LoadedPlan } from "../graph/loaded-plan.ts";
import type { NoticeRecord, Outbox, ReadOptions, Watcher } from "../journal/port.ts";
import type { Plan } from "../plan/plan.ts";
import type { Landing } from "../run/attempt.ts";
import type { ControlRequest } from "../run/control.ts";
import type { AnswerDecision, Event, Resolution } from "../run/event.ts";
import type { ChangesDocument, FileDiffDocument } from "../view/change-documents.ts";
import type { ConflictDocument, ConflictFileDocument } from "../view/conflict-documents.ts";
import type { RunLine } from "../view/list.ts";
import type { ProjectAttention } from "./attention.ts";
import type { CostsDocument } from "../view/costs.ts";
import type { HistoryMarks } from "../view/marks.ts";
import type { LiveRunAt, ReplayPatch } from "../view/run-replay.ts";
import type { AnsweredStep, AskedStep, GivenAnswer } from "./answers.ts";
import type { DecidedFile, StoredAnswer } from "./conflict.ts";
import type { ChangesOptions } from "./changes.ts";
import type { DiffOptions, RunDiff } from "./diff.ts";
import type { DoctorFinding } from "./finding.ts";
import type { RunAndStep } from "./find-run.ts";
import type { Collected, GcOptions } from "./gc.ts";
import type { CarriedOut, OnceAnswer } from "./keyed-requests.ts";
import type { LatestRun, PlanIdentity } from "./latest-run.ts";
import type { RunListOptions, RunListPage } from "./list-runs.ts";
import type { LogBytes } from "./log-bytes.ts";
import type { LogEnd, LogRange, LogSize } from "./log-index.ts";
import type { LogHits, LogQuery } from "./log-search.ts";
import type { MergeOptions } from "./merge.ts";
import type { AskedPlanRefusal } from "./asked-plan.ts";
import type { PlanTaskKind, PlanTasks } from "./plan-ask.ts";
import type { CostFilter } from "./run-costs.ts";
import type { ReadRun } from "./read-run.ts";
import type { CurrentPlan, RecordedPlan } from "./recorded-plan.ts";
import type { ReplayedRun } from "./replay-run.ts";
import type { Rerun, RerunOptions, RerunRefusal } from "./rerun.ts";
import type { Reuse, Selection } from "./reuse.ts";
import type { ReadOverview } from "./run-overviews.ts";
import type { SentSignal } from "./signals.ts";
import type { NotedStep, StepNotes } from "./step-notes.ts";
import type { LogItem, TailItem, TailOptions } from "./tail.ts";
import type { AttemptSink, RunMeter } from "./run-meter.ts";
import type { CleanedTrees } from "./worktrees.ts";

export type { WorktreeLine } from "../agent/port.ts";
export type { ResumeOptions, RunHandle, StartOptions, StepsAgain } from "../engine/api.ts";
export type { FileChange } from "../git/types.ts";
export type { LoadedPlan } from "../graph/loaded-plan.ts";
export type { Landing } from "../run/attempt.ts";
export type { Answer, ControlRequest, RunOutcome } from "../run/control.ts";
export type { RunDiff } from "./diff.ts";
export type { AnswerDecision, Event, OpenQuestion, Resolution, StepError } from "../run/event.ts";

/** A project folder with its journal. Disposing of it ends what this process runs in it. */
export interface Project extends AsyncDisposable {
  /** Absolute. */
  readonly dir: string;
  readonly plans: ProjectPlans;
  readonly runs: ProjectRuns;
  readonly logs: RunLogs;
  readonly control: RunControl;
  readonly worktrees: ProjectWorktrees;
  readonly maintenance: ProjectMaintenance;
  readonly requests: KeyedRequests;
  readonly notices: ProjectNotices;
}

/** What is known of plans from their runs. */
export interface ProjectPlans {
  /** Expected durations by step id, from recorded runs of the plan, in milliseconds. */
  expectedDurations(plan: string): Promise<ReadonlyMap<string, number>>;
  /** Where the plan of a run came from; `undefined`: there is no such run. */
  recorded(run: string): Promise<RecordedPlan | undefined>;
  /** The newest run of the whole of a plan file; `undefined`: it has not been run. */
  latestRun(of: PlanIdentity): Promise<LatestRun | undefined>;
  /** The plan of a run as its file says now, with the parameters that the run has; `params`: others in their place. */
  current(run: string, params?: JsonObject): Promise<CurrentPlan>;
  /**
   * Looks at a plan, simulates it, or finds plan files, in a thread of its own with bounded time and memory: what it is asked about needs to be
   * on disk. `signal`: it is given up.
   */
  look<Kind extends PlanTaskKind>(
    kind: Kind,
    ask: PlanTasks[Kind]["ask"],
    signal?: AbortSignal,
  ): Promise<Result<PlanTasks[Kind]["answer"], AskedPlanRefusal>>;
  /** Why agents of the plan cannot work in this folder, if so. */
  agentsProblem(plan: Plan): Promise<Problem | undefined>;
}

/** Recorded runs, read by anybody at any time. A damaged record is thrown as a `HeddleError` where no `Result` is given. */
export interface RecordedRuns {
  /** Newest first. `plan`: of this name alone. */
  list(options?: { readonly limit?: number; readonly plan?: string }): Promise<readonly RunLine[]>;
  /** A part of the list, narrowed. Throws a `HeddleError` (`InvalidCursor`) for a cursor that is none. */
  page(options: RunListOptions): Promise<RunListPage>;
  /** The run whose id begins with `word`; `undefined`: the latest. */
  find(word: string | undefined): Promise<Result<string, Problem>>;
  /** RUN and STEP as typed: one word alone may be either. */
  findWithStep(words: readonly (string | undefined)[]): Promise<Result<RunAndStep, Problem>>;
  /** The step of the run that is called `id`. Found again at once: a run keeps its steps. */
  findStep(run: string, id: string): Promise<Result<string, Problem>>;
  /** A watcher of the caller's own: says whether anything was written to the journal since it was asked last. */
  watch(): Watcher;
  /** Whether a process works on the run now. */
  isLive(run: string): Promise<boolean>;
  /** Folds the history. */
  read(run: string): Promise<Result<ReadRun, Problem>>;
  /** The run as it was after event `seq`, from a snapshot near it; one behind the last is a problem (`Usage`). */
  at(run: string, seq: number): Promise<Result<ReadRun, Problem>>;
  /** The same, as pages show it. */
  liveAt(run: string, seq: number): Promise<Result<LiveRunAt, Problem>>;
  /** What makes the run that pages show at one event the one at another, forwards or backwards. */
  livePatch(run: string, from: number, to: number): Promise<Result<ReplayPatch, Problem>>;
  /** Where in the history things happened that people look for. */
  marks(run: string): Promise<HistoryMarks>;
  /** What agents said that they used, of the newest runs. */
  costs(filter: CostFilter): Promise<CostsDocument>;
  /** Folds and checks the history. `at`: up to this event. */
  replay(run: string, options?: { readonly at?: number }): Promise<Result<ReplayedRun, Problem>>;
  /** Recorded events in order, in batches, up to the last one there is. */
  events(run: string, options?: ReadOptions): AsyncIterable<readonly Event[]>;
  /** Recorded events and those to come, until nobody works on the run any more. */
  tail(run: string, options?: TailOptions): AsyncIterable<TailItem>;
  /** What lists show of these runs beyond their lines, in their order; a run that cannot be read has its problem. */
  overviews(runs: readonly string[]): Promise<readonly ReadOverview[]>;
  /** What of the runs waits for people, in no order. Cheap where nothing has happened since it was asked last. */
  attention(): Promise<ProjectAttention>;
  /** Counts runs and steps, and tells of attempts from its first reading on. */
  meter(sink: AttemptSink): Promise<RunMeter>;
  /** What the attempts of a step had left for people to look at, at an event. */
  stepNotes(of: NotedStep): Promise<StepNotes>;
}

/** Runs that this process works on. */
export interface RunStarter {
  start(plan: LoadedPlan, options: StartOptions): Promise<Result<RunHandle, Problem>>;
  /** The part of a plan that is asked for, with results of earlier runs for what it leaves out: for {@link start}. */
  select(plan: LoadedPlan, selection: Selection): Promise<Result<Reuse, Problem>>;
  /** Goes on with a recorded run, or tries again what of it failed. */
  resume(run: string, options: ResumeOptions): Promise<Result<RunHandle, Problem>>;
  /** A step and what depends on it in a new run. */
  rerun(run: string, options: RerunOptions): Promise<Result<Rerun, RerunRefusal>>;
  /** Runs the undos of a run that has ended. */
  rollback(run: string): Promise<Result<RunHandle, Problem>>;
}

export interface ProjectRuns extends RecordedRuns, RunStarter {}

/** Which attempt's log is meant. */
export interface AttemptLog {
  readonly run: string;
  readonly step: string;
  readonly attempt: number;
}

/** What attempts wrote. */
export interface RunLogs {
  /** Where an attempt's log is or would be; empty where none is kept. */
  file(run: string, step: string, attempt: number): string;
  /** The lines of a log, and those to come, until the step has ended or nobody works on the run any more. */
  tail(
    of: { readonly run: string; readonly step: string; readonly file: string },
    options?: Pick<TailOptions, "signal">,
  ): AsyncIterable<LogItem>;
  /**
   * How long an attempt's log is now. Reads what was not read before, of a log of 1 GB for seconds; `pieces`: only so many, of 1 MiB,
   * and the number of lines is a guess until all were. `undefined`: there is none.
   */
  size(of: AttemptLog, pieces?: number): Promise<LogSize | undefined>;
  /** The last `count` lines, found without what is before them; `pieces`: as of {@link size}. `undefined`: there is none. */
  last(of: AttemptLog, count: number, pieces?: number): Promise<LogEnd | undefined>;
  /** Lines of a log by their numbers, from 1; found without reading it from its beginning each time. `undefined`: there is none. */
  lines(of: AttemptLog, range: { readonly from: number; readonly to: number }): Promise<LogRange | undefined>;
  /** At most `length` bytes from byte `from` on, and how many there are; with `length` 0 only that. `undefined`: there is no log. */
  bytes(of: AttemptLog, range: { readonly from: number; readonly length: number }): Promise<LogBytes | undefined>;
  /** Looks through a log, for two seconds at most. `undefined`: there is none. */
  search(of: AttemptLog, query: LogQuery): Promise<Result<LogHits | undefined, Problem>>;
  /** What the agent of an attempt was told, word for word; `undefined`: no agent was told anything. */
  prompt(run: string, step: string, attempt: number): Promise<string | undefined>;
}

/** What people ask of runs that other processes may hold. */
export interface RunControl {
  /**
   * Leaves a request for the run's engine; where none is alive, answers and signals are recorded at once. Resolves when it is left
   * (`sent`) or its consequence recorded (`done`).
   */
  send(run: string, request: ControlRequest): Promise<Result<"sent" | "done", Problem>>;
  /** The named step with what it asks, or the only one that asks. `about`: only steps that ask about this. */
  asked(run: string, step: string | undefined, about?: "conflict"): Promise<Result<AskedStep, Problem>>;
  /** A yes or a no; for an agent's question, words. */
  answer(run: string, decision: AnswerDecision, answer: GivenAnswer): Promise<Result<AnsweredStep, Problem>>;
  /** How a conflict is to be settled. */
  resolve(run: string, choice: Resolution, answer: GivenAnswer): Promise<Result<AnsweredStep, Problem>>;
  /** Puts the stored decisions about its files into the step's worktree and goes on from there. The problem: `ResolutionMoved` where they are not as they were seen. */
  resolveStored(run: string, answer: StoredAnswer): Promise<Result<AnsweredStep, Problem>>;
  /** The word that a `signal` step waits for, or will wait for. */
  signal(run: string, signal: SentSignal): Promise<Result<"sent" | "done", Problem>>;
}

/** Work of agents: where it is done, and where it goes. */
export interface ProjectWorktrees {
  /** `run`: an id or the beginning of one; absent: of all runs. `sizes`: false, bytes are 0. */
  list(run?: string, options?: { readonly sizes?: boolean }): Promise<Result<readonly WorktreeLine[], Problem>>;
  /** Removes those that hold nothing of their own, of runs that have ended. */
  clean(options: { readonly run?: string; readonly dryRun: boolean }): Promise<Result<CleanedTrees, Problem>>;
  /** RUN and STEP as typed: one word alone may be either. */
  find(words: readonly (string | undefined)[]): Promise<Result<WorktreeLine, Problem>>;
  /** The one that a step works in, if there is one. */
  ofStep(run: string, step: string): Promise<WorktreeLine | undefined>;
  /** What a run, or one of its steps, changed. Looks alone. */
  diff(run: string, options?: DiffOptions): Promise<Result<RunDiff, Problem>>;
  /** The files that the steps of a run changed, step by step. Looks alone. */
  changes(run: string, options: ChangesOptions): Promise<Result<ChangesDocument, Problem>>;
  /** The diff of one file: of a step, or of the whole run. Looks alone. */
  fileDiff(
    run: string,
    of: { readonly file: string; readonly step?: string },
  ): Promise<Result<FileDiffDocument, Problem>>;
  /** The conflict that a step asks about. Looks alone. */
  conflict(run: string, step: string): Promise<Result<ConflictDocument, Problem>>;
  /** One file of it, with its texts. Looks alone. */
  conflictFile(
    run: string,
    of: { readonly step: string; readonly file: string },
  ): Promise<Result<ConflictFileDocument, Problem>>;
  /** Keeps how a file of it is to be. */
  decide(run: string, file: DecidedFile): Promise<Result<ConflictFileDocument, Problem>>;
  /** Brings what a run merged to the user's branch, and notes it in its history. */
  land(run: string, options: MergeOptions): Promise<Result<Landing, Problem>>;
  /** Takes a step's work back out of the run's own branch. */
  revert(run: string, step: string): Promise<Result<Reverted, Problem>>;
}

/** Requests that their senders may send again, under keys that they chose. */
export interface KeyedRequests {
  /**
   * Carries a request out, or gives the answer that it had the first time. `digest`: of all that it asks for. `carryOut` gets an id
   * for what follows from it, which is the same if a process died over it. Throws what `carryOut` throws, and a `HeddleError` where
   * the journal cannot be read or written before.
   */
  once(
    request: { readonly key: string; readonly digest: string },
    carryOut: (effect: string) => Promise<CarriedOut>,
  ): Promise<OnceAnswer>;
}

/** Words for people and programs outside. */
export interface ProjectNotices {
  /** Sends what is left to send, of whichever process, as long as the project is open. */
  deliver(): Promise<void>;
  /** The newest first. */
  list(options: Parameters<Outbox["notices"]>[0]): Promise<readonly NoticeRecord[]>;
}

/** What is done with the whole of a project. */
export interface ProjectMaintenance {
  /** Removes old runs, each as it is given. */
  collectGarbage(options?: GcOptions): AsyncIterable<Collected>;
  /** A consistent copy of the journal; gives its absolute path. A file that is there is not overwritten. */
  backUp(file: string): Promise<Result<string, Problem>>;
  /** The doctor's checks of the journal and of runs' files. `fix`: removes files that belong to no run. */
  examine(options: { readonly fix: boolean }): Promise<readonly DoctorFinding[]>;
  /** Removes a run with its files. `false`: a process holds it. */
  remove(run: string): Promise<boolean>;
}
