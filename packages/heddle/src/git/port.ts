/**
 * Git port: worktrees, captures, merge queue and landing in the repository of a project, for agent steps and for
 * commands that maintain their work. Knows runs, steps and attempts by their ids, and nothing of how git is called.
 *
 * Failures of git itself (no space, a damaged repository) are thrown as a `HeddleError`, unless a method says otherwise;
 * all other expected failures are values. Every call can be repeated after a crash at any point.
 *
 * Invariants (tested for every implementation by `test/support/suites/git/`):
 *  1. A worktree that may have work is not reset or removed before that work is captured.
 *  2. A capture changes nothing in the worktree, and is kept until the refs of its run are removed.
 *  3. The integration branch gets a commit only when its checks passed on that very commit.
 *  4. Only `land` touches the user's checkout and branches.
 */
import type { Problem } from "../base/errors.ts";
import type { Result } from "../base/result.ts";
import type {
  Breach,
  Capture,
  CaptureRequest,
  ConflictedFile,
  ConflictOverview,
  FileChange,
  FilePatch,
  Patch,
  ReplayedStep,
  SubmoduleFinding,
  ReplayOutcome,
  IntegrationOrigin,
  IntegrationState,
  LandTarget,
  LandOutcome,
  MergeCheck,
  MergedStep,
  MergeMode,
  MergeOutcome,
  MergeRequest,
  MergeRequestId,
  PathChange,
  PathMove,
  RemoveOptions,
  RevertOutcome,
  RunRefs,
  StoreWish,
  TreeListing,
  TreeOwner,
  VerifyRequest,
  VerifyResult,
  Worktree,
  WorktreeLimits,
  WorktreeRefusal,
  WorktreeRequest,
} from "./types.ts";

/** Finds the repository of a project. */
export interface Repositories {
  /**
   * Judges the repository before anything is done to it; the problem says why it cannot be worked in. `base`: a commit, branch or
   * tag to begin at, whatever state the checkout is in; absent: what is checked out. `limits`: absent, the defaults.
   */
  open(options?: {
    readonly base?: string;
    readonly limits?: WorktreeLimits;
  }): Promise<Result<OpenRepository, Problem>>;
}

export interface OpenRepository {
  readonly repository: Repository;
  /** The commit that a run begins at: the id of `base`, or of HEAD. */
  readonly base: string;
  /** Short name of the branch that is checked out; `null`: HEAD is detached. */
  readonly branch: string | null;
  /** What works, but differently from what one may expect: looked at when asked. Codes: see docs/guide/worktrees.md. */
  readonly notes: () => Promise<readonly Problem[]>;
}

/** The repository of a project, by concern. */
export interface Repository {
  /** Absolute, real: the user's checkout. */
  readonly topLevel: string;
  /** Absolute, real: git's own folder, which all worktrees share. */
  readonly gitDir: string;
  readonly worktrees: Worktrees;
  readonly captures: Captures;
  readonly conflicts: Conflicts;
  readonly commits: CommitReader;
  readonly integrations: IntegrationBranches;
  readonly refs: RunRefStore;
  openQueue(options: MergeQueueOptions): MergeQueue;
  /**
   * Looks at what no step may change: the user's checkout, what all worktrees share, and heddle's own refs of the run. The function
   * answers what differs from that look; whether a step or the user changed it is not known. What lost its ref is kept.
   */
  watchIsolation(run: string): Promise<() => Promise<readonly Breach[]>>;
}

/** Worktrees of runs, outside the user's checkout. */
export interface Worktrees {
  /** The worktree of an owner, made if need be. */
  ensure(request: WorktreeRequest): Promise<Result<Worktree, WorktreeRefusal>>;
  /** The worktree of an owner if it is there and whole. */
  find(run: string, owner: TreeOwner): Promise<Worktree | undefined>;
  /** Sets branch and files to `commit`; ignored files stay. Refused with `WorkNotCaptured` where something would be lost. */
  reset(tree: Worktree, commit: string): Promise<Result<Worktree, WorktreeRefusal>>;
  /**
   * Sets it to `head` with the work of `captured` on top, conflicts as markers in the files; {@link Worktree.holds} says so. The
   * captured commit is kept as what this attempt has to settle. Refused as `reset`.
   */
  applyOnto(
    tree: Worktree,
    work: MergeRequestId & { readonly head: string; readonly captured: string },
  ): Promise<Result<Worktree, WorktreeRefusal>>;
  /** Removes folder and notes, and with `branch: "delete"` its branch. What git fails at is a value too: it stays, and is listed. */
  remove(tree: Worktree, options?: RemoveOptions): Promise<Result<void, Problem>>;
  /** Whether HEAD is where heddle left it: on the worktree's own branch. */
  isOnBranch(tree: Worktree): boolean;
  /** Stands for setup commands and the lock files of a commit: where it is equal, setup need not run again. */
  setupKey(commit: string, commands: readonly string[]): Promise<string>;
  /** Whether setup commands must run: they never did here, or not for this key. */
  needsSetup(tree: Worktree, key: string): Promise<boolean>;
  setupDone(tree: Worktree, key: string): Promise<void>;
  /** Notes what is in it now as not the work of the step that gets it. */
  handOver(tree: Worktree): Promise<void>;
  /** Stands for the files that new worktrees get beside those of git; holds nothing of them. */
  includedKey(): Promise<string>;
  /** All of heddle's, or those of one run. `sizes`: false, bytes are 0. */
  list(options?: { readonly run?: string; readonly sizes?: boolean }): Promise<readonly TreeListing[]>;
  /** Waits until the files of removed worktrees are deleted. */
  deleteDeferred(): Promise<void>;
}

