/**
 * Git of this machine: implements the git port on the repository of a project folder, by combining the parts of this
 * room.
 */
import { realpathSync } from "node:fs";
import { join } from "node:path";
import { defined } from "../base/defined.ts";
import { ok } from "../base/result.ts";
import { capture, lookAt } from "./capture.ts";
import { changedFiles, changesBetween, changesOfEach, diffStat, movesBetween, subjects } from "./commits.ts";
import { addedMarkers } from "./conflict-markers.ts";
import { mergeWithMarkers, unresolvedPaths } from "./conflict.ts";
import { commitOf, openRepository } from "./discover.ts";
import { headOf } from "./git-head.ts";
import { includedKey } from "./include.ts";
import { conflictedFile, conflictOverview, heldConflict } from "./held-conflict.ts";
import { Integration } from "./integration.ts";
import { takeIsolationSnapshot } from "./isolation-check.ts";
import { keepLost } from "./lost-refs.ts";
import { land, revertStep } from "./landing.ts";
import { listWorktrees, setupKey } from "./listing.ts";
import { RepositoryLock } from "./lock.ts";
import { LocalMergeQueue } from "./merge-queue.ts";
import type {
  Captures,
  CommitReader,
  Conflicts,
  IntegrationBranches,
  Repositories,
  Repository,
  RevertChecks,
  Worktrees,
} from "./port.ts";
import { captureRef, ownershipRef, integrationRef } from "./ref-names.ts";
import { fileChanges, filePatch, forkPoint, patchBetween } from "./patch.ts";
import { replayMerges } from "./replay-merges.ts";
import type { RepositoryAccess, RepositoryOptions } from "./repository-access.ts";
import { refsOf, removeRunRefs } from "./run-refs.ts";
import { submoduleFindings } from "./submodule-settings.ts";
import { applyResolutions, storeResolution } from "./settle-conflict.ts";
import { takeSide } from "./take-side.ts";
import type { IntegrationOrigin, Worktree } from "./types.ts";
import { passedStore, VerifyPool } from "./verify.ts";
import { worktreePlaceOf } from "./worktree-record.ts";
import { LocalWorktrees } from "./worktree.ts";

export interface LocalGitOptions extends RepositoryOptions {
  /** Absolute: the project folder, any of the checkout. */
  readonly projectDir: string;
}

export function localRepositories({ projectDir, ...options }: LocalGitOptions): Repositories {
  return {
    async open({ base, limits } = {}) {
      const found = await openRepository(defined({ ...options, folder: projectDir, base }));
      if (!found.ok) return found;
      const { repository: access, ...beginning } = found.value;
      const trees = new LocalWorktrees(defined({ repository: access, limits, project: realpathSync(projectDir) }));
      return ok({ ...beginning, repository: localRepository(access, trees) });
    },
  };
}

function localRepository(access: RepositoryAccess, trees: LocalWorktrees): Repository {
  return {
    topLevel: access.facts.topLevel,
    gitDir: access.facts.commonDir,
    worktrees: worktreesOf(access, trees),
    captures: capturesOf(access),
    conflicts: conflictsOf(access),
    commits: commitsOf(access),
    integrations: integrationsOf(access, trees),
    refs: {
      find: async (run) => await refsOf(access, run),
      remove: async (run) => await removeRunRefs(access, trees.lock, run),
    },
    openQueue(options) {
      const passed = passedStore(access.clock, join(access.home, ".passed"));
      return new LocalMergeQueue({ ...options, worktrees: trees, passed });
    },
    async watchIsolation(run) {
      const before = await takeIsolationSnapshot(access, run);
      return async () => await keepLost(access, { run, before, after: await takeIsolationSnapshot(access, run) });
    },
  };
}

function worktreesOf(access: RepositoryAccess, trees: LocalWorktrees): Worktrees {
  return {
    ensure: async (request) => await trees.ensure(request),
    find: async (run, owner) => await trees.find(run, owner),
    reset: async (tree, commit) => await trees.reset(tree, commit),
    async applyOnto(tree, { step, attempt, head, captured }) {
      const merged = await mergeWithMarkers(access, head, captured);
      // Later captures of the attempt do not contain it.
      await access.git(["update-ref", `${captureRef(tree.run, step, attempt)}.conflict`, captured]);
      const { tree: files, pointers } = merged;
      return await trees.reset(tree, head, { files, pointers, holds: { step, head, captured } });
    },
    remove: async (tree, options) => await trees.remove(tree, options),
    isOnBranch: ({ path, branch }) => headOf(path)?.branch === branch,
    setupKey: async (commit, commands) => await setupKey(access, commit, commands),
    needsSetup: async (tree, key) => await trees.needsSetup(tree, key),
    setupDone: async (tree, key) => await trees.setupDone(tree, key),
    handOver: async (tree) => await trees.handOver(tree),
    includedKey: async () => await includedKey(access),
    list: async (options) => await listWorktrees(access, options),
    deleteDeferred: async () => await trees.deleteDeferred(),
  };
}

