/**
 * A merge queue as it would be on another machine: every request, check and answer crosses as JSON text, later than it was sent.
 * What is behind it is a queue of the port; nothing of it is reached but by messages.
 */
import { isDeepStrictEqual } from "node:util";
import type { MergeQueue, MergeQueueOptions, Repositories } from "../../src/git/port.ts";
import type { MergedStep, MergeOutcome, MergeRequest, MergeRequestId } from "../../src/git/types.ts";

/** As `inner`, with every queue elsewhere. `sent`: told of each message. */
export function withQueueElsewhere(inner: Repositories, sent: (message: string) => void): Repositories {
  return {
    async open(options) {
      const opened = await inner.open(options);
      if (!opened.ok) return opened;
      const { repository } = opened.value;
      const openQueue = (of: MergeQueueOptions): MergeQueue => new QueueElsewhere(repository.openQueue, of, sent);
      return { ok: true, value: { ...opened.value, repository: { ...repository, openQueue } } };
    },
  };
}

class QueueElsewhere implements MergeQueue {
  readonly branch: string;
  readonly #inner: MergeQueue;
  readonly #sent: (message: string) => void;

  constructor(
    openQueue: (options: MergeQueueOptions) => MergeQueue,
    { verify, ...options }: MergeQueueOptions,
    sent: (message: string) => void,
  ) {
    this.#sent = sent;
    this.#inner = openQueue({
      ...options,
      // The check runs where the queue is; the abort is a message of its own there.
      verify: async (request, signal) =>
        await this.#cross("verified", await verify(await this.#cross("verify", request), signal)),
    });
    this.branch = this.#inner.branch;
  }

  async submit(request: MergeRequest): Promise<MergeOutcome> {
    return await this.#cross("outcome", await this.#inner.submit(await this.#cross("submit", request)));
  }

  cancel(id: MergeRequestId): void {
    void this.#cross("cancel", { step: id.step, attempt: id.attempt }).then((sent) => this.#inner.cancel(sent));
  }

  async head(): Promise<string> {
    return await this.#cross("head", await this.#inner.head());
  }

  async merged(): Promise<readonly MergedStep[]> {
    return await this.#cross("merged", await this.#inner.merged());
  }

  async close(): Promise<void> {
    this.#sent("close");
    await this.#inner.close();
  }

  /** Throws where something is no plain data: it would arrive as something else. */
  async #cross<T>(message: string, data: T): Promise<T> {
    this.#sent(message);
    const arrived: unknown = JSON.parse(JSON.stringify(data));
    if (!isDeepStrictEqual(arrived, data)) throw new TypeError(`${message}: not all of it is plain data`);
    await new Promise((resolve) => setImmediate(resolve));
    return arrived as T;
  }
}
