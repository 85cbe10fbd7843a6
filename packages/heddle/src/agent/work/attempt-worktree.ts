/**
 * Attempt worktree: acquires, sets up, resets and releases the worktree of one attempt. Knows who may have worked in it
 * before, and that nothing of theirs may be lost.
 */
import { relative } from "node:path";
import { err, ok, type Result } from "../../base/result.ts";
import type { Capture, TreeOwner, Worktree, WorktreeRefusal } from "../../git/types.ts";
import type { AgentAttemptContext } from "./attempt-context.ts";
import type { Outcome } from "../../run/attempt.ts";
import { runCommands } from "./commands.ts";
import { failedBy, failedCommand } from "./failures.ts";
import { projectIn } from "./run-context.ts";

export interface AcquiredWorktree {
  readonly tree: Worktree;
  /** What an earlier attempt of the step left is in it. */
  readonly holdsWork: boolean;
  /** HEAD is where heddle and the agent left it: on the worktree's own branch. */
  readonly isOnBranch: boolean;
}

/** Refused where there may be no more worktrees, or where one of this name is somebody else's. */
export async function acquireWorktree(
  context: AgentAttemptContext,
): Promise<Result<AcquiredWorktree, WorktreeRefusal>> {
  const taken = await acquire(context);
  if (!taken.ok) return taken;
  const { tree, holdsWork } = taken.value;
  return ok({ tree, holdsWork, isOnBranch: context.runContext.repository.worktrees.isOnBranch(tree) });
}

async function acquire(
  context: AgentAttemptContext,
): Promise<Result<Omit<AcquiredWorktree, "isOnBranch">, WorktreeRefusal>> {
  const { runContext, job } = context;
  const { task } = job;
  const { step } = task;
  const before = task.agent?.before ?? {};
  const head = await runContext.queue.head();
  const found = await runContext.pool.acquire(
    context.cancellation,
    { run: task.run, owner: ownerOf(context), base: head },
    () => context.note({ type: "step.progress", data: { type: "waiting", for: "worktree" } }),
  );
  if (!found.ok) return found;
  const tree = found.value;
  const isShared = tree.owner.kind === "group";
  const user = isShared ? task.agent?.lastUser : { step: step.id, open: before.open };
  if (!tree.fresh && user?.open !== undefined) await captureAs(context, tree, user.step, user.open);
  // A step that succeeded, or was reset, begins anew: nothing is recorded of what it left.
  const isOwn = !tree.fresh && user?.step === step.id && Object.keys(before).length > 0;
  const { conflict } = before;
  // Its work is in its capture, if another attempt has used the worktree since, removed it, or died while it was
  // reset.
  if (conflict !== undefined && !(isOwn && tree.holds?.step === step.id))
    return holding(await applyOnto(context, tree, head, conflict.captured), true);
  if (tree.fresh) return holding(found, false);
  if (isOwn) return holding(found, true);
  if (tree.base === head) {
    const now = await captureAs(context, tree, step.id, BEFORE_FIRST);
    if (now.changedFiles.length === 0) return holding(found, false);
  }
  return holding(await afterCapture(context, tree, () => runContext.repository.worktrees.reset(tree, head)), false);
}

function holding(
  tree: Result<Worktree, WorktreeRefusal>,
  holdsWork: boolean,
): Result<Omit<AcquiredWorktree, "isOnBranch">, WorktreeRefusal> {
  return tree.ok ? ok({ tree: tree.value, holdsWork }) : tree;
}

/**
 * Steps of a group share one; a conflict is resolved in a worktree of the step itself, while the others of the group
 * continue.
 */
function ownerOf({ job }: AgentAttemptContext): TreeOwner {
  const { step, agent } = job.task;
  if (step.group === undefined || agent?.before.resolution !== undefined) return { kind: "step", id: step.id };
  return { kind: "group", id: step.group };
}

/**
 * Everything in the worktree is on a branch or under a ref. A group's is removed with its last step; one that is in
 * use stays, is tried again later, and is listed. `taken`: absent, what an earlier process left of it.
 */
