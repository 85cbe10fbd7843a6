/**
 * Worktrees, captures and merging of one repository behind their port. Puts the parts of this folder together and knows nothing
 * that they do not.
 */
import { dirname, join } from "node:path";
import type { Problem } from "../base/errors.ts";
import { type Result, ok } from "../base/result.ts";
import { breachesBetween, look } from "./breach.ts";
import { capture } from "./capture.ts";
import { land, revertStep } from "./landing.ts";
import { listWorktrees, removeRunRefs, setupKey } from "./listing.ts";
import { MergeQueue } from "./merge.ts";
import { placeOf } from "./place.ts";
import { type OpenOptions, openRepository } from "./repository.ts";
import type { RunOptions, RunTrees, Tree, TreeOwner, TreeRequest, Trees } from "./trees.ts";
import { passedStore } from "./verify.ts";
import { type Worktree, Worktrees, type WorktreesOptions } from "./worktree.ts";

export type GitTreesOptions = OpenOptions & Omit<WorktreesOptions, "repository">;

/** `stateDir`: usually `$XDG_STATE_HOME/heddle/worktrees`. The problem: why this repository cannot be worked with. */
export async function gitTrees(options: GitTreesOptions): Promise<Result<Trees, Problem>> {
  const opened = await openRepository(options);
  if (!opened.ok) return opened;
  const { repository, base, branch, notes } = opened.value;
  const worktrees = new Worktrees({ ...options, repository });
  return ok({
    base,
    branch,
    notes,
    folder: repository.facts.topLevel,
    run: (run) => runTrees(worktrees, run),
    list: async (asked) => await listWorktrees(repository, asked),
    look: async () => await look(repository),
    breaches: async (before) => breachesBetween(before, await look(repository)),
  });
}

function runTrees(worktrees: Worktrees, options: RunOptions): RunTrees {
  const { repository } = worktrees;
  const { run } = options;
  const passed = passedStore(join(repository.home, ".passed"));
  const queue = new MergeQueue({ ...options, worktrees, passed });
  const { integration } = queue;
  const worktreeOf = (tree: Tree): Worktree => ({ ...tree, place: placeOf(repository, run, tree.owner) });
  return {
    branch: integration.branch,
    head: async () => await queue.head(),
    merged: async () => await queue.merged(),
    take: async (request) => await take(worktrees, run, request, async () => await queue.head()),
    capture: async (tree, asked) => await capture(repository, { ...asked, tree: worktreeOf(tree) }),
    needsSetup: async (tree, commands) =>
      await worktrees.needsSetup(worktreeOf(tree), await setupKey(repository, tree.base, commands)),
    setupDone: async (tree, commands) =>
      await worktrees.setupDone(worktreeOf(tree), await setupKey(repository, tree.base, commands)),
    merge: async (entry) => await queue.enqueue(entry),
    revert: async (step) => await revertStep(integration, step),
    land: async (mode, target) =>
      await land({ integration, lock: worktrees.lock, mode, ...(target === undefined ? {} : { target }) }),
    remove: async (tree, asked) => await worktrees.remove(worktreeOf(tree), asked),
    forget: async () => await removeRunRefs(repository, worktrees.lock, run),
    async [Symbol.asyncDispose]() {
      await queue.close();
      await worktrees.emptyTrash();
    },
  };
}

async function take(
  worktrees: Worktrees,
  run: string,
  request: TreeRequest,
  head: () => Promise<string>,
): Promise<Tree> {
  const { step, group } = request;
  const owner: TreeOwner = group === undefined ? { kind: "step", id: step } : { kind: "group", id: group };
  const base = request.base ?? (await head());
  const found = await worktrees.ensure({ run, owner, base });
  const tree =
    found.fresh || request.keep === true
      ? found
      : await worktrees.reset(found, base, { acceptLeftOut: request.acceptLeftOut ?? false });
  const { path, fresh, ports, slug, included } = tree;
  return {
    owner,
    path,
    branch: tree.branch ?? "",
    base: tree.base,
    fresh,
    ports,
    slug,
    included,
    environment: {
      GIT_TERMINAL_PROMPT: "0",
      GIT_EDITOR: "true",
      GIT_SEQUENCE_EDITOR: "true",
      GIT_CEILING_DIRECTORIES: dirname(path),
      ...(ports[0] === undefined ? {} : { PORT: String(ports[0]) }),
    },
  };
}
