/**
 * Rate limiter: limits how many agents of a provider start while the provider refuses requests; one instance per run.
 * Knows providers and counts, no agent and no step. Time is passed in.
 *
 * Invariants:
 *  1. During a provider's pause no new agent starts with it; a longer wait named by the provider is never shortened.
 *  2. One burst of refusals halves the number of agents once: a refusal of an attempt that began before the last halving
 *     only lengthens the pause.
 *  3. The limit is never below one agent and never above the plan's; after a halving it grows by one with each success.
 *  4. A permit is taken when it is granted, not when the agent starts, and released once.
 */
import { defined } from "../../base/defined.ts";
import type { AgentClass, RateLimit } from "../../run/attempt.ts";

export interface RateLimiterOptions {
  /** Agents at once if nothing limits them. */
  readonly maxAgents: number;
  readonly now: () => number;
  /** The first wait where the provider names none, and the longest. */
  readonly firstPauseMs?: number;
  readonly longestPauseMs?: number;
}

export type PermitAnswer =
  /** A permit is taken: it is released by `ended` or `release`. */
  | { readonly ok: true; readonly permit: Permit }
  /** `untilMs`: when to ask again (of the limiter's clock); absent: when an agent of this provider ends. */
  | { readonly ok: false; readonly reason: "paused" | "full"; readonly untilMs?: number; readonly because?: Refusal };

/** A provider's limit, with what was said of it, for people. */
export interface SaidLimit extends RateLimit {
  readonly message?: string;
}

/** The refusal that a pause is owed to. */
export interface Refusal {
  readonly class: AgentClass;
  readonly message?: string;
}

export interface ProviderState {
  readonly provider: string;
  readonly running: number;
  /** Agents at once for now. */
  readonly allowed: number;
  readonly pausedUntilMs?: number;
  /** Refusals since the last success. */
  readonly refusals: number;
}

/** The right to run one agent of a provider, released when the agent ends. */
export interface Permit {
  readonly provider: string;
  readonly startedMs: number;
}

interface Provider {
  running: number;
  allowed: number;
  pausedUntilMs: number;
  /** When its number was halved last. */
  halvedMs: number;
  refusals: number;
  successes: number;
  /** The latest refusal. */
  because?: Refusal;
}

const FIRST_PAUSE_MS = 15_000;
const LONGEST_PAUSE_MS = 15 * 60_000;

export class RateLimiter {
  readonly #options: RateLimiterOptions;
  readonly #providers = new Map<string, Provider>();
  readonly #taken = new Set<Permit>();

  constructor(options: RateLimiterOptions) {
    this.#options = options;
  }

  /** Whether an agent of this provider may start now; a yes takes its permit. */
  ask(provider: string): PermitAnswer {
    const of = this.#of(provider);
    const startedMs = this.#options.now();
    if (of.pausedUntilMs > startedMs)
      return defined({ ok: false, reason: "paused", untilMs: of.pausedUntilMs, because: of.because });
    if (of.running >= of.allowed) return { ok: false, reason: "full" };
    of.running++;
    const permit = { provider, startedMs };
    this.#taken.add(permit);
    return { ok: true, permit };
  }

  /** `class` absent: it succeeded. */
  ended(permit: Permit, failure?: AgentClass, rateLimit?: SaidLimit): void {
    if (!this.#taken.has(permit)) return;
    if (failure === undefined) this.#recover(this.#of(permit.provider));
    else if (failure === "rate-limit" || failure === "quota" || failure === "overloaded")
      this.refused(permit, failure, rateLimit);
    this.release(permit);
  }

  /** The permit is free again; nothing is said of the provider. Does nothing for one that was released before. */
  release(permit: Permit): void {
    if (this.#taken.delete(permit)) this.#of(permit.provider).running--;
  }

  /** Also called for an agent that waits and retries on its own. */
  refused(permit: Permit, failure: "rate-limit" | "quota" | "overloaded", rateLimit?: SaidLimit): void {
    const of = this.#of(permit.provider);
    const now = this.#options.now();
    of.because = defined({ class: failure, message: rateLimit?.message });
    const isSameFlood = permit.startedMs <= of.halvedMs || of.pausedUntilMs > now;
    if (!isSameFlood) of.refusals++;
    else of.refusals = Math.max(1, of.refusals);
    of.successes = 0;
    const waitMs = rateLimit?.retryAfterMs ?? this.#backoff(of.refusals);
    of.pausedUntilMs = Math.max(of.pausedUntilMs, now + waitMs);
    // Fewer agents do not help a provider that is down, later ones do.
    if (isSameFlood || failure === "overloaded") return;
    of.halvedMs = now;
    of.allowed = Math.max(1, Math.floor(Math.min(of.allowed, of.running) / 2));
  }

  state(): readonly ProviderState[] {
    const now = this.#options.now();
    return [...this.#providers].map(([provider, of]) =>
      defined({
        provider,
        running: of.running,
        allowed: of.allowed,
        refusals: of.refusals,
        pausedUntilMs: of.pausedUntilMs > now ? of.pausedUntilMs : undefined,
      }),
    );
  }

  #of(name: string): Provider {
    let provider = this.#providers.get(name);
    if (provider === undefined) {
      const { maxAgents } = this.#options;
      provider = { running: 0, allowed: maxAgents, pausedUntilMs: 0, halvedMs: -Infinity, refusals: 0, successes: 0 };
      this.#providers.set(name, provider);
    }
    return provider;
  }

  /** After as many successes as agents are allowed at once, the limit grows by one. */
  #recover(of: Provider): void {
    of.refusals = 0;
    of.successes++;
    if (of.successes < of.allowed || of.allowed >= this.#options.maxAgents) return;
    of.successes = 0;
    of.allowed++;
  }

  #backoff(refusals: number): number {
    const { firstPauseMs = FIRST_PAUSE_MS, longestPauseMs = LONGEST_PAUSE_MS } = this.#options;
    return Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(20, Math.max(0, refusals - 1)));
  }
}
