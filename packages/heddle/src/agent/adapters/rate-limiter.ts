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

export interface GovernorOptions {
  /** Agents at once where nothing holds them back. */
  readonly maxAgents: number;
  readonly now: () => number;
  /** The first wait where the provider names none, and the longest. */
  readonly firstPauseMs?: number;
  readonly longestPauseMs?: number;
}

export type Admission =
  /** A place is taken: it is given back by `ended` or `release`. */
  | { readonly ok: true; readonly admitted: Admitted }
  /** `untilMs`: when to ask again (of the governor's clock); absent: when an agent of this provider ends. */
  | { readonly ok: false; readonly reason: "paused" | "full"; readonly untilMs?: number };

export interface ProviderState {
  readonly provider: string;
  readonly running: number;
  /** Agents at once for now. */
  readonly allowed: number;
  readonly pausedUntilMs?: number;
  /** Refusals since the last success. */
  readonly refusals: number;
}

/** A place with a provider, handed back when the agent ends. */
export interface Admitted {
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
}

const FIRST_PAUSE_MS = 15_000;
const LONGEST_PAUSE_MS = 15 * 60_000;

export class Governor {
  readonly #options: GovernorOptions;
  readonly #providers = new Map<string, Provider>();
  readonly #taken = new Set<Admitted>();

  constructor(options: GovernorOptions) {
    this.#options = options;
  }

  /** Whether an agent of this provider may start now; a yes takes its place. */
  ask(provider: string): Admission {
    const of = this.#of(provider);
    const startedMs = this.#options.now();
    if (of.pausedUntilMs > startedMs) return { ok: false, reason: "paused", untilMs: of.pausedUntilMs };
    if (of.running >= of.allowed) return { ok: false, reason: "full" };
    of.running++;
    const admitted = { provider, startedMs };
    this.#taken.add(admitted);
    return { ok: true, admitted };
  }

  /** `class` absent: it went well. */
  ended(admitted: Admitted, failure?: AgentClass, rateLimit?: RateLimit): void {
    if (!this.#taken.has(admitted)) return;
    if (failure === undefined) this.#recover(this.#of(admitted.provider));
    else if (failure === "rate-limit" || failure === "quota" || failure === "overloaded")
      this.refused(admitted, failure, rateLimit);
    this.release(admitted);
  }

  /** The place is free again; nothing is said of the provider. Does nothing for one that was given back before. */
  release(admitted: Admitted): void {
    if (this.#taken.delete(admitted)) this.#of(admitted.provider).running--;
  }

  /** Also called for an agent that is told to wait and tries again by itself. */
  refused(admitted: Admitted, failure: "rate-limit" | "quota" | "overloaded", rateLimit?: RateLimit): void {
    const of = this.#of(admitted.provider);
    const now = this.#options.now();
    const isSameFlood = admitted.startedMs <= of.halvedMs || of.pausedUntilMs > now;
    if (!isSameFlood) of.refusals++;
    else of.refusals = Math.max(1, of.refusals);
    of.successes = 0;
    const waitMs = rateLimit?.retryAfterMs ?? this.#backoff(of.refusals);
    of.pausedUntilMs = Math.max(of.pausedUntilMs, now + waitMs);
    // A provider that is down is not helped by fewer agents, only by later ones.
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

  /** As many successes as are allowed at once bring back one more. */
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
