/**
 * Agent port: carries out agent steps with worktree, agent, capture, verification and merge. Knows one step at a time
 * and the git state of its run; the order of steps, retries and the journal belong to the engine.
 *
 * Invariants:
 *  1. An attempt's work is captured before its outcome is returned, however it ended.
 *  2. The work of a success is on the integration branch, verified as the commit that is there, before its outcome is
 *     returned.
 *  3. An attempt never touches the user's checkout, branch, index, stash or configuration.
 */
import type { Problem } from "../base/errors.ts";
import type { Json } from "../base/json.ts";
import type { Result } from "../base/result.ts";
import type { SeenRevisions } from "../git/port.ts";
import type {
  ConflictedFile,
  ConflictOverview,
  FileChange,
  Patch,
  ReplayedStep,
  ReplayOutcome,
  RunRefs,
  StoreWish,
} from "../git/types.ts";
import type { AgentTask, Beginning, Landing, LandMode, Note, Task } from "../run/attempt.ts";
import type { AnswerDecision } from "../run/event.ts";
import type { AgentProtocol, RuleBinding } from "../plan/agents-config.ts";
import type { RunningAttempt } from "../runner/port.ts";

/** What the context of a run's agents is made of, as its history says: each process that works on the run makes the same. */
export interface AgentRun extends Pick<AgentTask, "config" | "maxAgents" | "base" | "begin" | "branch" | "recorded"> {
  readonly run: string;
}

/** An attempt of an agent's step, its templates filled in. */
export interface AgentJob {
  readonly task: Task;
  readonly prompt: string;
  readonly env: Readonly<Record<string, string>>;
  /** Absolute: what files named in the plan are relative to. */
  readonly folder: string;
  readonly logFile: string | null;
  /** Why an output is not accepted; absent: every output is. Ends at once where the attempt has to end. */
  readonly check?: (output: Json) => Promise<string | undefined>;
}

export interface RunningAgentStep extends RunningAttempt {
  /** To the question that the attempt has open (a note `approval.requested` about `permission`). */
  answer(decision: AnswerDecision): void;
}

export interface AgentExecutor extends AsyncDisposable {
  start(job: AgentJob, onNote: (note: Note) => void): RunningAgentStep;
  /**
   * The run stopped. `isDone`: it succeeded, and lands, whether or not an agent worked here. `folder`: as of a job.
   * `undefined`: there is nothing to do.
   */
  finishRun(run: AgentRun & { readonly folder: string }, isDone: boolean): Promise<Landing | undefined>;
  /**
   * Takes the last merge of a step back out of the integration branch where the checks pass on the result: the plan's, and those
   * of the other steps. The problem: as of {@link AgentMaintenance.revert}, or `RevertRejected`.
   */
  revert(run: AgentRun & { readonly folder: string }, work: RevertWork): Promise<Result<Reverted, Problem>>;
}

/** A step to take out, and what its checks are run with. */
export interface RevertWork {
  readonly step: string;
  /** Of the step, whose plan's checks are run as for its attempts; of others, whose own checks have to pass. */
  readonly jobs: readonly Pick<AgentJob, "task" | "env">[];
}

/** A worktree as it is found. */
export interface WorktreeLine {
  readonly run: string;
  /** Absolute: the other project in the repository that it belongs to; `null`: this one. */
  readonly project: string | null;
  /** The step's id, or with `@` before it the group's. */
  readonly name: string;
  /** Absolute. */
  readonly path: string;
  readonly branch: string | null;
  readonly head: string | null;
  readonly bytes: number;
  readonly createdAt: number | null;
  readonly inUse: boolean;
  /** `saved`: everything in it is on a branch or under a ref. `unsaved`: it has work that exists nowhere else. */
  readonly state: "saved" | "unsaved" | "unfinished" | "stray";
  /** What would be lost with it, as the end of a sentence; absent: nothing that is known. */
  readonly loss?: string;
}

export interface AgentLine {
  readonly agent: string;
  /** How it is spoken to; absent: not known. */
  readonly protocol?: AgentProtocol;
  readonly found: boolean;
  readonly program?: string;
  readonly version?: string;
  readonly problem?: string;
  /** What of a login is on this machine, without asking a provider: a key in the environment, or a file that its login makes. */
  readonly login?: LoginState;
  /** How it is held to permission rules. */
  readonly rules?: RuleBinding;
  /** Whether heddle's sandbox works here around this agent, which may make one of its own inside. */
  readonly sandbox?: { readonly works: boolean; readonly why?: string };
}

export type LoginState =
  /** `name`: of the variable. An agent gets it if `passEnv` names it. */
  | { readonly kind: "key"; readonly name: string }
  /** Made by a login; whether it still counts is not known. */
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "none" };

/** What a run, or an attempt, changed: between which states of the repository. */
export type ChangesOf =
  /** All that is merged. `base`: where the run began; `recorded`: its last merge, for a run whose branch is gone. */
  | { readonly kind: "integration"; readonly base?: string; readonly recorded?: string }
  /** What a merge brought onto the branch. */
  | { readonly kind: "merged"; readonly from: string; readonly to: string }
  /** What an attempt left, begun at `base`: less than all that it has, where others' work was put below it later. */
  | { readonly kind: "captured"; readonly base: string; readonly commit: string }
  /** What is in a worktree now. `group`: whose worktree it is. */
  | { readonly kind: "worktree"; readonly step: string; readonly group?: string };

