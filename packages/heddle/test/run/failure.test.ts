import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { seededRandom } from "../../src/base/random.ts";
import { FAILURE_CLASSES, type Plan, type Retry, type Step } from "../../src/plan/plan.ts";
import { judgeRetry, retryDelayMs } from "../../src/run/retry.ts";
import { DryRun } from "../support/dry-run.ts";
import { causes, EXIT, failing, planOf, retry, run, step, steps, timeOf } from "./dry.ts";

describe("fail-fast", () => {
  test("cancels what runs, starts nothing more, skips dependents naming the step", () => {
    const plan = planOf([
      step("bad"),
      step("slow"),
      step("child", { deps: ["bad"] }),
      step("grand", { deps: ["child"] }),
      step("later", { deps: ["slow"] }),
    ]);
    const dry = run(plan, failing(["bad"], { bad: 10, slow: 1000 }));
    expect(dry.phases).toEqual({
      bad: "failed",
      slow: "cancelled",
      child: "skipped",
      grand: "skipped",
      later: "waiting",
    });
    expect(causes(dry)).toEqual({ child: "bad", grand: "bad" });
    expect(dry.events.at(-1)).toMatchObject({ type: "run.failed", data: { failed: ["bad"] } });
  });

  test("what is optional, or in something optional, has not failed the run", () => {
    const tolerated = {
      ...step("sub", { optional: true }),
      action: { kind: "plan", plan: planOf([step("in")]) },
    } as Step;
    const plan = { ...planOf([step("may", { optional: true }), tolerated, step("bad")]), failure: "continue" } as Plan;
    const dry = run(plan, failing(["may", "sub/in", "bad"]));
    expect(dry.phases).toMatchObject({ may: "failed", sub: "failed", "sub/in": "failed", bad: "failed" });
    expect(dry.events.at(-1)).toMatchObject({ type: "run.failed", data: { failed: ["bad"] } });
  });

  test("a step that waits for its next attempt is cancelled too", () => {
    const plan = planOf([step("bad"), step("flaky", { retry: retry(3, { delayMs: 1000 }) })]);
    const dry = run(plan, failing(["bad", "flaky"], { bad: 20, flaky: 5 }));
    expect(dry.phases).toEqual({ bad: "failed", flaky: "cancelled" });
  });

  test("a resume runs the cancelled, failed and skipped again and keeps successes", () => {
    const plan = planOf([
      step("ok"),
      step("bad", { deps: ["ok"] }),
      step("slow", { deps: ["ok"] }),
      step("end", { deps: ["bad", "slow"] }),
    ]);
    const first = run(plan, failing(["bad"], { ok: 1, bad: 10, slow: 1000 }));
    const second = DryRun.resume(first.events).run();
    expect(second.state.phase.tag).toBe("succeeded");
    expect(second.started.slice(first.started.length)).toEqual(["bad", "slow", "end"]);
    expect(timeOf(second, "step.succeeded", "ok")).toBe(1);
  });
});

describe("continue", () => {
  test("all that does not depend on the failure runs; causes are the first failed dep in plan order, whichever ended first", () => {
    const plan = planOf(
      [...steps({ x: [], y: [], both: ["y", "x"], next: ["both"], free: [] }), step("soft", { after: ["x"] })],
      { failure: "continue" },
    );
    for (const durations of [
      { x: 1, y: 50 },
      { x: 50, y: 1 },
    ]) {
      const dry = run(plan, failing(["x", "y"], durations));
      expect(dry.phases).toEqual({
        x: "failed",
        y: "failed",
        both: "skipped",
        next: "skipped",
        free: "succeeded",
        soft: "succeeded",
      });
      expect(causes(dry)).toEqual({ both: "x", next: "x" });
    }
  });

  test("an optional failure does not fail the run, its dependents are skipped", () => {
    for (const failure of ["fail-fast", "continue"] as const) {
      const dry = run(
        planOf([step("a", { optional: true }), step("b", { deps: ["a"] }), step("c")], { failure }),
        failing(["a"]),
      );
      expect(dry.phases).toEqual({ a: "failed", b: "skipped", c: "succeeded" });
      expect(dry.state.phase.tag).toBe("succeeded");
    }
  });
});

describe("cancel", () => {
  test("ends the run cancelled, resumable", () => {
    const dry = DryRun.start(planOf(steps({ a: [], b: ["a"] })), failing([], { a: 100 })).run(0);
    dry.halt = "cancel";
    dry.run();
    expect(dry.phases).toEqual({ a: "cancelled", b: "waiting" });
    expect(dry.events.at(-1)).toMatchObject({ type: "run.cancelled", data: { reason: "cancel" } });
    expect(DryRun.resume(dry.events).run().state.phase.tag).toBe("succeeded");
  });
});

describe("pause", () => {
  test("nothing starts until it is over; what runs goes on", () => {
    const dry = DryRun.start(planOf(steps({ a: [], b: ["a"] })), failing([], { a: 10 })).run(0);
    dry.tell({ type: "run.paused", data: { reason: "budget" } });
    dry.run();
    expect(dry.phases).toEqual({ a: "succeeded", b: "waiting" });
    dry.tell({ type: "run.unpaused", data: {} });
    expect(dry.run().state.phase.tag).toBe("succeeded");
  });
});

/** An independent reading of the documentation: attempts in all, waits in milliseconds. */
function modelWaits(policy: Retry, codes: readonly string[], random: () => number): readonly number[] {
  const waits: number[] = [];
  for (const [at, code] of codes.entries()) {
    const isListed = policy.on === undefined || (policy.on as readonly string[]).includes(code);
    if (!(FAILURE_CLASSES as readonly string[]).includes(code) || !isListed || at + 1 >= policy.attempts) return waits;
    let wait = policy.delayMs;
    for (let k = 0; k < at; k++) wait *= policy.factor;
    wait = wait > policy.maxDelayMs ? policy.maxDelayMs : wait;
    if (policy.jitter > 0) wait += wait * policy.jitter * (random() * 2 - 1);
    waits.push(Math.round(wait > policy.maxDelayMs ? policy.maxDelayMs : wait));
  }
  return waits;
}

