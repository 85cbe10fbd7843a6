/**
 * Merge queue: merges captures of succeeded attempts into the integration branch, one by one, each verified as the
 * commit that the branch then gets. Knows no plan and no scheduler: entries in, outcomes out.
 *
 * Invariants:
 *  1. The branch never has a commit whose verification did not pass.
 *  2. A conflict or a failed verification moves nothing and stops no other entry.
 *  3. Entries are merged in the order they arrive; those that arrive in the same turn, by `order`.
 *  4. Work that is on the branch already is found there: after a crash entries are added again and none is merged twice.
 *  5. A withdrawn entry settles when nothing of its verification is running. Other entries lose only time by it.
 */
import { invariant } from "../base/assert.ts";
import { defined } from "../base/defined.ts";
import { type Candidate, makeCandidate } from "./merge-candidate.ts";
import { line } from "./repository-access.ts";
import { Integration, type Known, contains, messageWith } from "./integration.ts";
import { type CheckOf, type PassedStore, VerifyPool, passedStore } from "./verify.ts";
import type { LocalWorktrees } from "./worktree.ts";
import type { MergeQueue, MergeQueueOptions } from "./port.ts";
import type { MergedStep, MergeOutcome, MergeRequest, MergeRequestId, VerifyResult } from "./types.ts";

export interface LocalQueueOptions extends MergeQueueOptions {
  readonly worktrees: LocalWorktrees;
  /** What passed before; absent: only this queue remembers. */
  readonly passed?: PassedStore;
}

interface Waiting {
  readonly request: MergeRequest;
  readonly turn: number;
  readonly resolve: (outcome: MergeOutcome) => void;
  readonly reject: (reason: unknown) => void;
  withdrawn: boolean;
}

/** Entries on top of each other; the last commit contains all. */
interface Stack {
  readonly onto: string;
  readonly parts: readonly { readonly waiting: Waiting; readonly commit: string; readonly tree: string }[];
  readonly abort: AbortController;
  readonly verdict: Promise<VerifyResult>;
}

export class LocalMergeQueue implements MergeQueue {
  readonly integration: Integration;
  readonly #options: LocalQueueOptions;
  readonly #pool: VerifyPool;
  readonly #waiting: Waiting[] = [];
  #stacks: Stack[] = [];
  #turn = 0;
  #turnEnds = false;
  #closed = false;
  #loop: Promise<void> | undefined;
  #arrival: { readonly promise: Promise<void>; readonly resolve: () => void } = Promise.withResolvers<void>();

  constructor(options: LocalQueueOptions) {
    this.#options = options;
    this.integration = new Integration(options.worktrees.repository, options, options.onNotice);
    const { worktrees, run, verify, passed = passedStore(worktrees.repository.clock) } = options;
    this.#pool = new VerifyPool({ worktrees, run, verify, passed });
  }

  get branch(): string {
    return this.integration.branch;
  }

  submit(request: MergeRequest): Promise<MergeOutcome> {
    if (this.#closed) return Promise.resolve({ kind: "closed" });
    const { promise, resolve, reject } = Promise.withResolvers<MergeOutcome>();
    const waiting: Waiting = { request, turn: this.#turn, resolve, reject, withdrawn: false };
    this.#waiting.push(waiting);
    this.#waiting.sort((a, b) => a.turn - b.turn || a.request.order - b.request.order);
    if (!this.#turnEnds) {
      this.#turnEnds = true;
      setImmediate(() => {
        this.#turnEnds = false;
        this.#turn++;
        this.#wake();
        this.#loop ??= this.#work().finally(() => (this.#loop = undefined));
      });
    }
    return promise;
  }

  cancel(id: MergeRequestId): void {
    const parts = this.#stacks.flatMap((stack) => stack.parts);
    const all = [...this.#waiting, ...parts.map(({ waiting }) => waiting)];
    for (const waiting of all) if (isOf(waiting.request, id)) this.#withdraw(waiting);
  }

  #wake(): void {
    this.#arrival.resolve();
    this.#arrival = Promise.withResolvers<void>();
  }

  /**
   * If it is being verified, the loop settles it: those after it in its stack, and on top of that, are verified
   * again.
   */
  #withdraw(waiting: Waiting): void {
    waiting.withdrawn = true;
    if (this.#waiting.includes(waiting)) {
      this.#take(waiting);
      waiting.resolve({ kind: "closed" });
      return;
    }
    this.#stacks.find((stack) => has(stack, waiting))?.abort.abort();
    this.#wake();
  }

  async head(): Promise<string> {
    return await this.integration.head();
  }

  async merged(): Promise<readonly MergedStep[]> {
    return await this.integration.merged();
  }

  /** Removes the worktrees for verifying too. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const stack of this.#stacks) stack.abort.abort();
    await this.#loop;
    for (const { resolve } of this.#waiting.splice(0)) resolve({ kind: "closed" });
    await this.#pool.close();
  }

  async #work(): Promise<void> {
    while ((this.#waiting.length > 0 || this.#stacks.length > 0) && !(this.#closed && this.#stacks.length === 0)) {
      try {
        // Asked for before looking: what comes meanwhile is looked at next.
        const news = this.#arrival.promise.then(() => undefined);
        const withdrawn = this.#stacks.findIndex((stack) => stack.parts.some(({ waiting }) => waiting.withdrawn));
        if (withdrawn >= 0) await this.#requeue(withdrawn);
        await this.#fill();
        const [first] = this.#stacks;
        if (first === undefined) continue;
        const verdict = await Promise.race([first.verdict, news]);
        if (verdict !== undefined) await this.#settle(first, verdict);
      } catch (thrown) {
        await this.#fail(thrown);
      }
    }
  }

  /** Begins verifying entries, as many as may be under way. */
  async #fill(): Promise<void> {
    while (this.#stacks.length < (this.#options.ahead ?? 2) && this.#waiting.length > 0 && !this.#closed) {
      const last = this.#stacks.at(-1);
      const known = await this.integration.look();
      const onto = last?.parts.at(-1)?.commit ?? known.head;
      const stack = await this.#stackOn(onto, known, last === undefined);
      if (stack === undefined) return;
      if (stack.parts.length > 0) this.#stacks.push(stack);
    }
  }

