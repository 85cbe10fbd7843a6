/**
 * Provider admission: waits for a permit of an agent's provider while it is paused or at its limit. Knows the rate
 * limiter and how long one turn may wait; starts nothing.
 *
 * Invariant: the time that one turn waits for a provider that refuses requests is bounded in total.
 */
import { formatDuration } from "../../base/duration.ts";
import type { JsonObject } from "../../base/json.ts";
import type { Clock } from "../../base/clock.ts";
import type { Permit, RateLimiter } from "../adapters/rate-limiter.ts";
import type { Cancellation } from "./cancellation.ts";

/** What one turn waits for its provider in sum. */
export class Patience {
  #leftMs: number;

  constructor(ms: number) {
    this.#leftMs = ms;
  }

  get leftMs(): number {
    return this.#leftMs;
  }

  /** `false`: less is left, and nothing is spent. */
  spend(ms: number): boolean {
    if (ms > this.#leftMs) return false;
    this.#leftMs -= ms;
    return true;
  }
}

export interface AdmissionOptions {
  readonly rateLimiter: RateLimiter;
  readonly cancellation: Cancellation;
  readonly clock: Clock;
  readonly provider: string;
  readonly patience: Patience;
  readonly tell: (data: JsonObject) => void;
}

export type Admission =
  | { readonly kind: "admitted"; readonly permit: Permit }
  /** It was asked to end. */
  | { readonly kind: "stopped" }
  /** The provider asks for more time than is left. */
  | { readonly kind: "too-long"; readonly message: string };

/** How often it is asked whether a permit is free: an agent's end is not told of. */
const FULL_MS = 500;

export async function admission(options: AdmissionOptions): Promise<Admission> {
  const { rateLimiter, cancellation, clock, provider, patience, tell } = options;
  let isTold = false;
  while (cancellation.reason === undefined) {
    const answer = rateLimiter.ask(provider);
    if (answer.ok) return { kind: "admitted", permit: answer.permit };
    const waitMs = answer.untilMs === undefined ? FULL_MS : Math.max(1, answer.untilMs - clock.now());
    if (answer.reason === "paused" && !patience.spend(waitMs))
      return { kind: "too-long", message: tooLong(provider, waitMs, patience.leftMs) };
    if (!isTold) tell({ type: "waiting", for: answer.reason, provider, ms: waitMs });
    isTold = true;
    await cancellation.wait(waitMs);
  }
  return { kind: "stopped" };
}

function tooLong(provider: string, waitMs: number, leftMs: number): string {
  return `${provider} refuses requests for ${formatDuration(waitMs)}, and this turn may wait only ${formatDuration(leftMs)} longer (limits.wait)`;
}