export interface Changes {
  /** Commits. `to`: that of a worktree as it is now is kept by nothing. */
  readonly from: string;
  readonly to: string;
  readonly files: readonly FileChange[];
  /** Absent: it was not asked for. */
  readonly patch?: Patch;
}

/** A conflict that a person settles file by file. What git fails at is a problem. */
export interface AskedConflict {
  /** Absolute: where it can be settled by hand. */
  readonly path: string;
  /** Commits: what the work does not go together with, and the work. */
  readonly head: string;
  readonly captured: string;
  /** The problem: `ConflictNotHeld`. */
  overview(): Promise<Result<ConflictOverview, Problem>>;
  /** By its name as it is shown. The problem: `UnknownFile`. */
  file(name: string): Promise<Result<ConflictedFile, Problem>>;
  /** Keeps how a file is to be, until {@link apply}. The problem: `UnknownFile`, `ResolutionMoved` or `InvalidResolution`. */
  store(wish: StoreWish): Promise<Result<ConflictedFile, Problem>>;
  /** Puts what is stored into the worktree. `seen`: what a person saw of it. The problem: `ResolutionMoved`, `WorktreeMoved` or `ConflictOpen`. */
  apply(seen?: SeenRevisions): Promise<Result<readonly string[], Problem>>;
}

/** The worktree has been removed, or is used for something else. */
export function conflictNotHeld(run: string, step: string): Problem {
  return {
    code: "ConflictNotHeld",
    message: `the step ${JSON.stringify(step)} of run ${run} has no worktree with the conflict`,
    hint: "It was removed. Take one side for all of it: it is made again from what was captured.",
  };
}

/** A reverted step. */
export interface Reverted {
  readonly integration: string;
  /** On the integration branch: undoes the step's merge. */
  readonly commit: string;
  /** Relative paths, sorted: what the commit changes. */
  readonly files: readonly string[];
  /** The plan's checks, and those of the steps built on it, passed on the result; absent: there are none. */
  readonly verified?: true;
  /** Agents' steps that were built on the reverted one, in the plan's order; absent: none. Their work stays. */
  readonly builders?: readonly string[];
}

export interface ReplayWish {
  /** The earlier run. */
  readonly from: string;
  readonly steps: readonly ReplayedStep[];
  /** Id of the new run; absent: a random one. */
  readonly run?: string;
}

export type Replayed =
  | (Extract<ReplayOutcome, { readonly kind: "replayed" }> & Beginning)
  | Extract<ReplayOutcome, { readonly kind: "refused" }>;

/** Looks after what agents left: for commands, without a run going on. */
export interface AgentMaintenance {
  /** Why agents cannot work here, if so. */
  check(): Promise<Problem | undefined>;
  /** `sizes`: false, bytes are 0. */
  worktrees(options: {
    readonly run?: string;
    readonly sizes?: boolean;
  }): Promise<Result<readonly WorktreeLine[], Problem>>;
  /**
   * Removes worktrees that hold nothing of their own and that nobody works in. `keep`: runs to leave alone. Those of other
   * projects stay, while these are there.
   */
  clean(options: {
    readonly run?: string;
    readonly keep: (run: string) => boolean;
    readonly dryRun: boolean;
  }): Promise<Result<{ readonly removed: readonly WorktreeLine[]; readonly kept: readonly WorktreeLine[] }, Problem>>;
  /**
   * Brings the integration branch of a run to the user's. `name`: of a `branch`. `target`: the user's branch that is meant;
   * absent: the one that is checked out. `recorded`: the last merge of the run's history; nothing else lands.
   */
  land(
    run: string,
    kind: LandMode,
    options: { readonly name?: string; readonly target?: string; readonly recorded?: string },
  ): Promise<Result<Landing, Problem>>;
  /**
   * Takes the last merge of a step back out of the integration branch, unverified; what was merged on top of it stays. The problem:
   * `NothingToLand`, `NotMerged`, `RevertConflict`, or why git failed.
   */
  revert(run: string, what: { readonly step: string; readonly recorded?: string }): Promise<Result<Reverted, Problem>>;
  /**
   * What was changed, read alone. `patchBytes`: the most that the patch may have; absent: no patch. `file`: of this one alone, by its
   * name as it is shown. `undefined`: there is no such worktree, or nothing was ever merged.
   */
  changes(
    run: string,
    of: ChangesOf,
    options?: { readonly patchBytes?: number; readonly file?: string },
  ): Promise<Result<Changes | undefined, Problem>>;
  /** The conflict that a step's own worktree holds; `undefined`: there is no such worktree, or it holds none. */
  conflict(run: string, step: string): Promise<Result<AskedConflict | undefined, Problem>>;
  /** What an earlier run merged for results that a new one takes, on top of where it would begin. Moves no branch. */
  replay(wish: ReplayWish): Promise<Result<Replayed, Problem>>;
  /** Makes the integration branch of a new run. */
  begin(beginning: Beginning): Promise<Result<void, Problem>>;
  /** What is kept of a run's work by heddle's own branches and refs; `undefined`: nothing, or there is no repository to hold it. */
  refs(run: string): Promise<Result<RunRefs | undefined, Problem>>;
  /** Removes them, of a run that will not go on. `false`: it has worktrees. */
  removeRefs(run: string): Promise<Result<boolean, Problem>>;
  /** Which of the known agents are here. */
  probe(): Promise<readonly AgentLine[]>;
}