  /** `certain`: `onto` is the branch's head, so that a conflict is one. Else the entry waits until it is known. */
  async #stackOn(onto: string, known: Known, certain: boolean): Promise<Stack | undefined> {
    const parts: Stack["parts"][number][] = [];
    let head = onto;
    while (parts.length < Math.max(1, this.#options.batch ?? 1)) {
      const [waiting] = this.#waiting;
      if (waiting === undefined) break;
      const found = known.merged.find((one) => isSame(one, waiting.request));
      const candidate = found === undefined ? await this.#candidate(waiting.request, head, known) : undefined;
      if (waiting.withdrawn) continue;
      if (candidate?.kind === "clean") {
        this.#take(waiting);
        parts.push({ waiting, commit: candidate.commit, tree: candidate.tree });
        head = candidate.commit;
        continue;
      }
      // On top of what may not come to be, nothing is decided.
      if (found === undefined && !(certain && parts.length === 0)) break;
      this.#take(waiting);
      waiting.resolve(outcomeOf(found, candidate, head));
    }
    if (parts.length === 0) return this.#waiting.length === 0 || !certain ? undefined : emptyStack(onto);
    const abort = new AbortController();
    return { onto, parts, abort, verdict: this.#verify(parts, parts.length, abort.signal) };
  }

  /** Settles even if verification fails for another reason: the loop gets that when it asks. */
  #verify(parts: Stack["parts"], count: number, signal: AbortSignal): Promise<VerifyResult> {
    const part = parts[count - 1];
    invariant(part !== undefined, "a stack has entries");
    const all = parts.slice(0, count).flatMap(({ waiting: { request } }) => checksOf(request));
    const verdict = this.#pool.verify(all, part, signal);
    verdict.catch(() => {});
    return verdict;
  }

  async #settle(stack: Stack, verdict: VerifyResult): Promise<void> {
    if (stack.abort.signal.aborted) return await this.#requeue(0);
    let good = stack.parts.length;
    let bad: VerifyResult = verdict;
    if (!verdict.ok) {
      // The verifications on top of it are void; now the failing entry is searched.
      await this.#requeue(1);
      ({ good, bad } = await this.#bisect(stack, verdict));
      if (stack.abort.signal.aborted) return await this.#requeue(0);
    }
    const last = stack.parts[good - 1];
    if (last !== undefined) {
      const moved = await this.integration.advance(stack.onto, last.commit, last.waiting.request.step);
      if (!moved) return await this.#requeue(0);
    }
    this.#stacks.shift();
    let onto = stack.onto;
    let after = good === 0 ? undefined : await this.integration.recordedBelow(onto);
    for (const { waiting, commit } of stack.parts.slice(0, good)) {
      waiting.resolve(defined({ kind: "merged", commit, onto, after, again: false }));
      after = undefined;
      onto = commit;
    }
    const rejected = stack.parts[good];
    if (rejected !== undefined && !bad.ok)
      rejected.waiting.resolve({ kind: "rejected", failure: bad.failure, commit: rejected.commit, head: onto });
    this.#putBack(stack.parts.slice(good + 1));
  }

