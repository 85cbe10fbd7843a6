/**
 * Landing: brings the integration branch to the user's branch, and reverts single steps. Never pushes.
 *
 * Invariants:
 *  1. The user's branch moves only forward, by compare and swap, and only if the user's checkout is on it and clean.
 *  2. A landing that was stopped half-way is completed by the next one, or left for the user as an ordinary change.
 *     Called again after its end it changes nothing.
 */
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { defined } from "../base/defined.ts";
import { HeddleError, caught } from "../base/errors.ts";
import { type Result, err, ok } from "../base/result.ts";
import { changedFiles, makeCommit } from "./commits.ts";
import { mergeTrees } from "./merge-candidate.ts";
import { checkoutState, withIndexCopy } from "./index-status.ts";
import { type RepositoryAccess, items, line } from "./repository-access.ts";
import { repair } from "./repair.ts";
import { keepBorrowed } from "./borrowed-objects.ts";
import { filtersOfPaths } from "./content-filters.ts";
import { withIntent } from "./intent-log.ts";
import { type Integration, contains, messageWith, revertedTree } from "./integration.ts";
import type { RepositoryLock } from "./lock.ts";
import { pathIn, shownName, textOf } from "./path-bytes.ts";
import { isOurRef } from "./ref-names.ts";
import { commitOf } from "./discover.ts";
import type { LandTarget, LandOutcome, RevertOutcome, VerifyResult } from "./types.ts";

export interface LandRequest {
  readonly integration: Integration;
  readonly lock: RepositoryLock;
  readonly mode: LandTarget;
  /** Short name of the user's branch that is meant; absent: the one that is checked out. */
  readonly target?: string;
}

export async function land(request: LandRequest): Promise<LandOutcome> {
  const { mode, integration, lock } = request;
  if (mode.kind === "none") return { kind: "none" };
  const found = await caught(async () => ok(await integration.head()));
  if (!found.ok) return { kind: "refused", problem: found.error };
  const head = found.value;
  if (mode.kind === "branch") return await landBranch(integration, mode.name, head);
  return await lock.run(async () => {
    await repair(integration.repository, integration.run);
    return await landInCheckout(request, mode, head);
  });
}

async function landBranch(integration: Integration, name: string, head: string): Promise<LandOutcome> {
  const { repository } = integration;
  const ref = `refs/heads/${name}`;
  const valid = await repository.git(["check-ref-format", "--branch", name], { codes: [0, 1, 128] });
  if (valid.code !== 0)
    return refused("BranchName", `${JSON.stringify(name)} is not a valid branch name`, "Use another name.");
  const before = await commitOf(repository, ref);
  if (before === head) return { kind: "landed", branch: name, commit: head, moved: false };
  if (isOurRef(ref)) return refused("BranchExists", `branches in heddle/ are reserved`, "Use another name.");
  // Whoever made it: if the work contains all of its commits, nothing is lost.
  if (before !== undefined && !(await contains(repository, head, before)))
    return refused(
      "BranchExists",
      `the branch ${name} has commits that this run does not include`,
      `Use another name, or merge ${name} into your branch and run the plan again.`,
    );
  const shown = await repository.git(["for-each-ref", "--format=%(worktreepath)", ref]);
  if (before !== undefined && line(shown) !== "")
    return refused(
      "BranchCheckedOut",
      `the branch ${name} is checked out in ${line(shown)}`,
      "Land without naming a branch, or check another branch out and land again.",
    );
  const moved = await repository.git(["update-ref", "-m", "heddle: land", ref, head, before ?? ""], {
    codes: [0, 1, 128],
  });
  if (moved.code !== 0) return refused("BranchMoved", `${name} moved meanwhile`, "Land again.", moved.said);
  return { kind: "landed", branch: name, commit: head, moved: true };
}