/** What attempts left behind, kept as commits. */
export interface Captures {
  /** Keeps all that is in a worktree and not ignored. For the same files the same answer. */
  capture(request: CaptureRequest): Promise<Capture>;
  /**
   * A commit on top of the worktree's base with all that {@link Captures.capture} would keep now. Nothing keeps it: for looking at,
   * also while somebody works there.
   */
  look(tree: Worktree): Promise<string>;
  /** Paths of `commit` in which what {@link Worktrees.applyOnto} put together is not settled yet; of a worktree without: none. */
  unresolved(tree: Worktree, commit: string): Promise<readonly string[]>;
  /**
   * A commit on top of `head` that has both, and where the two conflict, what the side has (`ours`: that of `head`); kept as what this
   * attempt settled.
   */
  takeSide(
    work: MergeRequestId & {
      readonly run: string;
      readonly head: string;
      readonly commit: string;
      readonly side: "ours" | "theirs";
      readonly message: string;
    },
  ): Promise<string>;
}

/** Conflicts that worktrees hold ({@link Worktree.holds}), for a person who settles them file by file. */
export interface Conflicts {
  /** `undefined`: the worktree holds none. */
  overview(tree: Worktree): Promise<ConflictOverview | undefined>;
  /** One file of it, by its name as it is shown; `undefined`: it does not conflict. */
  file(tree: Worktree, file: string): Promise<ConflictedFile | undefined>;
  /**
   * Keeps how a file is to be, until {@link apply}; it is there after the process has died, and goes with the worktree. The problem:
   * `UnknownFile`, `ResolutionMoved` where it is not as it was seen, or `InvalidResolution`.
   */
  store(tree: Worktree, wish: StoreWish): Promise<Result<ConflictedFile, Problem>>;
  /**
   * Puts what is stored into the worktree, where nobody works; the names as they are shown. The problem: `WorktreeMoved` where a file
   * is not as it was when it was decided, or `ConflictOpen` where more is to be decided. `seen`: revisions of the files that a person saw,
   * by name; `ResolutionMoved` where one of them, or a decision about another file, is not among them.
   */
  apply(tree: Worktree, seen?: SeenRevisions): Promise<Result<readonly string[], Problem>>;
}

/** Revisions of files of a conflict as a person saw them, by names as they are shown. */
export type SeenRevisions = ReadonlyMap<string, string>;

export function notInConflict(file: string): Problem {
  return {
    code: "UnknownFile",
    message: `the file ${JSON.stringify(file)} does not conflict`,
    hint: "Read the conflict again: it lists its files.",
  };
}

/** Says what is in commits. */
export interface CommitReader {
  /** Relative paths that differ, sorted. */
  changedFiles(from: string, to: string): Promise<readonly string[]>;
  /** The same, by what their names are and not only how they are shown. */
  changes(from: string, to: string): Promise<readonly PathChange[]>;
  /** Files that moved. */
  moves(from: string, to: string): Promise<readonly PathMove[]>;
  /** What each commit changed that `to` has beyond `from`, one by one; what `without` have is left out. */
  changesOfEach(from: string, to: string, without: readonly string[]): Promise<readonly PathChange[]>;
  /** Files that differ, each with counts of its lines. */
  fileChanges(from: string, to: string): Promise<readonly FileChange[]>;
  /** The unified diff, or its first lines where it is larger than `maxBytes`. */
  patch(from: string, to: string, maxBytes: number): Promise<Patch>;
  /** The same of one file, by its name as it is shown; `undefined`: it does not differ. */
  filePatch(
    from: string,
    to: string,
    of: { readonly file: string; readonly maxBytes: number },
  ): Promise<FilePatch | undefined>;
  /** The newest commit that both have; `undefined`: none, or one of the two is not here. */
  forkPoint(one: string, other: string): Promise<string | undefined>;
  /** What differs, as text for people: `git diff --stat`. */
  diffStat(from: string, to: string): Promise<string>;
  /** Paths in which `to` has conflict markers, of any origin, whole or half removed, that `from` has not; sorted. */
  addedMarkers(from: string, to: string): Promise<readonly string[]>;
  /**
   * What `.gitmodules` of `to` says, and that of `from` does not, that is dangerous for who fetches submodules, or odd. `each`: also
   * in the commits that `to` has beyond `from`, what `without` have left out.
   */
  submoduleFindings(
    from: string,
    to: string,
    each?: { readonly without: readonly string[] },
  ): Promise<readonly SubmoduleFinding[]>;
  /** Subjects of the commits that `to` has beyond `from`, newest last; at most 20. */
  subjects(from: string, to: string): Promise<readonly string[]>;
}

