/**
 * Check router: finds the attempt whose check the merge queue wants run. The queue knows checks as data; how one is run, with
 * which environment and log, only the attempt knows that submitted it.
 */
import type { Verify } from "../../git/port.ts";
import type { MergeRequestId, VerifyRequest, VerifyResult } from "../../git/types.ts";

export class CheckRouter {
  readonly #verifiers = new Map<string, Verify>();

  /** While `work` goes on, checks of this attempt are run by `verify`. */
  async during<T>(id: MergeRequestId, verify: Verify, work: () => Promise<T>): Promise<T> {
    const key = keyOf(id);
    this.#verifiers.set(key, verify);
    try {
      return await work();
    } finally {
      this.#verifiers.delete(key);
    }
  }

  async verify(request: VerifyRequest, signal: AbortSignal): Promise<VerifyResult> {
    const verify = this.#verifiers.get(keyOf(request));
    if (verify !== undefined) return await verify(request, signal);
    const reason = `attempt ${request.attempt} of ${request.step} has nothing in the merge queue here`;
    return { ok: false, failure: { command: request.commands[0] ?? "", reason, output: "" } };
  }
}

function keyOf({ step, attempt }: MergeRequestId): string {
  return `${attempt}:${step}`;
}