const policies: fc.Arbitrary<Retry> = fc.record(
  {
    attempts: fc.integer({ min: 1, max: 8 }),
    delayMs: fc.integer({ min: 0, max: 5000 }),
    factor: fc.constantFrom(1, 1.5, 2, 3),
    maxDelayMs: fc.integer({ min: 0, max: 60_000 }),
    jitter: fc.constantFrom(0, 0.1, 0.5, 1),
    on: fc.uniqueArray(fc.constantFrom(...FAILURE_CLASSES), { minLength: 1, maxLength: 4 }),
  },
  { requiredKeys: ["attempts", "delayMs", "factor", "maxDelayMs", "jitter"] },
);

describe("retry (P8)", () => {
  test("1,000 patterns of policy and failures equal the model exactly", () => {
    fc.assert(
      fc.property(
        policies,
        fc.array(fc.constantFrom(...FAILURE_CLASSES, "rejected" as const), { minLength: 1, maxLength: 9 }),
        fc.integer(),
        (policy, codes, seed) => {
          const random = seededRandom(seed);
          const waits: number[] = [];
          for (const [at, code] of codes.entries()) {
            const verdict = judgeRetry({ ...step("a"), retry: policy }, { code, message: "" }, at + 1, 0, random);
            if (!verdict.retry) break;
            waits.push(verdict.delayMs);
          }
          expect(waits).toEqual(modelWaits(policy, codes, seededRandom(seed)));
        },
      ),
      { numRuns: 1000, seed: 8 },
    );
  });

  test("1,000 seeded runs try as often as the model says, and start again exactly when the wait is over", () => {
    fc.assert(
      fc.property(
        policies,
        fc.integer({ min: 0, max: 9 }),
        fc.integer({ min: 0, max: 2 ** 31 }),
        (policy, failures, seed) => {
          const dry = run(
            [step("a", { retry: policy })],
            { attempt: (_, attempt) => ({ durationMs: 7, ...(attempt <= failures && { error: EXIT }) }) },
            { seed },
          );
          const random = seededRandom(seed);
          const starts = dry.events.flatMap((event) => (event.type === "step.started" ? [event.time] : []));
          const waits: number[] = [];
          // The run's generator also chooses among attempts that end together: once per end.
          for (let attempt = 1; attempt <= failures; attempt++) {
            random();
            const next = modelWaits(
              policy,
              Array.from({ length: attempt }, () => "exit"),
              policy.jitter > 0 && attempt < policy.attempts ? onlyLast(attempt, random) : () => 0,
            );
            if (next.length < attempt) break;
            waits.push(next[attempt - 1] ?? 0);
          }
          const expected = [0];
          for (const wait of waits) expected.push((expected.at(-1) ?? 0) + 7 + wait);
          expect(starts).toEqual(expected);
          expect(dry.state.phase.tag).toBe(waits.length >= failures ? "succeeded" : "failed");
        },
      ),
      { numRuns: 1000, seed: 9 },
    );
  });

  test("a wait that would pass the total timeout is not begun", () => {
    const limited = { ...step("a"), retry: retry(5, { delayMs: 100, factor: 1 }), totalTimeoutMs: 250 };
    expect(judgeRetry(limited, EXIT, 1, 149, Math.random)).toEqual({ retry: true, delayMs: 100 });
    expect(judgeRetry(limited, EXIT, 1, 150, Math.random)).toEqual({ retry: false });
  });

  test("jitter stays within its share and below the longest delay", () => {
    const policy = retry(9, { delayMs: 1000, factor: 2, maxDelayMs: 5000, jitter: 0.1 });
    expect(retryDelayMs(policy, 1, () => 0)).toBe(900);
    expect(retryDelayMs(policy, 1, () => 1)).toBe(1100);
    expect(retryDelayMs(policy, 4, () => 1)).toBe(5000);
  });

  test("attempts before a resume do not count, those of a step that was waiting for its next one do", () => {
    const plan = planOf([step("flaky", { retry: retry(2, { delayMs: 50 }) }), step("slow")]);
    const script = failing(["flaky"], { flaky: 1, slow: 500 });
    const whole = run(plan, script);
    const retrying = whole.events.findIndex((event) => event.type === "step.failed") + 1;
    const second = DryRun.resume(whole.events.slice(0, retrying), script).run();
    expect(second.started.filter((id) => id === "flaky")).toHaveLength(2);
    const third = DryRun.resume(second.events, script).run();
    expect(third.started.filter((id) => id === "flaky")).toHaveLength(4);
  });

  test("nor does an adopted plan make them forgotten", () => {
    const plan = planOf([step("flaky", { retry: retry(2, { delayMs: 50 }) }), step("slow")], { failure: "continue" });
    const script = failing(["flaky"], { flaky: 1, slow: 500 });
    const whole = run(plan, script);
    const retrying = whole.events.findIndex((event) => event.type === "step.failed") + 1;
    const second = DryRun.resume(whole.events.slice(0, retrying), script, {
      plan: planOf([...plan.steps, step("new")], { failure: "continue" }),
    }).run();
    expect(second.started.filter((id) => id === "flaky")).toHaveLength(2);
  });
});

/** The generator for the last of `count` failures; the waits before it were drawn already. */
function onlyLast(count: number, random: () => number): () => number {
  let call = 0;
  return () => (++call < count ? 0 : random());
}
