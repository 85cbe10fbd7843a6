/** What a running attempt waits for, from what it reports: since when, why, until when. */
import { describe, expect, test } from "vitest";
import { type AttemptWait, waitAfter, waitText } from "../../src/run/attempt-wait.ts";
import type { JsonObject } from "../../src/base/json.ts";

/** After these reports, a second apart. */
function after(...reports: readonly JsonObject[]): AttemptWait | undefined {
  let wait: AttemptWait | undefined;
  for (const [at, data] of reports.entries()) wait = waitAfter(wait, { data, time: at * 1000 });
  return wait;
}

const PAUSED = { type: "waiting", for: "paused", provider: "p", ms: 30_000, class: "rate-limit", message: "slow down" };

describe("a wait", () => {
  test("says what for, why and until when", () => {
    expect(after(PAUSED)).toEqual({
      for: "provider",
      since: 0,
      until: 30_000,
      why: "p, which takes no requests (rate-limit: slow down)",
      provider: "p",
    });
    expect(after({ type: "waiting", for: "full", provider: "p" })).toMatchObject({ for: "agents" });
    expect(after({ type: "waiting", for: "worktree" })).toMatchObject({ for: "worktree" });
    const retrying = { type: "retrying", class: "overloaded", message: "529", rateLimit: { retryAfterMs: 500 } };
    expect(after(retrying)).toMatchObject({ for: "provider", until: 500, why: expect.stringContaining("529") });
    expect(after({ type: "repeating", class: "network", afterMs: 2000, message: "m" })).toMatchObject({ until: 2000 });
  });

  test("that goes on began when it began", () => {
    expect(after(PAUSED, { type: "notice", text: "n" }, PAUSED)).toMatchObject({ since: 0, until: 32_000 });
    expect(after(PAUSED, { type: "waiting", for: "worktree" })).toMatchObject({ since: 1000 });
  });

  test.each(["waited", "session", "tool", "permission", "plan"])("is over with a report of %s", (type) => {
    expect(after(PAUSED, { type })).toBeUndefined();
  });

  test("is told in one sentence, also where the agent reports nonsense", () => {
    const wait = after(PAUSED) as AttemptWait;
    expect(waitText(wait, 0)).toBe("waiting for p, which takes no requests (rate-limit: slow down), next try in 30.0s");
    expect(waitText(wait, 10_000)).toContain("waiting for 10.0s for p");
    expect(waitText(wait, 40_000)).toContain("next try in 0");
    expect(after({ type: "retrying", class: 3, message: {}, rateLimit: [], ms: "x" })).not.toHaveProperty("until");
  });
});