async function landInCheckout(
  request: LandRequest,
  mode: { readonly kind: "ff" } | { readonly kind: "merge"; readonly message?: string },
  head: string,
): Promise<LandOutcome> {
  const { integration } = request;
  const { repository } = integration;
  const { gitDir } = repository.facts;
  const symbolic = await repository.git(["symbolic-ref", "-q", "HEAD"], { gitDir, codes: [0, 1] });
  const ref = symbolic.code === 0 ? line(symbolic) : undefined;
  const branch = ref?.replace(/^refs\/heads\//, "");
  if (ref === undefined || branch === undefined || branch !== (request.target ?? branch)) {
    const { target } = request;
    if (target !== undefined && (await commitOf(repository, `refs/heads/${target}`)) === undefined)
      return refused(
        "NotOnBranch",
        `the branch ${target} is not there any more`,
        `Bring the work to another one yourself: \`git merge ${integration.branch}\`.`,
      );
    return refused(
      "NotOnBranch",
      `the checkout is not on ${request.target === undefined ? "a branch" : `the branch ${request.target}`}`,
      `Check it out and land again, or merge ${integration.branch} yourself.`,
    );
  }
  const tip = (await commitOf(repository, ref)) ?? "";
  if (await contains(repository, tip, head)) return { kind: "landed", branch, commit: tip, moved: false };
  const target = await landingCommit(request, mode, tip, head);
  if (!target.ok) return target.error;
  const dirty = await firstDirty(repository, tip, target.value);
  const halfWritten = dirty !== undefined && (await isHalfWritten(repository, tip, target.value));
  if (dirty !== undefined && !halfWritten)
    return refused(
      "CheckoutNotClean",
      `${shownName(dirty)} has uncommitted changes`,
      "Commit or stash them and land again.",
    );
  const filtered = await firstFiltered(repository, tip, target.value);
  if (filtered !== undefined)
    return refused(
      "LandNeedsFilter",
      `${shownName(filtered)} uses a git filter, which heddle does not run`,
      `Land it yourself: \`git merge --ff-only ${integration.branch}\`.`,
    );
  return await move(request, { branch, tip, target: target.value, halfWritten });
}

async function landingCommit(
  request: LandRequest,
  mode: { readonly kind: "ff" } | { readonly kind: "merge"; readonly message?: string },
  tip: string,
  head: string,
): Promise<Result<string, LandOutcome>> {
  const { integration } = request;
  const { repository } = integration;
  if (await contains(repository, head, tip)) return ok(head);
  if (mode.kind === "ff")
    return err(
      refused(
        "NotFastForward",
        "the branch has commits that the integration branch does not have",
        `Land with a merge commit, or \`git merge ${integration.branch}\`.`,
      ),
    );
  const merged = await mergeTrees(repository, tip, head);
  if (merged.kind === "conflict") return err({ kind: "conflict", files: merged.files });
  const message = messageWith(mode.message ?? `Merge ${integration.branch}`, [["Run", integration.run]]);
  const atMs = repository.clock.now();
  const commit = await makeCommit(repository, { tree: merged.tree, parents: [tip, head], message, atMs });
  await keepBorrowed(repository, { commits: [commit], base: tip });
  return ok(commit);
}

/** Files, then the branch; git's own merge goes the same way. */
async function move(
  request: LandRequest,
  options: { readonly branch: string; readonly tip: string; readonly target: string; readonly halfWritten: boolean },
): Promise<LandOutcome> {
  const { repository } = request.integration;
  const { gitDir, topLevel } = repository.facts;
  const { branch, tip, target } = options;
  const index = join(gitDir, "index");
  const locks = [`${index}.lock`, join(gitDir, "HEAD.lock")];
  return await withIntent(repository, { locks }, async () => {
    const files = { workTree: topLevel, index, codes: [0, 1, 128], timeoutMs: 10 * 60_000 };
    if (!(await indexIs(repository, target))) {
      // Where all that is changed is so already as it is to be, an earlier landing was stopped while it wrote files.
      const way = options.halfWritten ? ["--reset", "-u", target] : ["-m", "-u", tip, target];
      const set = await repository.objectGit(["read-tree", ...way], files);
      const [hidden] = set.code === 0 ? [] : await hiddenFiles(repository, tip, target);
      if (hidden !== undefined)
        return refused(
          "CheckoutNotClean",
          `${shownName(hidden)} has changes that git was told to overlook (skip-worktree, assume-unchanged)`,
          "See `git ls-files -v`. Undo it with `git update-index --no-skip-worktree --no-assume-unchanged FILE`, and land again.",
          set.said,
        );
      if (set.code !== 0)
        return refused(
          "CheckoutNotClean",
          "untracked files are in the way, or another git process is using the checkout",
          "See `git status`. Move such files away and land again.",
          set.said,
        );
    }
    const reason = ["-m", `heddle: land ${request.integration.branch}`];
    const moved = await repository.git(["update-ref", ...reason, "HEAD", target, tip], { gitDir, codes: [0, 1, 128] });
    if (moved.code === 0) return { kind: "landed", branch, commit: target, moved: true };
    // The files go back to what the branch, wherever it is now, was when they were set.
    await repository.objectGit(["read-tree", "-m", "-u", target, tip], files);
    return refused("BranchMoved", `${branch} moved meanwhile`, "Land again.", moved.said);
  });
}

/** Files that the landing changes and whose changes git does not look at in the checkout. */
async function hiddenFiles(repository: RepositoryAccess, tip: string, target: string): Promise<readonly string[]> {
  const { gitDir, topLevel } = repository.facts;
  const known = { workTree: topLevel, index: join(gitDir, "index") };
  const args = ["diff-tree", "-r", "-z", "--name-only", "--no-renames", tip, target];
  const changed = new Set(items((await repository.objectGit(args)).output));
  return items((await repository.objectGit(["ls-files", "-z", "-v"], known)).output).flatMap((item) =>
    /^[Sa-z]/.test(item) && changed.has(item.slice(2)) ? [item.slice(2)] : [],
  );
}

/** Whether the index holds just what the commit does. */
async function indexIs(repository: RepositoryAccess, commit: string): Promise<boolean> {
  return await withIndexCopy(repository, join(repository.facts.gitDir, "index"), async (index) => {
    const args = ["diff-index", "--cached", "--quiet", "--ignore-submodules=none", commit];
    return (await repository.objectGit(args, { index, codes: [0, 1] })).code === 0;
  });
}

/** A file with changes, or one in the way; those of a landing that was stopped before the branch moved do not count. */
async function firstDirty(repository: RepositoryAccess, tip: string, target: string): Promise<string | undefined> {
  const { gitDir, topLevel } = repository.facts;
  const index = join(gitDir, "index");
  const filesThere = await indexIs(repository, target);
  const commit = filesThere ? target : tip;
  const state = await checkoutState(repository, { workTree: topLevel, index, commit });
  return (
    state.unstaged[0] ?? state.staged[0] ?? (filesThere ? undefined : (await inTheWay(repository, tip, target))[0])
  );
}

/**
 * Files where the landing adds some, which git would overwrite where they are ignored. What is there and tracked is not: it goes away
 * with the landing, be it a link on the way, all that is in a folder, or the same file by another case of letters.
 */
async function inTheWay(repository: RepositoryAccess, tip: string, target: string): Promise<readonly string[]> {
  const args = ["diff-tree", "-r", "-z", "--name-status", "--no-renames", "--diff-filter=ADT", tip, target];
  const listed = items((await repository.objectGit(args)).output);
  const [added, gone]: [string[], Set<string>] = [[], new Set()];
  for (let at = 0; at + 1 < listed.length; at += 2)
    if (listed[at] === "A") added.push(listed[at + 1] ?? "");
    else gone.add(listed[at + 1] ?? "");
  const lower = new Set(repository.facts.settings.includes("core.ignorecase=true") ? [...gone].map(lowerCase) : []);
  const found: string[] = [];
  for (const path of added)
    if (!lower.has(lowerCase(path)) && (await isInTheWay(repository.facts.topLevel, path, gone))) found.push(path);
  return found;
}

function lowerCase(path: string): string {
  return path.toLowerCase();
}

/** `gone`: tracked files that the landing removes or replaces. */
async function isInTheWay(topLevel: string, path: string, gone: ReadonlySet<string>): Promise<boolean> {
  const parts = path.split("/");
  for (let length = 1; length < parts.length; length++) {
    const folder = parts.slice(0, length).join("/");
    const there = await lstat(pathIn(topLevel, folder)).catch(() => undefined);
    if (there?.isDirectory() !== true) return there !== undefined && !gone.has(folder);
  }
  const there = await lstat(pathIn(topLevel, path)).catch(() => undefined);
  if (there?.isDirectory() !== true) return there !== undefined;
  return await holdsOthers(topLevel, path, gone);
}

/** Whether a folder holds a file that does not go away. */
async function holdsOthers(topLevel: string, folder: string, gone: ReadonlySet<string>): Promise<boolean> {
  for (const entry of await readdir(pathIn(topLevel, folder), { withFileTypes: true, encoding: "buffer" })) {
    const path = `${folder}/${textOf(entry.name)}`;
    const isHeld = entry.isDirectory() ? await holdsOthers(topLevel, path, gone) : !gone.has(path);
    if (isHeld) return true;
  }
  return false;
}

/** Whether every change in the checkout is one that the landing is to make, to the letter. */
async function isHalfWritten(repository: RepositoryAccess, tip: string, target: string): Promise<boolean> {
  const { gitDir, topLevel } = repository.facts;
  const index = join(gitDir, "index");
  const state = await checkoutState(repository, { workTree: topLevel, index, commit: tip });
  if (state.staged.length > 0) return false;
  const touched = [...state.unstaged, ...(await inTheWay(repository, tip, target))];
  return await withIndexCopy(repository, index, async (copy) => {
    const args = ["update-index", "-z", "--add", "--remove", "--replace", "--stdin"];
    const input = `${touched.join("\0")}\0`;
    const taken = await repository.objectGit(args, { workTree: topLevel, index: copy, input, codes: [0, 128] });
    if (taken.code !== 0) return false;
    const left = await repository.objectGit(["diff-index", "-z", "--cached", "--name-only", target], { index: copy });
    const differing = new Set(items(left.output));
    return touched.every((path) => !differing.has(path));
  });
}

/** A file that the landing would write and that a filter of the repository converts. */
async function firstFiltered(repository: RepositoryAccess, tip: string, target: string): Promise<string | undefined> {
  const { gitDir, topLevel } = repository.facts;
  const changed = await repository.objectGit(["diff-tree", "-r", "-z", "--name-only", "--no-renames", tip, target]);
  const found = await filtersOfPaths(repository, { gitDir, workTree: topLevel, names: items(changed.output) });
  return found.keys().next().value;
}

function refused(
  code: string,
  message: string,
  hint: string,
  cause?: string,
): LandOutcome & { readonly kind: "refused" } {
  return { kind: "refused", problem: defined({ code, message, hint, cause }) };
}

const TRIES = 20;

const passes = async (): Promise<VerifyResult> => ({ ok: true });

/**
 * Takes a step's last merge back out of the integration branch, by a commit that undoes it and passes; what was merged on top
 * stays. Fails with `BranchMoved` where others move the branch all the time.
 */
export async function revertStep(
  integration: Integration,
  step: string,
  verify: (candidate: { readonly commit: string; readonly tree: string }) => Promise<VerifyResult> = passes,
): Promise<RevertOutcome> {
  const { repository } = integration;
  for (let left = TRIES; left > 0; left--) {
    const head = await integration.head();
    const merged = (await integration.merged()).findLast((one) => one.step === step);
    if (merged === undefined) return { kind: "not-merged" };
    const found = await revertedTree(repository, merged, head);
    if (found.kind === "conflict") return { kind: "conflict", files: found.files };
    const message = messageWith(`Revert ${step}`, [
      ["Reverts", merged.commit],
      ["Reverts-Step", step],
    ]);
    const atMs = repository.clock.now();
    const commit = await makeCommit(repository, { tree: found.tree, parents: [head], message, atMs });
    const verdict = await verify({ commit, tree: found.tree });
    if (!verdict.ok) return { kind: "rejected", failure: verdict.failure };
    if (await integration.advance(head, commit, `revert ${step}`))
      return { kind: "reverted", commit, files: await changedFiles(repository, head, commit) };
  }
  throw new HeddleError({
    code: "BranchMoved",
    message: `${integration.branch} moved ${TRIES} times in the meantime`,
    hint: "Try again when the run has stopped.",
  });
}