  /** How many entries of a failing stack pass together; the next one made it fail. */
  async #bisect(stack: Stack, verdict: VerifyResult): Promise<{ readonly good: number; readonly bad: VerifyResult }> {
    let good = 0;
    let red = stack.parts.length;
    let bad = verdict;
    while (red - good > 1) {
      const middle = (good + red) >> 1;
      const found = await this.#verify(stack.parts, middle, stack.abort.signal);
      if (found.ok) good = middle;
      else {
        red = middle;
        bad = found;
      }
    }
    return { good, bad };
  }

  /** Stacks from the `from`-th on are undone, their entries wait again in their places. */
  async #requeue(from: number): Promise<void> {
    const undone = this.#stacks.slice(from);
    this.#stacks = this.#stacks.slice(0, from);
    for (const stack of undone) stack.abort.abort();
    // Their worktrees are free only then.
    await Promise.allSettled(undone.map(async (stack) => await stack.verdict));
    this.#putBack(undone.flatMap((stack) => stack.parts));
  }

  /** Back to their positions, except those that were withdrawn. */
  #putBack(parts: Stack["parts"]): void {
    const all = parts.map(({ waiting }) => waiting);
    for (const { withdrawn, resolve } of all) if (withdrawn) resolve({ kind: "closed" });
    this.#waiting.unshift(...all.filter(({ withdrawn }) => !withdrawn));
  }

  /** Git failed: the first entry gets the error, the others are tried again. */
  async #fail(thrown: unknown): Promise<void> {
    await this.#requeue(0);
    const [first] = this.#waiting;
    if (first === undefined) return;
    this.#take(first);
    first.reject(thrown);
  }

  #take(waiting: Waiting): void {
    this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
  }

  async #candidate(request: MergeRequest, head: string, known: Known): Promise<Candidate> {
    const { run, worktrees } = this.#options;
    const { repository } = worktrees;
    const message = messageWith(request.message ?? request.step, [
      ["Run", run],
      ["Step", request.step],
      ["Attempt", String(request.attempt)],
      ["Captured", request.commit],
      ...(request.brought ?? []).slice(0, 20).map((id) => ["Brought-In", id] as const),
      ...(request.trailers ?? []),
    ]);
    const mode = request.mode ?? this.#options.mode ?? "squash";
    const over = await this.#baseAfterRevert(request, head, known);
    const atMs = repository.clock.now();
    const { commit } = request;
    return await makeCandidate(repository, defined({ head, commit, mode, message, atMs, over }));
  }

  /**
   * Where the step's work was merged with its commits and then reverted, the branch has these commits and not what they did: git
   * would find nothing to merge. What counts is where the work began.
   */
  async #baseAfterRevert(request: MergeRequest, head: string, known: Known): Promise<string | undefined> {
    const { repository } = this.#options.worktrees;
    for (const { step, source, onto, by } of known.undone) {
      if (step !== request.step || !(await contains(repository, head, source))) continue;
      if (await contains(repository, request.commit, by)) continue;
      const found = await repository.objectGit(["merge-base", onto, request.commit], { codes: [0, 1] });
      if (found.code === 0) return line(found).split("\n")[0];
    }
    return undefined;
  }
}

function isSame(merged: MergedStep, request: MergeRequest): boolean {
  return isOf(request, merged) && merged.source === request.commit;
}

function isOf(request: MergeRequest, { step, attempt }: MergeRequestId): boolean {
  return request.step === step && request.attempt === attempt;
}

function checksOf({ step, attempt, checks = [] }: MergeRequest): readonly CheckOf[] {
  return checks.map((check) => ({ ...check, step, attempt }));
}

function has(stack: Stack, waiting: Waiting): boolean {
  return stack.parts.some((part) => part.waiting === waiting);
}

function outcomeOf(found: MergedStep | undefined, candidate: Candidate | undefined, head: string): MergeOutcome {
  if (found !== undefined)
    return defined({ kind: "merged", commit: found.commit, onto: found.onto, after: found.after, again: true });
  invariant(candidate !== undefined && candidate.kind !== "clean", "a clean candidate is verified");
  return candidate.kind === "nothing" ? { kind: "nothing", head } : { kind: "conflict", files: candidate.files, head };
}

function emptyStack(onto: string): Stack {
  return { onto, parts: [], abort: new AbortController(), verdict: Promise.resolve({ ok: true }) };
}
