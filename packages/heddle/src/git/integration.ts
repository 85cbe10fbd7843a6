/**
 * Integration branch of a run: the merged work of its steps, checked out nowhere. A view of what is recorded: the caller says
 * which merge was recorded last. Finds a step's commits by their trailers.
 *
 * Invariants:
 *  1. The branch only moves from a known commit to one that was made on top of it (compare and swap).
 *  2. Nothing is built on a commit that is neither the last recorded merge nor made of it by heddle: `IntegrationMoved`. A branch
 *     that is gone is put back.
 */
import { defined } from "../base/defined.ts";
import { HeddleError } from "../base/errors.ts";
import { type RepositoryAccess, line } from "./repository-access.ts";
import { dropRefLocks } from "./repair.ts";
import { checkRun, integrationRef, movedRef, ownershipRef, shortBranch } from "./ref-names.ts";
import { makeCommit, treeOf } from "./commits.ts";
import { keepBorrowed } from "./borrowed-objects.ts";
import { commitOf } from "./discover.ts";
import { type MergedTrees, mergeOver, mergeTrees } from "./merge-candidate.ts";
import type { IntegrationOrigin, MergedStep } from "./types.ts";

/** A merge that a later commit took back out. */
export interface UndoneStep extends MergedStep {
  /** On the branch: the commit that undoes it. */
  readonly by: string;
}

export interface Known {
  readonly head: string;
  readonly merged: readonly MergedStep[];
  readonly undone: readonly UndoneStep[];
  /** The last merge below the head, where reverts are on top of it. */
  readonly after: string | undefined;
}

export class Integration {
  readonly repository: RepositoryAccess;
  readonly run: string;
  readonly base: string;
  readonly ref: string;
  readonly #begin: string;
  readonly #onNotice: (text: string) => void;
  /** Where the branch has to be; `undefined`: not known. */
  #recorded: string | undefined;
  /** Commits that a process before this one made and perhaps did not record, with the last that it did. */
  readonly #unrecorded = new Map<string, string>();
  /** It was there when this object looked last: only heddle's reverts can have been made on top of it since. */
  #isSeen = false;
  #known: Known | undefined;

  constructor(repository: RepositoryAccess, origin: IntegrationOrigin, onNotice: (text: string) => void = () => {}) {
    this.repository = repository;
    this.run = checkRun(origin.run);
    this.base = origin.base;
    this.#begin = origin.begin ?? origin.base;
    this.#recorded = origin.recorded;
    this.#onNotice = onNotice;
    this.ref = integrationRef(origin.run);
  }

  get branch(): string {
    return shortBranch(this.ref);
  }

  /** The branch's commit; it is made where it begins if need be. Fails with `BranchTaken` or `IntegrationMoved`. */
  async head(): Promise<string> {
    const mark = ownershipRef(this.run, "integration");
    const moved = movedRef(this.run);
    const listed = line(
      await this.repository.git(["for-each-ref", "--format=%(refname) %(objectname)", this.ref, mark, moved]),
    ).split("\n");
    const [head, ours, movedTo] = [this.ref, mark, moved].map((ref) =>
      listed.find((text) => text.startsWith(`${ref} `))?.slice(ref.length + 1),
    );
    const recorded = this.#recorded;
    if (head !== undefined && ours === undefined && head !== recorded)
      throw new HeddleError({
        code: "BranchTaken",
        message: `the branch ${this.branch} exists, and heddle did not create it`,
        hint: `Rename it: \`git branch -m ${this.branch} another-name\`.`,
      });
    if (ours === undefined) await this.#create(mark, this.base);
    if (head === undefined) return await this.#putBack(recorded ?? (ours === undefined ? undefined : movedTo));
    if (head !== recorded && recorded !== undefined) await this.#explain(recorded, head, movedTo);
    this.#isSeen = true;
    this.#recorded = head;
    return head;
  }

