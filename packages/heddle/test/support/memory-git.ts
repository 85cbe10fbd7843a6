/**
 * Memory git: the git port without git. Commits are in memory (`memory-history.ts`); worktrees and the user's checkout are real folders, so that commands and agents work in them as they do elsewhere. Knows text files alone: no modes, links or ignores.
 */
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { err, ok, type Result } from "../../src/base/result.ts";
import type {
  Captures,
  CommitReader,
  IntegrationBranches,
  MergeQueue,
  MergeQueueOptions,
  OpenRepository,
  Repositories,
  RevertChecks,
  Repository,
  Worktrees,
} from "../../src/git/port.ts";
import type {
  FileChange,
  HeldWork,
  IntegrationOrigin,
  LandOutcome,
  LandTarget,
  PathChange,
  ReplayedStep,
  ReplayOutcome,
  RevertOutcome,
  TreeListing,
  TreeOwner,
  Worktree,
  WorktreeLimits,
  WorktreeRefusal,
} from "../../src/git/types.ts";
import { memoryConflicts } from "./memory-conflicts.ts";
import {
  type Files,
  MemoryHistory,
  differing,
  integrationOf,
  readFiles,
  setFiles,
  writeFiles,
} from "./memory-history.ts";
import { MemoryMergeQueue } from "./memory-queue.ts";

interface Tree {
  readonly owner: TreeOwner;
  readonly run: string;
  readonly path: string;
  base: string;
  holds: HeldWork | undefined;
  setup: string | undefined;
  /** Contents that nothing is lost of. */
  readonly saved: Set<string>;
}

/** A repository whose user has one branch, `main`, checked out. */
export class MemoryGit extends MemoryHistory implements Repositories {
  readonly topLevel: string;
  readonly #home: string;
  readonly #refs = new Map<string, string>();
  readonly #trees = new Map<string, Tree>();
  readonly #conflicts = memoryConflicts(this);