function capturesOf(access: RepositoryAccess): Captures {
  return {
    capture: async (request) => await capture(access, request),
    look: async (tree) => await lookAt(access, tree),
    unresolved: async ({ holds }, commit) =>
      holds === undefined ? [] : await unresolvedPaths(access, { commit, ...holds }),
    async takeSide({ run, step, attempt, ...conflict }) {
      const commit = await takeSide(access, conflict);
      await access.git(["update-ref", `${captureRef(run, step, attempt)}.settled`, commit]);
      return commit;
    },
  };
}

function conflictsOf(access: RepositoryAccess): Conflicts {
  const alone = async <T>({ run, owner }: Worktree, work: () => Promise<T>): Promise<T> => {
    const { meta } = worktreePlaceOf(access, run, owner);
    return await new RepositoryLock(join(meta, "resolutions.lock"), access.clock).run(work);
  };
  return {
    async overview(tree) {
      const held = await heldConflict(access, tree);
      return held === undefined ? undefined : await conflictOverview(access, held);
    },
    async file(tree, file) {
      const held = await heldConflict(access, tree);
      return held === undefined ? undefined : await conflictedFile(access, held, file);
    },
    store: async (tree, wish) => await alone(tree, async () => await storeResolution(access, tree, wish)),
    apply: async (tree, seen) => await alone(tree, async () => await applyResolutions(access, tree, seen)),
  };
}

function commitsOf(access: RepositoryAccess): CommitReader {
  return {
    changedFiles: async (from, to) => await changedFiles(access, from, to),
    changes: async (from, to) => await changesBetween(access, from, to),
    moves: async (from, to) => await movesBetween(access, from, to),
    changesOfEach: async (from, to, without) => await changesOfEach(access, { from, to, without }),
    fileChanges: async (from, to) => await fileChanges(access, from, to),
    patch: async (from, to, maxBytes) => await patchBetween(access, { from, to, maxBytes }),
    filePatch: async (from, to, of) => await filePatch(access, { from, to, ...of }),
    forkPoint: async (one, other) => await forkPoint(access, one, other),
    diffStat: async (from, to) => await diffStat(access, from, to),
    addedMarkers: async (from, to) => await addedMarkers(access, from, to),
    submoduleFindings: async (from, to, each) => await submoduleFindings(access, from, to, each),
    subjects: async (from, to) => await subjects(access, from, to),
  };
}

const NO_CHECKS: RevertChecks = { checks: [], verify: async () => ({ ok: true }) };

function integrationsOf(access: RepositoryAccess, trees: LocalWorktrees): IntegrationBranches {
  const branchOf = (origin: IntegrationOrigin, onNotice?: (text: string) => void): Integration =>
    new Integration(access, origin, onNotice);
  const find = async (
    run: string,
    recorded?: string,
    onNotice?: (text: string) => void,
  ): Promise<Integration | undefined> => {
    const head = recorded ?? (await commitOf(access, integrationRef(run)));
    if (head === undefined) return undefined;
    const base = await commitOf(access, ownershipRef(run, "integration"));
    return base === undefined ? undefined : branchOf(defined({ run, base, recorded }), onNotice);
  };
  return {
    async find(run, recorded) {
      const notices: string[] = [];
      const found = await find(run, recorded, (text) => notices.push(text));
      if (found === undefined) return undefined;
      const { head, merged } = await found.look();
      return { branch: found.branch, base: found.base, head, merged, notices };
    },
    async begin(origin) {
      await branchOf(origin).head();
    },
    land: async (origin, mode, target) =>
      await land(defined({ integration: branchOf(origin), lock: trees.lock, mode, target })),
    async revert(origin, step, { checks, verify } = NO_CHECKS) {
      if (checks.length === 0) return await revertStep(branchOf(origin), step);
      // The run may go on in another process, which has the first worktrees.
      const first = process.pid;
      const passed = passedStore(access.clock);
      const pool = new VerifyPool({ worktrees: trees, run: origin.run, verify, passed, first });
      try {
        const { signal } = new AbortController();
        return await revertStep(branchOf(origin), step, (candidate) => pool.verify(checks, candidate, signal));
      } finally {
        await pool.close();
      }
    },
    replay: async (work) => await replayMerges(access, { ...work, earlier: await find(work.from) }),
  };
}
