/**
 * Worktrees of runs: creates, finds, resets and removes them. Knows git's state and heddle's records, not the steps'
 * work.
 *
 * Invariants:
 *  1. A branch without heddle's mark is neither used nor deleted (`owned-branch.ts`).
 *  2. One process at a time creates and removes worktrees of a repository (`lock.ts`); files are written in parallel.
 *  3. Nothing that may have work is reset or removed before it is captured: `reset` and `remove` check, and refuse.
 *  4. Each operation can be stopped at any point and called again.
 */
import { randomUUID } from "node:crypto";
import { mkdir, rename, rm, rmdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { defined } from "../base/defined.ts";
import { HeddleError, type Problem, caught } from "../base/errors.ts";
import { type Result, err, ok } from "../base/result.ts";
import { copyIndex, moveIndex } from "./index-status.ts";
import { claimBranch, deleteBranch } from "./owned-branch.ts";
import { type RepositoryAccess, line } from "./repository-access.ts";
import { repair, repairLink, removeAdmin } from "./repair.ts";
import { withIntent } from "./intent-log.ts";
import { RepositoryLock } from "./lock.ts";
import { DiskUse } from "./disk.ts";
import { copyIncluded } from "./include.ts";
import {
  type AdminEntry,
  OPERATION_FILES,
  type WorktreePlace,
  type Setting,
  type TreeRecord,
  adminEntries,
  adminOf,
  worktreePlaceOf,
  readRecord,
  writeRecord,
} from "./worktree-record.ts";
import { claimPorts, releasePorts } from "./network-ports.ts";
import { pathIn } from "./path-bytes.ts";
import { NESTED, checkRun, shortBranch, slugOf } from "./ref-names.ts";
import { commitOf } from "./discover.ts";
import { headIn } from "./git-head.ts";
import { moveToTrash, deleteDeferred, inUse } from "./deferred-delete.ts";
import { clean, draftOf, populate } from "./checkout-files.ts";
import { exists } from "./disk-entry.ts";
import { takeHandover } from "./take-handover.ts";
import { unreachableCommits } from "./reflog-commits.ts";
import { unsavedWork } from "./unsaved-work.ts";
import type {
  IncludeReport,
  RemoveOptions,
  TreeOwner,
  Worktree,
  WorktreeLimits,
  WorktreeRefusal,
  WorktreeRequest,
} from "./types.ts";

export interface LocalWorktreesOptions {
  readonly repository: RepositoryAccess;
  readonly limits?: WorktreeLimits;
  readonly ports?: { readonly first: number; readonly count: number; readonly perTree: number };
  /** Absolute and real: the project's folder, noted beside each worktree. */
  readonly project?: string;
  /** `.worktreeinclude` is looked for in the user's checkout; false: not. */
  readonly include?: boolean;
}

export interface LossOptions {
  /**
   * Files that captures omit for their size, and histories of repositories inside the worktree, may go. Changed files and commits
   * that are not captured never may.
   */
  readonly acceptOmitted?: boolean;
}

export interface ResetOptions extends LossOptions, Omit<Setting, "commit"> {
  /** Ignored files go too. */
  readonly ignored?: boolean;
}

const PORTS = { first: 21_000, count: 8_000, perTree: 10 } as const;
const TRIES = 3;
const NOTHING_INCLUDED: IncludeReport = { copied: [], skipped: [] };
const LOCK_REASON = "heddle";

export class LocalWorktrees {
  readonly repository: RepositoryAccess;
  readonly lock: RepositoryLock;
  readonly #options: LocalWorktreesOptions;
  readonly #disk: DiskUse;
  readonly #repaired = new Set<string>();
  #emptying: Promise<void> = Promise.resolve();

  constructor(options: LocalWorktreesOptions) {
    this.repository = options.repository;
    this.#disk = new DiskUse(options.repository, options.limits);
    this.#options = options;
    this.lock = new RepositoryLock(join(options.repository.home, ".lock"), options.repository.clock);
  }

  /** The worktree of an owner, made if need be. What git fails at is thrown. */
  async ensure(request: WorktreeRequest): Promise<Result<Worktree, WorktreeRefusal>> {
    const place = worktreePlaceOf(this.repository, request.run, request.owner);
    await this.#disk.refresh();
    const admin = await this.lock.run(async () => await this.#ensureAdmin(place, request.base));
    if (!admin.ok) return admin;
    const before = await readRecord(place);
    if (before?.populated === true && before.setting !== undefined)
      return ok(await this.#set(place, before.setting, false));
    if (before?.populated === true) return ok(worktreeOf(place, before, false, NOTHING_INCLUDED));
    await this.#verify(place);
    const found = await this.#baseOf(place, request.base);
    if (!found.ok) return found;
    const base = found.value;
    await populate(this.repository, { path: place.path, index: place.index, commit: base });
    await this.#handOver(place);
    const included =
      this.#options.include === false
        ? NOTHING_INCLUDED
        : await copyIncluded(this.repository, { to: place.path, index: place.index });
    const ports = await claimPorts(dirname(this.repository.home), place.path, this.#options.ports ?? PORTS);
    const createdAtMs = this.repository.clock.now();
    const { project } = this.#options;
    const of = { run: place.run, owner: place.owner };
    const record: TreeRecord = defined({ ...of, project, base, populated: true, createdAtMs, ports });
    await writeRecord(place, record);
    return ok(worktreeOf(place, record, true, included));
  }

  /** The worktree of an owner if it is there and whole. */
  async find(run: string, owner: TreeOwner): Promise<Worktree | undefined> {
    const place = worktreePlaceOf(this.repository, run, owner);
    const record = await readRecord(place);
    if (record?.populated !== true || !(await exists(place.path))) return undefined;
    return worktreeOf(place, record, false, NOTHING_INCLUDED);
  }

  /**
   * Sets branch and files to `commit`; ignored files stay, for they are costly to make. Refused with `WorkNotCaptured` where
   * something would be lost. What git fails at is thrown.
   */
  async reset(tree: Worktree, commit: string, options: ResetOptions = {}): Promise<Result<Worktree, WorktreeRefusal>> {
    const place = this.#placeOf(tree);
    const aside: string[] = [];
    for (let left = MOST_NESTED; left > 0; left--) {
      let nested: readonly string[] = [];
      const unsaved = await this.#unsaved(place, { ...options, onNested: (folders) => void (nested = folders) });
      if (unsaved !== undefined) return err(unsaved);
      if (nested.length === 0) break;
      // Their files are captured; their history is kept here. What was inside of them is found in the next round.
      for (const folder of nested) aside.push(await moveAside(this.repository, place, folder));
    }
    const admin = await this.lock.run(async () => await this.#ensureAdmin(place, commit));
    if (!admin.ok) return admin;
    const { files, holds, pointers } = options;
    const setting: Setting = defined({ commit, files, holds, pointers });
    const known = await readRecord(place);
    // Candidates are reset each time, whatever was there.
    if (known !== undefined && place.owner.kind !== "pool") await writeRecord(place, { ...known, setting });
    const set = await this.#set(place, setting, options.ignored ?? false);
    return ok(aside.length === 0 ? set : { ...set, aside });
  }

  async #set(place: WorktreePlace, setting: Setting, ignored: boolean): Promise<Worktree> {
    const { commit, files, holds, pointers } = setting;
    const admin = await this.#admin(place);
    await this.#dropLocks(place, admin);
    await this.#pointTo(place, admin, commit);
    const whole = { path: place.path, index: place.index };
    await populate(this.repository, { ...whole, commit: files ?? commit });
    await clean(this.repository, { ...whole, ignored });
    await this.#handOver(place, pointers);
    const before = await readRecord(place);
    const createdAtMs = before?.createdAtMs ?? this.repository.clock.now();
    const known = { run: place.run, owner: place.owner, createdAtMs, ports: before?.ports ?? [] };
    const { setup, project } = before ?? {};
    const record: TreeRecord = defined({ ...known, setup, project, holds, base: commit, populated: true });
    await writeRecord(place, record);
    return worktreeOf(place, record, false, NOTHING_INCLUDED);
  }

  /**
   * Removes folder and note; the branch stays unless `branch` says otherwise. Refused with `WorkNotCaptured`, or `WorktreeInUse`
   * where a process works in it; what git fails at is a value too, for the worktree stays then and can be removed later. Its
   * files are deleted in the background: `deleteDeferred` waits for that.
   */
  async remove(tree: Worktree, options: RemoveOptions & LossOptions = {}): Promise<Result<void, Problem>> {
    return await caught(async () => await this.#remove(tree, options));
  }

  async #remove(tree: Worktree, options: RemoveOptions & LossOptions): Promise<Result<void, Problem>> {
    const place = this.#placeOf(tree);
    if (await inUse(place.path))
      return err({
        code: "WorktreeInUse",
        message: `a process is working in ${place.path}`,
        hint: "End it first, or run `heddle worktrees clean` later.",
      });
    const unsaved = await this.#unsaved(place, options);
    if (unsaved !== undefined) return err(unsaved);
    await this.lock.run(async () => {
      await moveToTrash(this.repository, place.path);
      await this.#forget(place);
      if (options.branch === "delete") await deleteBranch(this.repository, place);
      await rm(place.meta, { recursive: true, force: true });
      // The run's own folder goes with its last worktree.
      for (const folder of [dirname(place.meta), dirname(place.path)]) await rmdir(folder).catch(() => {});
    });
    await releasePorts(dirname(this.repository.home), place.path);
    void this.deleteDeferred();
    return ok(undefined);
  }

  /** Waits until removed worktrees are deleted. What cannot be deleted stays listed. */
  async deleteDeferred(): Promise<void> {
    this.#emptying = this.#emptying.then(async () => await deleteDeferred(this.repository)).catch(() => {});
    await this.#emptying;
  }

  /** Notes that setup was done for `key`; see `setupKey`. */
  async setupDone(tree: Worktree, key: string): Promise<void> {
    const place = this.#placeOf(tree);
    const record = await readRecord(place);
    if (record !== undefined) await writeRecord(place, { ...record, setup: key });
  }

  /** Notes what is in it now as not the work of the step that gets it. */
  async handOver(tree: Worktree): Promise<void> {
    await takeHandover(this.repository, { place: this.#placeOf(tree), base: tree.base });
  }

  /** Whether setup commands must run: they never did here, or what they depend on has changed. */
  async needsSetup(tree: Worktree, key: string): Promise<boolean> {
    return (await readRecord(this.#placeOf(tree)))?.setup !== key;
  }

  #placeOf({ run, owner }: Worktree): WorktreePlace {
    return worktreePlaceOf(this.repository, run, owner);
  }

  async #ensureAdmin(place: WorktreePlace, base: string): Promise<Result<void, WorktreeRefusal>> {
    if (!this.#repaired.has(place.run)) {
      await repair(this.repository, checkRun(place.run));
      this.#repaired.add(place.run);
    }
    const admin = await adminOf(this.repository, place.path);
    const folder = await exists(place.path);
    if (admin !== undefined && folder) return ok(await repairLink(place, admin));
    if (admin !== undefined) await this.#forget(place);
    if (!folder) {
      await rm(place.meta, { recursive: true, force: true });
      const limit = await this.#disk.limitFor(place.owner);
      if (limit !== undefined) return err(limit);
    }
    const claimed = await claimBranch(this.repository, place, base);
    if (!claimed.ok) return claimed;
    await (folder ? this.#adopt(place, base) : this.#add(place, base));
    return ok(undefined);
  }

  async #add(place: WorktreePlace, base: string): Promise<void> {
    await mkdir(dirname(place.path), { recursive: true });
    // A branch that is there already is checked out, none is made: so no tracking is set up and no configuration written.
    const where = place.branch === null ? ["--detach", place.path, base] : [place.path, shortBranch(place.branch)];
    const args = ["worktree", "add", "--quiet", "--no-checkout", "--lock", "--reason", LOCK_REASON, ...where];
    for (let left = TRIES; ; left--) {
      try {
        const before = (await adminEntries(this.repository)).map((entry) => basename(entry.dir));
        await withIntent(this.repository, { before }, async () => await this.repository.git(args));
        break;
      } catch (thrown) {
        // Somebody else's git may have been in the way for a moment; what this one left is removed.
        await moveToTrash(this.repository, place.path);
        await this.#forget(place);
        if (left === 1) throw thrown;
      }
    }
    await unsparse(this.repository, await this.#admin(place));
  }

  /** The folder exists, perhaps with work in it, but git does not know it any more: it is registered again. */
  async #adopt(place: WorktreePlace, base: string): Promise<void> {
    const aside = `${place.path}.aside`;
    await rename(place.path, aside);
    await this.#add(place, base);
    await rm(place.path, { recursive: true });
    await rename(aside, place.path);
    await repairLink(place, await this.#admin(place));
  }

  /** Removes git's note of the worktree, which is locked; never that of another. */
  async #forget(place: WorktreePlace): Promise<void> {
    const admin = await adminOf(this.repository, place.path);
    if (admin === undefined) return;
    await withIntent(this.repository, { removing: [basename(admin.dir)] }, async () => await removeAdmin(admin.dir));
  }

  async #admin(place: WorktreePlace): Promise<AdminEntry> {
    const admin = await adminOf(this.repository, place.path);
    if (admin !== undefined) return admin;
    throw new HeddleError({
      code: "WorktreeUnusable",
      message: `git does not know the worktree ${place.path}`,
      hint: "`heddle worktrees` lists the worktrees; `heddle resume` creates it again.",
    });
  }

  /** What git finds from inside is this worktree of this repository, not some folder above it. */
  async #verify(place: WorktreePlace): Promise<void> {
    const args = ["rev-parse", "--path-format=absolute", "--show-toplevel", "--git-common-dir"];
    const seen = line(await this.repository.seenFrom(place.path, args)).split("\n");
    const expected = [place.path, this.repository.facts.commonDir];
    if (seen[0] === expected[0] && seen[1] === expected[1]) return;
    throw new HeddleError({
      code: "WorktreeUnusable",
      message: `in ${place.path} git finds another repository: ${seen[0] ?? "none"}`,
      hint: "Check that no git configuration or environment variable points elsewhere.",
    });
  }

  /** What the files of a new worktree are to be: its branch's commit, which may have been made before a crash. */
  async #baseOf(place: WorktreePlace, base: string): Promise<Result<string, WorktreeRefusal>> {
    const admin = await this.#admin(place);
    if (headIn(admin.dir)?.commit === base) return ok(base);
    const head = await commitOf(this.repository, "HEAD", admin.dir);
    if (head === base) return ok(base);
    // No agent works in a verification worktree: its HEAD is a candidate of ours, which can be created again.
    const holdsWork = head !== undefined && place.owner.kind !== "pool";
    const lost = holdsWork ? await unreachableCommits(this.repository, place.run, [head], [base]) : [];
    if (lost.length > 0) return err(notCaptured(place, `commit ${head ?? ""}`));
    await this.#pointTo(place, admin, base);
    return ok(base);
  }

  /** HEAD to the worktree's own branch, and the branch to `commit`. */
  async #pointTo(place: WorktreePlace, admin: AdminEntry, commit: string): Promise<void> {
    const gitDir = admin.dir;
    if (place.branch === null) {
      await this.repository.git(["update-ref", "--no-deref", "HEAD", commit], { gitDir });
      return;
    }
    await this.repository.git(["update-ref", "-m", "heddle: reset", place.branch, commit]);
    await this.repository.git(["symbolic-ref", "-m", "heddle: reset", "HEAD", place.branch], { gitDir });
  }

  /** The process that worked here has ended, perhaps in the middle of a git command. */
  async #dropLocks(place: WorktreePlace, admin: AdminEntry): Promise<void> {
    for (const name of ["index.lock", "HEAD.lock"]) await rm(join(admin.dir, name), { force: true });
    if (place.branch !== null) await rm(join(this.repository.facts.commonDir, `${place.branch}.lock`), { force: true });
  }

  /** The agent's own git needs an index; operations in progress in the worktree are over. */
  async #handOver(place: WorktreePlace, pointers: Setting["pointers"] = []): Promise<void> {
    const admin = await this.#admin(place);
    for (const name of [...OPERATION_FILES, "index.lock"])
      await rm(join(admin.dir, name), { recursive: true, force: true });
    const draft = draftOf(place.index);
    await copyIndex(place.index, draft);
    if (pointers.length > 0) {
      const zero = "0".repeat(pointers[0]?.id.length ?? 0);
      const input = pointers.map(({ mode, id, stage, path }) => `${mode} ${id} ${stage}\t${path}\0`).join("");
      const gone = [...new Set(pointers.map(({ path }) => path))].map((path) => `0 ${zero}\t${path}\0`).join("");
      await this.repository.objectGit(["update-index", "-z", "--index-info"], { index: draft, input: gone + input });
    }
    await moveIndex(draft, join(admin.dir, "index"));
  }

  /** What would be lost. In the pool nobody works: there it is nothing. */
  async #unsaved(
    place: WorktreePlace,
    options: RemoveOptions & LossOptions & { readonly onNested?: (folders: readonly string[]) => void },
  ): Promise<WorktreeRefusal | undefined> {
    if (place.owner.kind === "pool") return undefined;
    const { acceptOmitted = false, branch = "keep", onNested } = options;
    const unsaved = await unsavedWork(this.repository, place, defined({ acceptOmitted, branch, onNested }));
    return unsaved === undefined ? undefined : notCaptured(place, unsaved);
  }
}

