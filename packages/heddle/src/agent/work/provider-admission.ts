/**
 * Provider admission: waits for a permit of an agent's provider while it is paused or at its limit. Knows the rate
 * limiter and how long one turn may wait; starts nothing.
 *
 * Invariant: the time that one turn waits for a provider that refuses requests is bounded in total.
 */
import { formatDuration } from "../../base/duration.ts";
import type { JsonObject } from "../../base/json.ts";
import type { Clock } from "../../base/clock.ts";
import { defined } from "../../base/defined.ts";
import type { AgentClass } from "../../run/attempt.ts";
import type { Permit, PermitAnswer, RateLimiter } from "../adapters/rate-limiter.ts";
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

/** A provider that was waited for, and the reason that it gave. */
type Paused = Extract<PermitAnswer, { readonly ok: false }>;

export type Admission =
  | { readonly kind: "admitted"; readonly permit: Permit }
  /** It was asked to end. */
  | { readonly kind: "stopped" }
  /** The provider asks for more time than is left. */
  | { readonly kind: "too-long"; readonly class: AgentClass; readonly message: string };

/** How often it is asked whether a permit is free: an agent's end is not told of. */
const FULL_MS = 500;

export async function admission(options: AdmissionOptions): Promise<Admission> {
  const { rateLimiter, cancellation, clock, provider, patience, tell } = options;
  /** What was told of last: another reason is told again. */
  let told: string | undefined;
  while (cancellation.reason === undefined) {
    const answer = rateLimiter.ask(provider);
    if (answer.ok) {
      if (told !== undefined) tell({ type: "waited" });
      return { kind: "admitted", permit: answer.permit };
    }
    const waitMs = answer.untilMs === undefined ? FULL_MS : Math.max(1, answer.untilMs - clock.now());
    if (answer.reason === "paused" && !patience.spend(waitMs))
      return { kind: "too-long", ...tooLong(provider, waitMs, patience.leftMs, answer) };
    const key = `${answer.reason} ${String(answer.untilMs)}`;
    if (told !== key) tell(waitOf(provider, waitMs, answer));
    told = key;
    await cancellation.wait(waitMs);
  }
  return { kind: "stopped" };
}

function waitOf(provider: string, waitMs: number, { reason, because }: Paused): JsonObject {
  if (reason === "full") return { type: "waiting", for: reason, provider };
  return defined({
    type: "waiting",
    for: reason,
    provider,
    ms: waitMs,
    class: because?.class,
    message: because?.message,
  });
}

/** With what was said, whose class it has: a person decides by that whether to resume. */
function tooLong(
  provider: string,
  waitMs: number,
  leftMs: number,
  { because }: Paused,
): { readonly class: AgentClass; readonly message: string } {
  const wait = `${provider} refuses requests for ${formatDuration(waitMs)}, and this turn may wait only ${formatDuration(leftMs)} longer (limits.wait)`;
  const said = because?.message === undefined ? "" : `; it said: ${because.message}`;
  return { class: because?.class ?? "rate-limit", message: `${wait}${said}` };
}
