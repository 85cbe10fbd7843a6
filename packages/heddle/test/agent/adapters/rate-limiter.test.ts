import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Permit, RateLimiter } from "../../../src/agent/adapters/rate-limiter.ts";

function limiter(maxAgents: number): { readonly it: RateLimiter; readonly pass: (ms: number) => void } {
  let now = 1_000_000;
  return {
    it: new RateLimiter({ maxAgents, now: () => now, firstPauseMs: 1000, longestPauseMs: 8000 }),
    pass: (ms) => (now += ms),
  };
}

/** A place that is there for the taking. */
function begun(it: RateLimiter, provider: string): Permit {
  const said = it.ask(provider);
  if (!said.ok) throw new Error(`no place: ${said.reason}`);
  return said.permit;
}

describe("the limiter", () => {
  test("pauses for as long as the provider says, and no other provider", () => {
    const { it, pass } = limiter(8);
    const one = begun(it, "anthropic");
    it.ended(one, "rate-limit", { provider: "anthropic", retryAfterMs: 7000, message: "slow down" });
    const because = { class: "rate-limit", message: "slow down" };
    expect(it.ask("anthropic")).toEqual({ ok: false, reason: "paused", untilMs: 1_007_000, because });
    expect(it.ask("openai").ok).toBe(true);
    pass(6999);
    expect(it.ask("anthropic").ok).toBe(false);
    pass(1);
    expect(it.ask("anthropic").ok).toBe(true);
  });

  test("one flood halves once; the next flood, of attempts begun since, again; down to one", () => {
    const { it, pass } = limiter(8);
    const first = Array.from({ length: 8 }, () => begun(it, "p"));
    for (const one of first) it.ended(one, "rate-limit");
    expect(it.state()).toMatchObject([{ allowed: 4, refusals: 1, running: 0 }]);
    for (const allowed of [2, 1, 1]) {
      pass(10_000);
      const wave = Array.from({ length: it.state()[0]?.allowed ?? 0 }, () => begun(it, "p"));
      for (const one of wave) it.ended(one, "rate-limit");
      expect(it.state()[0]?.allowed).toBe(allowed);
    }
  });

  test("waits longer each time where nobody says how long, up to a bound", () => {
    const { it, pass } = limiter(4);
    const waits: number[] = [];
    for (let i = 0; i < 6; i++) {
      pass(100_000);
      const one = begun(it, "p");
      it.ended(one, "rate-limit");
      const said = it.ask("p");
      waits.push(said.ok ? 0 : (said.untilMs ?? 0) - (1_000_000 + 100_000 * (i + 1)));
    }
    expect(waits).toEqual([1000, 2000, 4000, 8000, 8000, 8000]);
  });

  test("successes bring agents back one by one", () => {
    const { it, pass } = limiter(4);
    const wave = Array.from({ length: 4 }, () => begun(it, "p"));
    for (const one of wave) it.ended(one, "rate-limit");
    const seen: (number | undefined)[] = [];
    for (let i = 0; i < 10; i++) {
      pass(10_000);
      it.ended(begun(it, "p"));
      seen.push(it.state()[0]?.allowed);
    }
    expect(seen).toEqual([2, 3, 3, 3, 4, 4, 4, 4, 4, 4]);
  });

  test("an overloaded provider is waited for with as many agents as before", () => {
    const { it } = limiter(6);
    const one = begun(it, "p");
    begun(it, "p");
    it.ended(one, "overloaded");
    expect(it.state()).toMatchObject([{ allowed: 6, running: 1 }]);
    expect(it.ask("p").ok).toBe(false);
  });

  test("a place is taken by asking: no more are let in than are allowed, however late they start", () => {
    const { it, pass } = limiter(8);
    const wave = Array.from({ length: 8 }, () => begun(it, "p"));
    for (const one of wave) it.ended(one, "rate-limit");
    pass(10_000);
    const said = Array.from({ length: 8 }, () => it.ask("p"));
    expect(said.map(({ ok }) => ok)).toEqual([true, true, true, true, false, false, false, false]);
    expect(said.at(-1)).toEqual({ ok: false, reason: "full" });
  });

  test("a place given back says nothing of the provider: neither that it serves nor that it does not", () => {
    const { it, pass } = limiter(4);
    for (const one of Array.from({ length: 4 }, () => begun(it, "p"))) it.ended(one, "rate-limit");
    pass(10_000);
    for (let i = 0; i < 9; i++) it.release(begun(it, "p"));
    expect(it.state()).toMatchObject([{ allowed: 2, running: 0, refusals: 1 }]);
    const one = begun(it, "p");
    it.ended(one);
    it.release(one);
    it.ended(one, "rate-limit");
    expect(it.state()).toMatchObject([{ running: 0, refusals: 0 }]);
    expect(it.ask("p").ok).toBe(true);
  });

  test("other failures say nothing of the provider", () => {
    const { it } = limiter(2);
    it.ended(begun(it, "p"), "auth");
    expect(it.ask("p").ok).toBe(true);
  });

  test("keeps its bounds whatever happens", () => {
    const act = fc.record({
      pass: fc.nat(20_000),
      what: fc.constantFrom("start", "ok", "rate-limit", "overloaded", "quota", "crash" as const),
      retryAfterMs: fc.option(fc.nat(60_000), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.array(act, { maxLength: 200 }), (maxAgents, acts) => {
        const { it, pass } = limiter(maxAgents);
        const running: Permit[] = [];
        for (const { what, retryAfterMs, pass: ms } of acts) {
          pass(ms);
          if (what === "start") {
            const said = it.ask("p");
            if (said.ok) running.push(said.permit);
          } else {
            const one = running.shift();
            if (one === undefined) continue;
            const limit = retryAfterMs === undefined ? undefined : { provider: "p", retryAfterMs };
            it.ended(one, what === "ok" ? undefined : what, limit);
          }
          for (const state of it.state()) {
            expect(state.allowed).toBeGreaterThanOrEqual(1);
            expect(state.allowed).toBeLessThanOrEqual(maxAgents);
            expect(state.running).toBe(running.length);
            expect(state.running).toBeLessThanOrEqual(maxAgents);
          }
        }
        // It never holds anybody back for ever.
        while (running.length > 0) it.ended(running.pop() as Permit);
        pass(100_000);
        expect(it.ask("p").ok).toBe(true);
      }),
    );
  });
});