export async function releaseWorktree(context: AgentAttemptContext, taken?: Worktree): Promise<void> {
  const { runContext, job, note, options } = context;
  const tree = taken ?? (await runContext.repository.worktrees.find(runContext.run, ownerOf(context)));
  if (tree === undefined) return;
  const isLast = tree.owner.kind === "step" || (job.task.agent?.group ?? []).every(({ isDone }) => isDone);
  if (!isLast || runContext.settings.keepWorktrees || !(await runContext.pool.remove(tree))) return;
  note({ type: "worktree.removed", data: { tree: tree.name, path: relative(options.stateDir, tree.path) } });
}

/** The attempt number that stands for what was in a worktree before a step's first attempt. */
const BEFORE_FIRST = 0;

/** Where something in the worktree is not captured yet, it is, and then the work is tried again. */
async function afterCapture(
  context: AgentAttemptContext,
  tree: Worktree,
  work: () => Promise<Result<Worktree, WorktreeRefusal>>,
): Promise<Result<Worktree, WorktreeRefusal>> {
  const done = await work();
  if (done.ok || done.error.code !== "WorkNotCaptured") return done;
  // Whoever left it: it is kept under this step's name.
  await captureAs(context, tree, context.job.task.step.id, BEFORE_FIRST);
  return await work();
}

/** Keeps what is in the worktree as what this attempt left. */
export async function captureWork(context: AgentAttemptContext, tree: Worktree): Promise<Capture> {
  const { step, attempt } = context.job.task;
  return await captureAs(context, tree, step.id, attempt);
}

async function captureAs(
  { runContext }: AgentAttemptContext,
  tree: Worktree,
  step: string,
  attempt: number,
): Promise<Capture> {
  return await runContext.repository.captures.capture({ tree, step, attempt });
}

/** Runs the plan's setup commands, if they are due. */
export async function setUp(context: AgentAttemptContext, tree: Worktree): Promise<Result<void, Outcome>> {
  const { runContext, job, cancellation, options } = context;
  const { setup } = runContext.settings;
  if (setup.length === 0) return ok(undefined);
  const { worktrees } = runContext.repository;
  const key = await worktrees.setupKey(tree.base, setup);
  if (!(await worktrees.needsSetup(tree, key))) return ok(undefined);
  const folder = projectIn(runContext, tree.path);
  if (!folder.ok) return err(failedBy(folder.error));
  const place = { folder: folder.value, ports: tree.ports, slug: tree.slug, name: "setup" };
  const done = await runCommands(options.runner, options.clock, job, cancellation, setup, place);
  if (!done.ok) return err(failedCommand("setup", done.error));
  await worktrees.setupDone(tree, key);
  return ok(undefined);
}

/** The branch's head with the step's work on top, both sides of what does not go together in one file. Its base is the head. */
export async function applyOnto(
  context: AgentAttemptContext,
  tree: Worktree,
  head: string,
  captured: string,
): Promise<Result<Worktree, WorktreeRefusal>> {
  const { worktrees } = context.runContext.repository;
  const { step, attempt } = context.job.task;
  const work = { step: step.id, attempt, head, captured };
  return await afterCapture(context, tree, () => worktrees.applyOnto(tree, work));
}

/** A separate worktree for a person, if the step's worktree belongs to its group: the group continues meanwhile. */
export async function treeForPerson(
  context: AgentAttemptContext,
  tree: Worktree,
  captured: string,
): Promise<Result<Worktree, WorktreeRefusal>> {
  if (tree.owner.kind !== "group") return ok(tree);
  const { runContext, job } = context;
  const { run, step } = job.task;
  const head = await runContext.queue.head();
  const request = { run, owner: { kind: "step", id: step.id }, base: head } as const;
  const own = await runContext.repository.worktrees.ensure(request);
  return own.ok ? await applyOnto(context, own.value, head, captured) : own;
}
