/** Asking again: a request that is sent until there is an answer, later and later, while the server cannot be reached. Knows no request. */
import { ApiProblem } from "heddle/client";

export interface AskingAgain {
  /** Ends it: nothing is asked any more. */
  readonly signal: AbortSignal;
  readonly after: (delayMs: number, fire: () => void) => () => void;
  /** Called when a request got no answer, and when one got one again. */
  readonly onOffline: (isOffline: boolean) => void;
}

const RETRY_MS = [500, 1000, 2000, 5000] as const;

/** `undefined`: it was ended. Rejects with the {@link ApiProblem} of a refusal that stays one. */
export async function askAgain<T>(
  ask: (signal: AbortSignal) => Promise<T>,
  { signal, after, onOffline }: AskingAgain,
): Promise<T | undefined> {
  for (let tries = 0; ; tries++) {
    try {
      const answer = await ask(signal);
      if (signal.aborted) return undefined;
      onOffline(false);
      return answer;
    } catch (thrown) {
      if (signal.aborted) return undefined;
      if (!(thrown instanceof ApiProblem) || !isPassing(thrown)) throw thrown;
      onOffline(true);
      const delay = RETRY_MS[Math.min(tries, RETRY_MS.length - 1)] ?? 0;
      await new Promise<void>((resolve) => void after(delay, resolve));
      if (signal.aborted) return undefined;
    }
  }
}

function isPassing({ status }: ApiProblem): boolean {
  return status === 0 || status === 429 || status >= 500;
}