/** Repositories inside of each other that are looked for. */
const MOST_NESTED = 6;

/** Keeps the git folder of a repository inside a worktree that is to be set to another commit; the answer says where. */
async function moveAside(repository: RepositoryAccess, place: WorktreePlace, folder: string): Promise<string> {
  const target = join(repository.home, NESTED, place.run, `${place.name}-${randomUUID()}.git`);
  await mkdir(dirname(target), { recursive: true });
  await rename(pathIn(place.path, `${folder}/.git`), target);
  return target;
}

function notCaptured(place: WorktreePlace, what: string): WorktreeRefusal {
  return {
    code: "WorkNotCaptured",
    message: `${place.path} has work that is not captured: ${what}`,
    hint: "`heddle resume` captures it. Or commit it on one of your branches.",
  };
}

/** A worktree has all files, whatever part of them the user's checkout keeps: git copies that choice to new worktrees. */
async function unsparse(repository: RepositoryAccess, admin: AdminEntry): Promise<void> {
  await rm(join(admin.dir, "info", "sparse-checkout"), { force: true });
  const settings = join(admin.dir, "config.worktree");
  if (!(await exists(settings))) return;
  for (const key of ["core.sparseCheckout", "core.sparseCheckoutCone", "index.sparse"])
    await repository.git(["config", "--file", settings, "--unset-all", key], { codes: [0, 5] });
}

function worktreeOf(place: WorktreePlace, record: TreeRecord, fresh: boolean, included: IncludeReport): Worktree {
  const branch = place.branch === null ? null : shortBranch(place.branch);
  const slug = slugOf(place.run, place.name);
  const { run, owner, name, path } = place;
  const { base, ports, holds } = record;
  return defined({ run, owner, name, path, branch, base, fresh, ports, slug, included, holds });
}