export interface MergeQueueOptions extends IntegrationOrigin {
  /** Absent: `squash`. */
  readonly mode?: MergeMode;
  /** Requests that are verified at the same time, each on top of the one before. Absent: 2. */
  readonly ahead?: number;
  /** Requests that are verified once, for all together, and halved where that fails: for slow suites. Absent: 1. */
  readonly batch?: number;
  /** Runs one check. A queue that verifies elsewhere has its own way to. */
  readonly verify: Verify;
  /** Told of what had to be put right, as sentences for people. */
  readonly onNotice?: (text: string) => void;
}

/** Aborted: the answer is not needed any more; the promise must still settle, when nothing of the check runs any more. */
export type Verify = (request: VerifyRequest, signal: AbortSignal) => Promise<VerifyResult>;

/**
 * The tested merge queue of one run: captured work becomes commits of the integration branch, one by one. What goes in and comes
 * out is plain data: it may be in this process or anywhere.
 *
 * Invariants:
 *  1. Requests are merged in the order of their coming; those that come at once, by `order`.
 *  2. A conflict or a failed check moves nothing, and stops no other request.
 *  3. What is on the branch already is answered from it: after a crash, requests are submitted again and none is merged twice.
 *  4. Who cancels a request hears of it when nothing of its verification runs any more. Others lose time by it at most.
 */
export interface MergeQueue {
  /** Short name of the integration branch. */
  readonly branch: string;
  /** Rejects only where git fails (`HeddleError`): nothing is merged then, and the request may be submitted again. */
  submit(request: MergeRequest): Promise<MergeOutcome>;
  /** Takes back what this attempt has in the queue, unless it is merged already; nothing where there is none. */
  cancel(id: MergeRequestId): void;
  /** The commit that steps whose deps are merged begin at. Makes the branch if need be; fails with `BranchTaken` or `IntegrationMoved`. */
  head(): Promise<string>;
  /** What is merged and not reverted, oldest first. */
  merged(): Promise<readonly MergedStep[]>;
  /** No request is begun any more; those that wait or are being verified are answered `closed`. */
  close(): Promise<void>;
}

/** What has to pass on a commit that undoes a merge before the branch gets it, each check as of an attempt. */
export interface RevertChecks {
  readonly checks: readonly (MergeCheck & MergeRequestId)[];
  readonly verify: Verify;
}

/** Integration branches, from before a run begins until its work has landed. */
export interface IntegrationBranches {
  /**
   * `undefined`: no agent of the run has merged anything into this repository. `recorded`: the last merge of its history; fails with
   * `IntegrationMoved` where the branch is elsewhere.
   */
  find(run: string, recorded?: string): Promise<IntegrationState | undefined>;
  /** Makes the branch of a new run. */
  begin(origin: IntegrationOrigin): Promise<void>;
  /** Brings the branch to the user's. `target`: short name of the branch that is meant; absent: the one that is checked out. */
  land(origin: IntegrationOrigin, mode: LandTarget, target?: string): Promise<LandOutcome>;
  /** Takes the last merge of a step back out, by a commit that undoes it; what was merged on top of it stays. */
  revert(origin: IntegrationOrigin, step: string, checks?: RevertChecks): Promise<RevertOutcome>;
  /** Brings what run `from` merged for some of its steps on top of `base`, for a new `run`. Moves no branch. */
  replay(
    work: IntegrationOrigin & { readonly from: string; readonly steps: readonly ReplayedStep[] },
  ): Promise<ReplayOutcome>;
}

/** Heddle's own branches and refs of runs: for runs that will not go on. */
export interface RunRefStore {
  /** `undefined`: there are none. */
  find(run: string): Promise<RunRefs | undefined>;
  /** Removes them; what only they lead to is lost with git's next clean-up. `false`: the run has worktrees. */
  remove(run: string): Promise<boolean>;
}
