/** Merge queue of memory git: one request after the other, each verified in a folder that holds its candidate. */
import { join } from "node:path";
import type { MergeQueue, MergeQueueOptions } from "../../src/git/port.ts";
import type { MergedStep, MergeOutcome, MergeRequest, MergeRequestId, VerifyResult } from "../../src/git/types.ts";
import { type Files, integrationOf, type MemoryHistory, setFiles } from "./memory-history.ts";

interface Waiting {
  readonly request: MergeRequest;
  readonly turn: number;
  readonly abort: AbortController;
  readonly answer: (outcome: MergeOutcome) => void;
}

export class MemoryMergeQueue implements MergeQueue {
  readonly branch: string;
  readonly #history: MemoryHistory;
  readonly #folder: string;
  readonly #options: MergeQueueOptions;
  readonly #waiting: Waiting[] = [];
  readonly #passed = new Set<string>();
  #current: Waiting | undefined;
  #turn = 0;
  #isClosed = false;
  #working: Promise<void> = Promise.resolve();

  /** `home`: absolute; a folder for candidates is made in it. */
  constructor(history: MemoryHistory, home: string, options: MergeQueueOptions) {
    this.#history = history;
    this.#options = options;
    this.#folder = join(home, options.run, "@@verify-1");
    this.branch = integrationOf(options.run);
  }

  submit(request: MergeRequest): Promise<MergeOutcome> {
    if (this.#isClosed) return Promise.resolve({ kind: "closed" });
    const { promise, resolve } = Promise.withResolvers<MergeOutcome>();
    this.#waiting.push({ request, turn: this.#turn, abort: new AbortController(), answer: resolve });
    this.#waiting.sort((a, b) => a.turn - b.turn || a.request.order - b.request.order);
    this.#working = this.#working.then(async () => await this.#work());
    return promise;
  }

  cancel(id: MergeRequestId): void {
    if (this.#current !== undefined && isOf(this.#current, id)) this.#current.abort.abort();
    for (const waiting of this.#waiting.filter((one) => isOf(one, id))) {
      this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
      waiting.answer({ kind: "closed" });
    }
  }

  async head(): Promise<string> {
    return this.#history.headOf(this.#options);
  }

  async merged(): Promise<readonly MergedStep[]> {
    return this.#history.mergedOn(this.#options);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#current?.abort.abort();
    for (const { answer } of this.#waiting.splice(0)) answer({ kind: "closed" });
    await this.#working;
  }

  /** What is submitted in one turn of the event loop is sorted first. */
  async #work(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#turn++;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      this.#current = next;
      next.answer(await this.#merge(next));
      this.#current = undefined;
    }
  }

  async #merge({ request, abort }: Waiting): Promise<MergeOutcome> {
    const { step, attempt, commit: source } = request;
    const head = await this.head();
    const known = (await this.merged()).find(
      (one) => one.step === step && one.attempt === attempt && one.source === source,
    );
    if (known !== undefined) return { kind: "merged", commit: known.commit, onto: known.onto, again: true };
    const merged = this.#history.merge(head, source);
    if (merged.kind === "conflict") return { kind: "conflict", files: merged.paths, head };
    if (JSON.stringify(merged.files) === JSON.stringify(this.#history.commitOf(head).files))
      return { kind: "nothing", head };
    const [subject = step] = (request.message ?? step).split("\n");
    const record = { step, attempt, source, onto: head };
    const commit = this.#history.add({ files: merged.files, parents: [head], subject, merged: record });
    const verdict = await this.#verify(request, commit, merged.files, abort.signal);
    if (abort.signal.aborted) return { kind: "closed" };
    if (!verdict.ok) return { kind: "rejected", failure: verdict.failure, commit, head };
    this.#history.branches.set(this.branch, commit);
    return { kind: "merged", commit, onto: head, again: false };
  }

  async #verify(request: MergeRequest, commit: string, files: Files, signal: AbortSignal): Promise<VerifyResult> {
    const { step, attempt, checks = [] } = request;
    for (const { commands, key } of checks) {
      const passed = key === undefined ? undefined : JSON.stringify([key, files]);
      if (passed !== undefined && this.#passed.has(passed)) continue;
      setFiles(this.#folder, files);
      const { run, verify } = this.#options;
      const of = { run, step, attempt, commands, commit, folder: this.#folder, ports: [20_000], slug: `verify_${run}` };
      const result = await verify(of, signal);
      if (!result.ok) return result;
      if (passed !== undefined && !signal.aborted) this.#passed.add(passed);
    }
    return { ok: true };
  }
}

function isOf({ request }: Waiting, { step, attempt }: MergeRequestId): boolean {
  return request.step === step && request.attempt === attempt;
}
