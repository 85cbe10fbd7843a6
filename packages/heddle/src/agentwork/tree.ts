/**
 * The worktree of an attempt: taken, set up, put into conflict, given back. Knows who may have worked in it before, and that
 * nothing of theirs may be lost.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { HeddleError } from "../base/errors.ts";
import { err, ok, type Result } from "../base/result.ts";
import { capture } from "../workspace/capture.ts";
import { mergeTrees } from "../workspace/candidate.ts";
import { setupKey } from "../workspace/listing.ts";
import { captureRef } from "../workspace/ref-names.ts";
import type { Capture, TreeOwner } from "../workspace/trees.ts";
import { populate } from "../workspace/tree-files.ts";
import type { Worktree } from "../workspace/worktree.ts";
import { runCommands } from "./commands.ts";
import { projectIn } from "./room.ts";
import type { TurnContext } from "./turn.ts";

export interface Kept extends Capture {
  readonly ref: string;
}

export interface Taken {
  readonly tree: Worktree;
  /** What an earlier attempt of the step left is in it. */
  readonly holdsWork: boolean;
}

export async function takeTree(context: TurnContext): Promise<Taken> {
  const { room, job } = context;
  const { task } = job;
  const { step } = task;
  const owner: TreeOwner = step.group === undefined ? { kind: "step", id: step.id } : { kind: "group", id: step.group };
  const head = await room.queue.head();
  const tree = await room.trees.ensure({ run: task.run, owner, base: head });
  const before = task.agent?.before ?? {};
  const user = step.group === undefined ? { step: step.id, open: before.open } : task.agent?.lastUser;
  if (tree.fresh) return { tree, holdsWork: false };
  if (user?.open !== undefined) await keep(context, tree, user.step, user.open);
  if (user?.step === step.id && task.attempt > 1) return { tree, holdsWork: true };
  if (tree.base === head) {
    const now = await keep(context, tree, step.id, 0);
    if (now.changedFiles.length === 0) return { tree, holdsWork: false };
  }
  return { tree: await resetTo(context, tree, head), holdsWork: false };
}

async function resetTo(context: TurnContext, tree: Worktree, head: string): Promise<Worktree> {
  try {
    return await context.room.trees.reset(tree, head);
  } catch (thrown) {
    if (!(thrown instanceof HeddleError) || thrown.code !== "WorkNotCaptured") throw thrown;
    // Whoever left it: it is kept under this step's name, as what was there before its first attempt.
    await keep(context, tree, context.job.task.step.id, 0);
    return await context.room.trees.reset(tree, head);
  }
}

/** Keeps what is in the worktree as what an attempt left. */
export async function keep(
  { room, job }: TurnContext,
  tree: Worktree,
  step: string = job.task.step.id,
  attempt: number = job.task.attempt,
): Promise<Kept> {
  const kept = await capture(room.repository, { tree, step, attempt });
  return { ...kept, ref: captureRef(room.run, step, attempt) };
}

/** Runs the plan's setup commands, if they are due. The error is what to show. */
export async function setUp(context: TurnContext, tree: Worktree): Promise<Result<void, string>> {
  const { room, job, control, options } = context;
  const { setup } = room.settings;
  if (setup.length === 0) return ok(undefined);
  const key = await setupKey(room.repository, tree.base, setup);
  if (!(await room.trees.needsSetup(tree, key))) return ok(undefined);
  const place = { folder: projectIn(room, tree.path), ports: tree.ports, name: "setup" };
  const done = await runCommands(options.runner, options.clock, job, control, setup, place);
  if (!done.ok) return err(`setup failed:\n${done.error}`);
  await room.trees.setupDone(tree, key);
  return done;
}

/** The branch's head with the step's work on top, conflict markers where they do not go together. Its base is the head. */
export async function putTogether(
  { room }: TurnContext,
  tree: Worktree,
  head: string,
  captured: string,
): Promise<{ readonly tree: Worktree; readonly files: readonly string[] }> {
  const merged = await mergeTrees(room.repository, head, captured);
  const set = await room.trees.reset(tree, head);
  await populate(room.repository, { path: set.path, index: set.place.index, commit: merged.tree });
  return { tree: set, files: merged.kind === "conflict" ? merged.files : [] };
}

/** Those of the files that still hold a conflict as git writes it. */
export async function unresolvedIn(tree: Worktree, files: readonly string[]): Promise<readonly string[]> {
  const left: string[] = [];
  for (const file of files) {
    const text = await readFile(join(tree.path, file), "utf8").catch(() => "");
    if (/^<{7} /m.test(text) && /^>{7} /m.test(text)) left.push(file);
  }
  return left;
}