  /** `at`: where it was, if it was there before. */
  async #putBack(at: string | undefined): Promise<string> {
    const known = at === undefined ? undefined : await commitOf(this.repository, at);
    if (at !== undefined && known === undefined)
      throw new HeddleError({
        code: "IntegrationMoved",
        message: `the branch ${this.branch} is gone, and so is ${at.slice(0, 10)}, the last recorded merge`,
        hint: `The captures under refs/heddle/${this.run} have the steps' work: \`git for-each-ref refs/heddle/${this.run}\`.`,
      });
    const start = known ?? this.#begin;
    const isMade = await this.#create(this.ref, start);
    const head = isMade ? start : ((await commitOf(this.repository, this.ref)) ?? this.#begin);
    if (known !== undefined)
      this.#onNotice(
        `the branch ${this.branch} was gone and was put back at ${head.slice(0, 10)}, the last recorded merge`,
      );
    this.#isSeen = true;
    this.#recorded = head;
    return head;
  }

  /**
   * Fails unless heddle itself went on from the recorded merge: by a merge that was not recorded before its process died, or by
   * reverts, which can be made while the run goes on.
   */
  async #explain(recorded: string, head: string, movedTo: string | undefined): Promise<void> {
    const isOurs = !this.#isSeen && movedTo === head && (await contains(this.repository, head, recorded));
    if (isOurs) this.#unrecorded.set(head, recorded);
    if (isOurs || (await this.#isReverted(recorded, head))) return;
    throw new HeddleError({
      code: "IntegrationMoved",
      message: `the branch ${this.branch} is at ${head.slice(0, 10)}, but the last recorded merge is ${recorded.slice(0, 10)}: somebody else moved it`,
      hint: `Keep what you need of it (\`git branch kept ${head.slice(0, 10)}\`), put it back with \`git update-ref ${this.ref} ${recorded}\`, and run \`heddle resume ${this.run}\`.`,
    });
  }

  /** Whether all commits from one to the other are reverts of merges, and change what such reverts change. */
  async #isReverted(recorded: string, head: string): Promise<boolean> {
    if (!(await contains(this.repository, head, recorded))) return false;
    const { undone } = await this.#readTo(head);
    let at = head;
    for (let left = undone.length; at !== recorded && left > 0; left--) {
      const one = undone.find(({ by }) => by === at);
      if (one === undefined) return false;
      const before = line(await this.repository.objectGit(["rev-parse", "--verify", `${at}^`]));
      const again = await revertedTree(this.repository, one, before);
      if (again.kind === "conflict" || again.tree !== (await treeOf(this.repository, at))) return false;
      at = before;
    }
    return at === recorded;
  }

  /**
   * Whether it was made here. Exit code 128: it was made meanwhile, which is as good, or a git that was killed has left its lock
   * file.
   */
  async #create(ref: string, at: string): Promise<boolean> {
    const args = ["update-ref", "-m", "heddle: begin", ref, at, ""];
    const answer = await this.repository.git(args, { codes: [0, 128] });
    if (answer.code === 0) return true;
    if ((await commitOf(this.repository, ref)) !== undefined) return false;
    await dropRefLocks(this.repository, this.run);
    const again = await this.repository.git(args, { codes: [0, 128] });
    if (again.code === 0) return true;
    if ((await commitOf(this.repository, ref)) === undefined)
      throw new HeddleError({
        code: "GitFailed",
        message: `cannot create ${ref}`,
        hint: "Check the repository with `git fsck`.",
        cause: answer.said,
      });
    return false;
  }

  /** Whether the branch moved; `false`: it is not at `from` any more. */
  async advance(from: string, to: string, why: string): Promise<boolean> {
    // A merge may be made of what is borrowed, and in no capture.
    await keepBorrowed(this.repository, { commits: [to], base: from });
    const moved = await this.#advance(from, to, why);
    if (moved) this.#recorded = to;
    return moved;
  }

  async #advance(from: string, to: string, why: string): Promise<boolean> {
    const input = `update ${this.ref}\0${to}\0${from}\0update ${movedRef(this.run)}\0${to}\0\0`;
    const move = async (): Promise<{ readonly code: number; readonly said: string }> =>
      await this.repository.git(["update-ref", "-m", `heddle: ${why}`, "--stdin", "-z"], { input, codes: [0, 1, 128] });
    let answer = await move();
    if (answer.code === 0) return true;
    let head = await commitOf(this.repository, this.ref);
    if (head === from) {
      await dropRefLocks(this.repository, this.run);
      answer = await move();
      if (answer.code === 0) return true;
      head = await commitOf(this.repository, this.ref);
    }
    if (head === to) return true;
    if (head !== from) return false;
    throw new HeddleError({
      code: "GitFailed",
      message: `cannot move ${this.branch}`,
      hint: "Check that the disk has space and the repository is writable.",
      cause: answer.said,
    });
  }

  /** The last recorded merge below a commit of the branch, if it is not that commit. */
  async recordedBelow(commit: string): Promise<string | undefined> {
    return (await this.#readTo(commit)).after ?? this.#unrecorded.get(commit);
  }

  /** What is merged and not reverted, oldest first. */
  async merged(): Promise<readonly MergedStep[]> {
    return (await this.#read()).merged;
  }

  /** What was merged and is reverted, in the order of the reverts. */
  async undone(): Promise<readonly UndoneStep[]> {
    return (await this.#read()).undone;
  }

  /** Head and what is on it, of one moment. */
  async look(): Promise<Known> {
    return await this.#read();
  }

  async #read(): Promise<Known> {
    return await this.#readTo(await this.head());
  }

  async #readTo(head: string): Promise<Known> {
    if (this.#known?.head === head) return this.#known;
    const args = ["rev-list", "--first-parent", "--reverse", "--format=%H%x00%P%x00%B%x00%x00", "--no-commit-header"];
    const isEmpty = head === this.base;
    const listed = isEmpty
      ? ""
      : (await this.repository.objectGit([...args, head, `^${this.base}`])).output.toString("utf8");
    const merged: MergedStep[] = [];
    const undone: UndoneStep[] = [];
    let onto = this.base;
    // The last merge, where reverts are on top of it.
    let after: string | undefined;
    for (const record of listed.split("\0\0\n")) {
      const [commit = "", , body = ""] = record.split("\0");
      const trailers = readTrailers(body);
      const reverted = trailers.get("reverts");
      if (reverted !== undefined) {
        const at = merged.findIndex((one) => one.commit === reverted);
        if (at >= 0) undone.push(...merged.splice(at, 1).map((one) => ({ ...one, by: commit })));
        after ??= onto;
        onto = commit;
      }
      const [run, step, attempt, source] = ["run", "step", "attempt", "captured"].map((key) => trailers.get(key));
      if (run !== this.run || step === undefined || source === undefined) continue;
      const part = trailers.get("part-of");
      const last = body.trimEnd().split("\n\n").at(-1) ?? "";
      const brought = [...last.matchAll(/^Brought-In: ([0-9a-f]+)$/gm)].map(([, id = ""]) => id);
      const whose = { step, attempt: Number(attempt), source, commit, onto, after };
      const known: MergedStep = defined({ ...whose, brought: brought.length === 0 ? undefined : brought });
      after = undefined;
      merged.push(part === undefined ? known : { ...known, part });
      onto = commit;
    }
    this.#known = { head, merged, undone, after };
    return this.#known;
  }
}

/** The tree of `head` without the work of a merge. What others had committed, and came in with it, stays. */
export async function revertedTree(
  repository: RepositoryAccess,
  { commit, onto, brought = [] }: Pick<MergedStep, "commit" | "onto" | "brought">,
  head: string,
): Promise<MergedTrees> {
  let without = onto;
  for (const other of brought) {
    if ((await commitOf(repository, other)) === undefined || (await contains(repository, without, other))) continue;
    const both = await mergeTrees(repository, without, other);
    if (both.kind === "conflict") return both;
    const parents = [without, other];
    without = await makeCommit(repository, { tree: both.tree, parents, message: "for merging", atMs: 0 });
  }
  return await mergeOver(repository, { base: commit, ours: head, theirs: without });
}

/** Keys in small letters. The last paragraph, if all its lines are trailers. */
export function readTrailers(message: string): ReadonlyMap<string, string> {
  const paragraph = message.trimEnd().split("\n\n").at(-1) ?? "";
  const found = new Map<string, string>();
  for (const text of paragraph.split("\n")) {
    const [, key, value] = /^([A-Za-z][A-Za-z-]*): (.*)$/.exec(text) ?? [];
    if (key === undefined || value === undefined) return new Map();
    found.set(key.toLowerCase(), value);
  }
  return found;
}

/** Subject, text and trailers as one message, without what would be parsed as something else. */
export function messageWith(text: string, trailers: readonly (readonly [key: string, value: string])[]): string {
  const clean = text.replaceAll("\r", "").replaceAll("\0", "").trim();
  const lines = trailers.map(([key, value]) => `${key}: ${value.replaceAll(/[\r\n\0]+/g, " ").trim()}`);
  return `${clean === "" ? "merge" : clean}\n\n${lines.join("\n")}\n`;
}

/** Whether `head` has all that `commit` has. */
export async function contains(repository: RepositoryAccess, head: string, commit: string): Promise<boolean> {
  return (await repository.objectGit(["merge-base", "--is-ancestor", commit, head], { codes: [0, 1] })).code === 0;
}