  /** `folder`: absolute, empty. */
  constructor(folder: string) {
    super();
    this.topLevel = join(folder, "user");
    this.#home = join(folder, "state");
    mkdirSync(this.topLevel);
    mkdirSync(this.#home);
  }

  /** What the user commits, over what is there. */
  commitAsUser(files: Files): string {
    writeFiles(this.topLevel, files);
    const before = this.branches.get("main");
    const parents = before === undefined ? [] : [before];
    const commit = this.add({ files: readFiles(this.topLevel), parents, subject: "user" });
    this.branches.set("main", commit);
    return commit;
  }

  async open({ base, limits }: { readonly base?: string; readonly limits?: WorktreeLimits } = {}): Promise<
    Result<OpenRepository, { readonly code: string; readonly message: string }>
  > {
    const head = this.branches.get("main");
    const found = base === undefined || base === "HEAD" ? head : (this.branches.get(base) ?? base);
    if (found === undefined) return err({ code: "RepositoryEmpty", message: "there is no commit yet" });
    if (!this.has(found)) return err({ code: "UnknownCommit", message: `there is no commit ${found}` });
    return ok({ repository: this.#repository(limits), base: found, branch: "main", notes: async () => [] });
  }

  #repository(limits: WorktreeLimits | undefined): Repository {
    return {
      topLevel: this.topLevel,
      gitDir: join(this.topLevel, ".git"),
      worktrees: this.#worktrees(limits),
      captures: this.#captures(),
      conflicts: this.#conflicts,
      commits: this.#reader(),
      integrations: this.#integrations(),
      refs: {
        find: async (run) => {
          const refs = [...this.#refs.keys(), ...this.branches.keys()].filter((name) => isOf(name, run));
          if (refs.length === 0) return undefined;
          const head = this.branches.get(integrationOf(run));
          const landed = head !== undefined && this.ancestors(this.branches.get("main") ?? "").has(head);
          return { refs, landed, trees: this.#treesOf(run).length };
        },
        remove: async (run) => {
          if (this.#treesOf(run).length > 0) return false;
          for (const refs of [this.#refs, this.branches])
            for (const name of refs.keys()) if (isOf(name, run)) refs.delete(name);
          return true;
        },
      },
      openQueue: (options: MergeQueueOptions): MergeQueue => new MemoryMergeQueue(this, this.#home, options),
      watchIsolation: async () => {
        const before = readFiles(this.topLevel);
        return async () => {
          const names = differing(before, readFiles(this.topLevel));
          return names.length === 0 ? [] : [{ kind: "files", names }];
        };
      },
    };
  }

  #worktrees(limits: WorktreeLimits | undefined): Worktrees {
    const set = (tree: Tree, base: string, files: Files, holds?: HeldWork): Result<Worktree, WorktreeRefusal> => {
      if (this.#isUnsaved(tree)) return err(notCaptured(tree));
      Object.assign(tree, { base, holds });
      setFiles(tree.path, files);
      tree.saved.add(contentOf(files));
      return ok(this.#handOut(tree, false));
    };
    return {
      ensure: async ({ run, owner, base }) => {
        const known = this.#trees.get(keyOf(run, owner));
        if (known !== undefined) return ok(this.#handOut(known, false));
        if (limits !== undefined && this.#trees.size >= limits.maxTrees)
          return err({ code: "WorktreeLimit", message: `there are ${this.#trees.size} worktrees` });
        const path = join(this.#home, run, nameOf(owner));
        const saved = new Set([contentOf(this.commitOf(base).files)]);
        const tree: Tree = { run, owner, path, base, holds: undefined, setup: undefined, saved };
        setFiles(path, this.commitOf(base).files);
        this.#trees.set(keyOf(run, owner), tree);
        return ok(this.#handOut(tree, true));
      },
      find: async (run, owner) => {
        const tree = this.#trees.get(keyOf(run, owner));
        return tree === undefined ? undefined : this.#handOut(tree, false);
      },
      reset: async (tree, commit) => set(this.#treeOf(tree), commit, this.commitOf(commit).files),
      applyOnto: async (tree, { step, attempt, head, captured }) => {
        this.#refs.set(`${captureRef(tree.run, step, attempt)}.conflict`, captured);
        return set(this.#treeOf(tree), head, this.merge(head, captured).files, { step, head, captured });
      },
      remove: async (tree) => {
        const found = this.#treeOf(tree);
        if (this.#isUnsaved(found)) return err(notCaptured(found));
        rmSync(found.path, { recursive: true, force: true });
        this.#trees.delete(keyOf(tree.run, tree.owner));
        return ok(undefined);
      },
      isOnBranch: () => true,
      setupKey: async (commit, commands) =>
        JSON.stringify([commands, this.commitOf(commit).files["package-lock.json"]]),
      needsSetup: async (tree, key) => this.#treeOf(tree).setup !== key,
      setupDone: async (tree, key) => void (this.#treeOf(tree).setup = key),
      handOver: async () => undefined,
      includedKey: async () => "none",
      list: async ({ run } = {}) =>
        [...this.#trees.values()].filter((tree) => run === undefined || tree.run === run).map((one) => this.#line(one)),
      deleteDeferred: async () => undefined,
    };
  }

  #captures(): Captures {
    return {
      capture: async ({ tree, step, attempt }) => {
        const found = this.#treeOf(tree);
        const files = readFiles(found.path);
        const parents = [found.base];
        const isSame = contentOf(files) === contentOf(this.commitOf(found.base).files);
        const commit = isSame ? found.base : this.add({ files, parents, subject: `${step}: attempt ${attempt}` });
        const ref = captureRef(tree.run, step, attempt);
        this.#refs.set(ref, commit);
        found.saved.add(contentOf(files));
        const changedFiles = differing(this.commitOf(found.base).files, files);
        const nothing = {
          omitted: [],
          nested: [],
          given: [],
          unreachable: [],
          missing: !existsSync(found.path),
          isOnBase: true,
          brought: [],
        };
        const unfinished = { operation: undefined, unmerged: [] };
        const changes = changedFiles.map((path) => changeOf(path, files));
        return { ref, commit, tree: contentOf(files), base: found.base, changedFiles, changes, ...nothing, unfinished };
      },
      look: async (tree) =>
        this.add({
          files: readFiles(this.#treeOf(tree).path),
          parents: [this.#treeOf(tree).base],
          subject: "looked at",
        }),
      unresolved: async ({ holds }, commit) => {
        if (holds === undefined) return [];
        const marks = [`<<<<<<< ${holds.head}`, `>>>>>>> ${holds.captured}`];
        const { files } = this.commitOf(commit);
        return Object.keys(files).filter((path) => marks.some((mark) => files[path]?.includes(mark) === true));
      },
      takeSide: async ({ run, step, attempt, head, commit, side, message }) => {
        const merged = this.merge(head, commit);
        const chosen = this.commitOf(side === "ours" ? head : commit).files;
        const files: Record<string, string> = { ...merged.files };
        for (const path of merged.kind === "conflict" ? merged.paths : []) {
          const text = chosen[path];
          if (text === undefined) delete files[path];
          else files[path] = text;
        }
        const settled = this.add({ files, parents: [head], subject: message });
        this.#refs.set(`${captureRef(run, step, attempt)}.settled`, settled);
        return settled;
      },
    };
  }

  #reader(): CommitReader {
    const changed = (from: string, to: string): readonly string[] =>
      differing(this.commitOf(from).files, this.commitOf(to).files);
    return {
      changedFiles: async (from, to) => changed(from, to),
      changes: async (from, to) => changed(from, to).map((path) => changeOf(path, this.commitOf(to).files)),
      moves: async (from, to) => {
        const [before, after] = [this.commitOf(from).files, this.commitOf(to).files];
        const gone = changed(from, to).filter((path) => after[path] === undefined);
        return gone.flatMap((path) => {
          const now = changed(from, to).find((other) => before[other] === undefined && after[other] === before[path]);
          return now === undefined ? [] : [{ from: { path, shown: path }, to: { path: now, shown: now } }];
        });
      },
      changesOfEach: async (from, to, without) => {
        const left = new Set([from, ...without].flatMap((id) => [...this.ancestors(id)]));
        return [...this.ancestors(to)]
          .filter((id) => !left.has(id))
          .flatMap((id) => {
            const { files, parents } = this.commitOf(id);
            const before = parents[0] === undefined ? {} : this.commitOf(parents[0]).files;
            return differing(before, files).map((path) => changeOf(path, files));
          });
      },
      fileChanges: async (from, to) =>
        changed(from, to).map((path) => fileChangeOf(path, this.commitOf(from).files, this.commitOf(to).files)),
      patch: async (from, to, maxBytes) => {
        const [before, after] = [this.commitOf(from).files, this.commitOf(to).files];
        const bytes = Buffer.from(
          changed(from, to)
            .map((path) => patchOf(path, before, after))
            .join(""),
        );
        const isCut = bytes.length > maxBytes;
        return { bytes: isCut ? bytes.subarray(0, bytes.lastIndexOf(10, maxBytes - 1) + 1) : bytes, isCut };
      },
      filePatch: async (from, to, { file, maxBytes }) => {
        if (!changed(from, to).includes(file)) return undefined;
        const [before, after] = [this.commitOf(from).files, this.commitOf(to).files];
        const bytes = Buffer.from(patchOf(file, before, after));
        const isCut = bytes.length > maxBytes;
        const shown = isCut ? bytes.subarray(0, bytes.lastIndexOf(10, maxBytes - 1) + 1) : bytes;
        return { change: fileChangeOf(file, before, after), patch: { bytes: shown, isCut } };
      },
      forkPoint: async (one, other) =>
        this.has(one) && this.has(other)
          ? [...this.ancestors(one)].find((id) => this.ancestors(other).has(id))
          : undefined,
      diffStat: async (from, to) => changed(from, to).join("\n"),
      addedMarkers: async () => [],
      submoduleFindings: async () => [],
      subjects: async (from, to) =>
        this.between(from, to)
          .map((id) => this.commitOf(id).subject)
          .slice(-20),
    };
  }

  #integrations(): IntegrationBranches {
    return {
      find: async (run) => {
        const head = this.branches.get(integrationOf(run));
        const origin = this.origins.get(run);
        if (head === undefined || origin === undefined) return undefined;
        return { branch: integrationOf(run), base: origin.base, head, merged: this.mergedOn(origin), notices: [] };
      },
      begin: async (origin) => void this.headOf(origin),
      land: async (origin, target, meant) => this.#land(this.headOf(origin), target, meant),
      revert: async (origin, step, checks) => await this.#revert(origin, step, checks),
      replay: async ({ run, base, from, steps }) => this.#replay(run, base, from, steps),
    };
  }

  #land(head: string, target: LandTarget, meant: string | undefined): LandOutcome {
    if (target.kind === "none") return { kind: "none" };
    const branch = target.kind === "branch" ? target.name : "main";
    if (target.kind !== "branch" && meant !== undefined && meant !== branch)
      return { kind: "refused", problem: { code: "NotOnBranch", message: `the checkout is not on ${meant}` } };
    const tip = this.branches.get(branch);
    if (tip !== undefined && this.ancestors(tip).has(head))
      return { kind: "landed", branch, commit: tip, moved: false };
    const isForward = tip === undefined || this.ancestors(head).has(tip);
    if (!isForward && target.kind !== "merge")
      return { kind: "refused", problem: { code: "NotFastForward", message: `${branch} has other commits` } };
    if (target.kind !== "branch" && differing(readFiles(this.topLevel), this.commitOf(tip ?? head).files).length > 0)
      return { kind: "refused", problem: { code: "CheckoutNotClean", message: "there are uncommitted changes" } };
    const merged = isForward ? undefined : this.merge(tip, head);
    if (merged?.kind === "conflict") return { kind: "conflict", files: merged.paths };
    const parents = [tip ?? head, head];
    const commit = merged === undefined ? head : this.add({ files: merged.files, parents, subject: "Merge" });
    this.branches.set(branch, commit);
    if (target.kind !== "branch") setFiles(this.topLevel, this.commitOf(commit).files);
    return { kind: "landed", branch, commit, moved: true };
  }

  async #revert(origin: IntegrationOrigin, step: string, checking?: RevertChecks): Promise<RevertOutcome> {
    const head = this.headOf(origin);
    const found = this.mergedOn(origin).findLast((one) => one.step === step);
    if (found === undefined) return { kind: "not-merged" };
    const merged = this.merge(head, found.onto, found.commit);
    if (merged.kind === "conflict") return { kind: "conflict", files: merged.paths };
    const made = { files: merged.files, parents: [head], subject: `Revert ${step}`, reverts: found.commit };
    const commit = this.add(made);
    const { run } = origin;
    const folder = join(this.#home, run, "@@verify-revert");
    for (const check of checking?.checks ?? []) {
      setFiles(folder, merged.files);
      const request = { ...check, run, commit, folder, ports: [20_000], slug: `verify_${run}` };
      const verdict = await checking?.verify(request, new AbortController().signal);
      if (verdict?.ok === false) return { kind: "rejected", failure: verdict.failure };
    }
    this.branches.set(integrationOf(run), commit);
    return { kind: "reverted", commit, files: differing(this.commitOf(head).files, merged.files) };
  }

  #replay(run: string, base: string, from: string, steps: readonly ReplayedStep[]): ReplayOutcome {
    const origin = this.origins.get(from);
    const all = origin === undefined ? [] : this.mergedOn(origin);
    const now: Record<string, string> = {};
    let begin = base;
    for (const { id, also, commits } of steps) {
      const own = all.filter((one) => one.step === id || also.includes(one.step));
      if (commits.some((commit) => !own.some((one) => one.commit === commit)))
        return { kind: "refused", step: id, why: "is gone" };
      for (const { commit, onto, step, attempt, source } of own) {
        const merged = this.merge(begin, commit, onto);
        if (merged.kind === "conflict") return { kind: "refused", step: id, why: "conflicts" };
        const record = { step, attempt, source, onto: begin, part: id };
        begin = this.add({ files: merged.files, parents: [begin], subject: `${run}: ${step}`, merged: record });
        now[commit] = begin;
      }
    }
    return { kind: "replayed", begin, now };
  }

  #treeOf({ run, owner }: Worktree): Tree {
    const tree = this.#trees.get(keyOf(run, owner));
    if (tree === undefined) throw new Error(`there is no worktree ${nameOf(owner)}`);
    return tree;
  }

  #treesOf(run: string): readonly Tree[] {
    return [...this.#trees.values()].filter((tree) => tree.run === run);
  }

  #isUnsaved(tree: Tree): boolean {
    return existsSync(tree.path) && !tree.saved.has(contentOf(readFiles(tree.path)));
  }

  #handOut({ run, owner, path, base, holds }: Tree, fresh: boolean): Worktree {
    const name = nameOf(owner);
    const first = 20_000 + 10 * [...this.#trees.keys()].indexOf(keyOf(run, owner));
    const ports = [first, first + 1];
    const included = { copied: [], skipped: [] };
    const slug = `${name.replaceAll(/\W/g, "_")}_${run}`;
    const tree: Worktree = {
      run,
      owner,
      name,
      path,
      branch: `heddle/${run}/${name}`,
      base,
      fresh,
      ports,
      slug,
      included,
    };
    return holds === undefined ? tree : { ...tree, holds };
  }

  #line(tree: Tree): TreeListing {
    const { run, owner, path, base } = tree;
    const name = nameOf(owner);
    const of = { run, name, owner, project: this.topLevel, path, branch: `heddle/${run}/${name}`, head: base };
    return { ...of, bytes: 0, createdAtMs: 0, inUse: false, state: this.#isUnsaved(tree) ? "unsaved" : "saved" };
  }
}

function changeOf(path: string, after: Files): PathChange {
  return { path, shown: path, isGone: after[path] === undefined, isPointer: false };
}

function linesOf(text: string | undefined): readonly string[] {
  return text === undefined || text === "" ? [] : text.replace(/\n$/, "").split("\n");
}

/** All lines before are removed, all lines after are added; a rename is a removal and an addition. */
function fileChangeOf(path: string, before: Files, after: Files): FileChange {
  const status = before[path] === undefined ? "added" : after[path] === undefined ? "deleted" : "modified";
  return { path, status, added: linesOf(after[path]).length, removed: linesOf(before[path]).length };
}

function patchOf(path: string, before: Files, after: Files): string {
  const [old, now] = [linesOf(before[path]), linesOf(after[path])];
  const names = [before, after].map((files, at) =>
    files[path] === undefined ? "/dev/null" : `${"ab"[at] ?? ""}/${path}`,
  );
  const range = `@@ -${old.length === 0 ? 0 : 1},${old.length} +${now.length === 0 ? 0 : 1},${now.length} @@`;
  const body = [...old.map((text) => `-${text}`), ...now.map((text) => `+${text}`)];
  return [`diff --git a/${path} b/${path}`, `--- ${names[0]}`, `+++ ${names[1]}`, range, ...body, ""].join("\n");
}

function captureRef(run: string, step: string, attempt: number): string {
  return `refs/heddle/${run}/${step}/${attempt}`;
}

function isOf(ref: string, run: string): boolean {
  return ref.startsWith(`refs/heddle/${run}/`) || ref.startsWith(`heddle/${run}/`);
}

function keyOf(run: string, owner: TreeOwner): string {
  return `${run} ${nameOf(owner)}`;
}

function nameOf(owner: TreeOwner): string {
  return owner.kind === "step" ? owner.id : owner.kind === "group" ? `@${owner.id}` : `@@verify-${owner.id}`;
}

function notCaptured({ path }: Tree): WorktreeRefusal {
  return { code: "WorkNotCaptured", message: `${path} has work that is not captured` };
}

function contentOf(files: Files): string {
  return JSON.stringify(Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1)));
}
