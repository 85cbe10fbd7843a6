/** Retry policy: when a failed attempt is tried again, by exponential back-off with jitter as the plan says. */
import type { Random } from "../base/random.ts";
import { DEFAULT_RETRY, FAILURE_CLASSES, type FailureClass, type Retry, type Step } from "../plan/plan.ts";
import type { StepError } from "./event.ts";

export type RetryVerdict = { readonly retry: false } | { readonly retry: true; readonly delayMs: number };

/**
 * Whether another attempt follows the `failed`-th one (counted from 1 since the last resume), and after which wait. A wait
 * that would pass the step's total timeout is not begun: `spentMs` is the time since its first attempt started.
 */
export function judgeRetry(
  step: Step,
  error: StepError,
  failed: number,
  spentMs: number,
  random: Random,
): RetryVerdict {
  const policy = step.retry ?? DEFAULT_RETRY;
  if (error.final === true) return { retry: false };
  if (failed >= policy.attempts || !isRetryable(policy, error.code)) return { retry: false };
  const delayMs = retryDelayMs(policy, failed, random);
  if (step.totalTimeoutMs !== undefined && spentMs + delayMs >= step.totalTimeoutMs) return { retry: false };
  return { retry: true, delayMs };
}

/** `delay * factor^(failed - 1)`, at most `maxDelay`, moved by up to `jitter` of itself either way; whole milliseconds. */
export function retryDelayMs(policy: Retry, failed: number, random: Random): number {
  const plain = Math.min(policy.maxDelayMs, policy.delayMs * policy.factor ** (failed - 1));
  const moved = policy.jitter === 0 ? plain : plain * (1 + policy.jitter * (2 * random() - 1));
  return Math.round(Math.min(policy.maxDelayMs, Math.max(0, moved)));
}

function isRetryable(policy: Retry, code: StepError["code"]): boolean {
  const known = (FAILURE_CLASSES as readonly string[]).includes(code);
  return known && (policy.on === undefined || policy.on.includes(code as FailureClass));
}
