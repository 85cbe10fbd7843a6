/**
 * Attempt worktree: acquires, sets up, resets and releases the worktree of one attempt. Knows who may have worked in it
 * before, and that nothing of theirs may be lost.
 */
import { relative } from "node:path";
import { err, ok, type Result } from "../../base/result.ts";
import { capture } from "../../git/capture.ts";
import { mergeWithMarkers, unresolvedPaths } from "../../git/conflict.ts";
import { setupKey } from "../../git/listing.ts";
import { headOf } from "../../git/git-head.ts";
import { captureRef } from "../../git/ref-names.ts";
import type { Capture, TreeOwner, WorktreeRefusal } from "../../git/types.ts";
import type { HeldWork } from "../../git/worktree-record.ts";
import type { Worktree } from "../../git/worktree.ts";
import { runCommands } from "./commands.ts";
import { projectIn } from "./run-context.ts";
import type { TurnContext } from "./turn.ts";

export interface Captured extends Capture {
  readonly ref: string;
}

export interface AcquiredWorktree {
  readonly tree: Worktree;
  /** What an earlier attempt of the step left is in it. */
  readonly holdsWork: boolean;
  /** HEAD is where heddle and the agent left it: on the worktree's own branch. */
  readonly isOnBranch: boolean;
}

/** Refused where there may be no more worktrees, or where one of this name is somebody else's. */
export async function acquireWorktree(context: TurnContext): Promise<Result<AcquiredWorktree, WorktreeRefusal>> {
  const taken = await acquire(context);
  if (!taken.ok) return taken;
  const { tree, holdsWork } = taken.value;
  return ok({ tree, holdsWork, isOnBranch: headOf(tree.path)?.branch === tree.branch });
}

async function acquire(context: TurnContext): Promise<Result<Omit<AcquiredWorktree, "isOnBranch">, WorktreeRefusal>> {
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
  const isShared = tree.place.owner.kind === "group";
  const user = isShared ? task.agent?.lastUser : { step: step.id, open: before.open };
  if (!tree.fresh && user?.open !== undefined) await captureWork(context, tree, user.step, user.open);
  const isOwn = !tree.fresh && user?.step === step.id && task.attempt > 1;
  const { conflict } = before;
  // Its work is in its capture, if another attempt has used the worktree since, removed it, or died while it was
  // reset.
  if (conflict !== undefined && !(isOwn && tree.holds?.step === step.id))
    return holding(await applyOnto(context, tree, head, conflict.captured), true);
  if (tree.fresh) return holding(found, false);
  if (isOwn) return holding(found, true);
  if (tree.base === head) {
    const now = await captureWork(context, tree, step.id, 0);
    if (now.changedFiles.length === 0) return holding(found, false);
  }
  return holding(await resetTo(context, tree, head), false);
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
function ownerOf({ job }: TurnContext): TreeOwner {
  const { step, agent } = job.task;
  if (step.group === undefined || agent?.before.resolution !== undefined) return { kind: "step", id: step.id };
  return { kind: "group", id: step.group };
}

/**
 * Everything in the worktree is on a branch or under a ref. A group's is removed with its last step; one that is in
 * use stays, is tried again later, and is listed. `taken`: absent, what an earlier process left of it.
 */
export async function releaseWorktree(context: TurnContext, taken?: Worktree): Promise<void> {
  const { runContext, job, note, options } = context;
  const tree = taken ?? (await runContext.trees.find(runContext.run, ownerOf(context)));
  if (tree === undefined) return;
  const isLast = tree.place.owner.kind === "step" || (job.task.agent?.group ?? []).every(({ isDone }) => isDone);
  if (!isLast || runContext.settings.keepWorktrees || !(await runContext.pool.remove(tree))) return;
  note({ type: "worktree.removed", data: { tree: tree.place.name, path: relative(options.stateDir, tree.path) } });
}

async function resetTo(
  context: TurnContext,
  tree: Worktree,
  head: string,
  options: { readonly files?: string; readonly holds?: HeldWork } = {},
): Promise<Result<Worktree, WorktreeRefusal>> {
  const set = await context.runContext.trees.reset(tree, head, options);
  if (set.ok || set.error.code !== "WorkNotCaptured") return set;
  // Whoever left it, it is captured under this step's name, as the state before its first attempt.
  await captureWork(context, tree, context.job.task.step.id, 0);
  return await context.runContext.trees.reset(tree, head, options);
}

/** Keeps what is in the worktree as what an attempt left. */
export async function captureWork(
  { runContext, job }: TurnContext,
  tree: Worktree,
  step: string = job.task.step.id,
  attempt: number = job.task.attempt,
): Promise<Captured> {
  const captured = await capture(runContext.repository, { tree, step, attempt });
  return { ...captured, ref: captureRef(runContext.run, step, attempt) };
}

/** Runs the plan's setup commands, if they are due. The error is what to show. */
export async function setUp(context: TurnContext, tree: Worktree): Promise<Result<void, string>> {
  const { runContext, job, cancellation, options } = context;
  const { setup } = runContext.settings;
  if (setup.length === 0) return ok(undefined);
  const key = await setupKey(runContext.repository, tree.base, setup);
  if (!(await runContext.trees.needsSetup(tree, key))) return ok(undefined);
  const place = { folder: projectIn(runContext, tree.path), ports: tree.ports, slug: tree.slug, name: "setup" };
  const done = await runCommands(options.runner, options.clock, job, cancellation, setup, place);
  if (!done.ok) return err(`setup failed:\n${done.error}`);
  await runContext.trees.setupDone(tree, key);
  return done;
}

/** The branch's head with the step's work on top, both sides of what does not go together in one file. Its base is the head. */
export async function applyOnto(
  context: TurnContext,
  tree: Worktree,
  head: string,
  captured: string,
): Promise<Result<Worktree, WorktreeRefusal>> {
  const { repository, run } = context.runContext;
  const { step, attempt } = context.job.task;
  const combined = await mergeWithMarkers(repository, head, captured);
  // Later captures of the attempt do not contain it.
  await repository.git(["update-ref", `${captureRef(run, step.id, attempt)}.conflict`, captured]);
  const holds = { step: step.id, head, captured };
  return await resetTo(context, tree, head, { files: combined.tree, holds });
}

/** A separate worktree for a person, if the step's worktree belongs to its group: the group continues meanwhile. */
export async function treeForPerson(
  context: TurnContext,
  tree: Worktree,
  captured: string,
): Promise<Result<Worktree, WorktreeRefusal>> {
  if (tree.place.owner.kind !== "group") return ok(tree);
  const { runContext, job } = context;
  const { run, step } = job.task;
  const head = await runContext.queue.head();
  const own = await runContext.trees.ensure({ run, owner: { kind: "step", id: step.id }, base: head });
  return own.ok ? await applyOnto(context, own.value, head, captured) : own;
}

/** Files whose conflicts in that worktree are not resolved yet. */
export async function unsettledIn(
  { runContext }: TurnContext,
  tree: Worktree,
  commit: string,
): Promise<readonly string[]> {
  const { holds } = tree;
  return holds === undefined ? [] : await unresolvedPaths(runContext.repository, { commit, ...holds });
}
