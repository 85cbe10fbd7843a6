/**
 * Integration branch of a run: the merged work of its steps, checked out nowhere. Finds a step's commits by their
 * trailers: what was merged is read from the branch itself, so nothing else can disagree with it.
 *
 * Invariant: the branch only moves from a known commit to one that was made on top of it (compare and swap).
 */
import { HeddleError } from "../base/errors.ts";
import { type RepositoryAccess, line } from "./repository-access.ts";
import { dropRefLocks } from "./repair.ts";
import { checkRun, integrationRef, ownershipRef, shortBranch } from "./ref-names.ts";
import { commitOf } from "./discover.ts";
import type { MergedStep } from "./types.ts";

/** A merge that a later commit took back out. */
export interface UndoneStep extends MergedStep {
  /** On the branch: the commit that undoes it. */
  readonly by: string;
}

export interface Known {
  readonly head: string;
  readonly merged: readonly MergedStep[];
  readonly undone: readonly UndoneStep[];
}

export class Integration {
  readonly repository: RepositoryAccess;
  readonly run: string;
  readonly base: string;
  readonly ref: string;
  readonly #begin: string;
  #known: Known | undefined;

  /** `begin`: made of `base` and commits of the run's own on top; absent: `base`. */
  constructor(repository: RepositoryAccess, run: string, base: string, begin: string = base) {
    this.repository = repository;
    this.run = checkRun(run);
    this.base = base;
    this.#begin = begin;
    this.ref = integrationRef(run);
  }

  get branch(): string {
    return shortBranch(this.ref);
  }

  /** The branch's commit; it is made where it begins if need be. Fails with `BranchTaken`. */
  async head(): Promise<string> {
    const mark = ownershipRef(this.run, "integration");
    const listed = line(
      await this.repository.git(["for-each-ref", "--format=%(refname) %(objectname)", this.ref, mark]),
    ).split("\n");
    const [head, ours] = [this.ref, mark].map((ref) =>
      listed.find((text) => text.startsWith(`${ref} `))?.slice(ref.length + 1),
    );
    if (head !== undefined && ours === undefined)
      throw new HeddleError({
        code: "BranchTaken",
        message: `the branch ${this.branch} exists, and heddle did not create it`,
        hint: `Rename it: \`git branch -m ${this.branch} another-name\`.`,
      });
    if (head !== undefined) return head;
    if (ours === undefined) await this.#create(mark, this.base);
    await this.#create(this.ref, this.#begin);
    return (await commitOf(this.repository, this.ref)) ?? this.#begin;
  }

  /** Exit code 128: it was made meanwhile, or a git that was killed has left its lock file. */
  async #create(ref: string, at: string): Promise<void> {
    const args = ["update-ref", "-m", "heddle: begin", ref, at, ""];
    const answer = await this.repository.git(args, { codes: [0, 128] });
    if ((await commitOf(this.repository, ref)) !== undefined) return;
    await dropRefLocks(this.repository, this.run);
    await this.repository.git(args, { codes: [0, 128] });
    if ((await commitOf(this.repository, ref)) === undefined)
      throw new HeddleError({
        code: "GitFailed",
        message: `cannot create ${ref}`,
        hint: "Check the repository with `git fsck`.",
        cause: answer.said,
      });
  }

  /** Whether the branch moved; `false`: it is not at `from` any more. */
  async advance(from: string, to: string, why: string): Promise<boolean> {
    const move = async (): Promise<{ readonly code: number; readonly said: string }> =>
      await this.repository.git(["update-ref", "-m", `heddle: ${why}`, this.ref, to, from], { codes: [0, 1, 128] });
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
    const head = await this.head();
    if (this.#known?.head === head) return this.#known;
    const args = ["rev-list", "--first-parent", "--reverse", "--format=%H%x00%P%x00%B%x00%x00", "--no-commit-header"];
    const listed = await this.repository.objectGit([...args, head, `^${this.base}`]);
    const merged: MergedStep[] = [];
    const undone: UndoneStep[] = [];
    let onto = this.base;
    for (const record of listed.output.toString("utf8").split("\0\0\n")) {
      const [commit = "", , body = ""] = record.split("\0");
      const trailers = readTrailers(body);
      const reverted = trailers.get("reverts");
      if (reverted !== undefined) {
        const at = merged.findIndex((one) => one.commit === reverted);
        if (at >= 0) undone.push(...merged.splice(at, 1).map((one) => ({ ...one, by: commit })));
        onto = commit;
      }
      const [run, step, attempt, source] = ["run", "step", "attempt", "captured"].map((key) => trailers.get(key));
      if (run !== this.run || step === undefined || source === undefined) continue;
      const part = trailers.get("part-of");
      const known = { step, attempt: Number(attempt), source, commit, onto };
      merged.push(part === undefined ? known : { ...known, part });
      onto = commit;
    }
    this.#known = { head, merged, undone };
    return this.#known;
  }
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
