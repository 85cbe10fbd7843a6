/** Documents made of histories: statuses, times and sums, against values worked out by hand. */
import { describe, expect, test } from "vitest";
import { RunSchema } from "../../src/view/schemas.ts";
import { reportView } from "../../src/view/report.ts";
import { costText } from "../../src/view/cost-text.ts";
import { runView, type RunView } from "../../src/view/run-view.ts";
import { runStatus, stepCounts } from "../../src/view/status.ts";
import { waitNotice, waitOfStep } from "../../src/view/waits.ts";
import type { Event } from "../../src/run/event.ts";
import type { Plan } from "../../src/plan/plan.ts";
import type { RunSnapshot } from "../../src/view/history.ts";
import { DIAMOND, failed, history, read, started, succeeded, type Happening } from "./histories.ts";

function stateOf(events: readonly Event[]): RunSnapshot {
  const { state } = read(events);
  if (state === undefined) throw new Error("no state");
  return state;
}

function view(events: readonly Event[], live = false, now = 10_000): RunView {
  const { timeline } = read(events);
  const made = runView({
    state: stateOf(events),
    timeline,
    live,
    now,
    logFile: (step, attempt) => `/logs/${step}.${attempt}`,
  });
  RunSchema.parse(JSON.parse(JSON.stringify(made)));
  return made;
}

function statuses(made: RunView): string {
  return made.steps.map((step) => step.status).join(" ");
}

const HALF: readonly Happening[] = [
  [1010, started("a")],
  [1010, started("b")],
  [1110, succeeded("a", 100)],
];

describe("statuses", () => {
  test("a run in hand, and the same history without a holder", () => {
    const events = history(DIAMOND, HALF);
    expect(view(events, true)).toMatchObject({ status: "running", counts: { succeeded: 1, running: 1, waiting: 2 } });
    expect(statuses(view(events, true))).toBe("succeeded running waiting waiting");
    expect(view(events, false)).toMatchObject({
      status: "interrupted",
      counts: { succeeded: 1, running: 0, waiting: 3 },
    });
    expect(statuses(view(events, false))).toBe("succeeded interrupted waiting waiting");
  });

  test("an attempt that waits for its provider says since when, why, and until when", () => {
    const refused = { ms: 30_000, class: "rate-limit", message: "slow down" };
    const data = { type: "waiting", for: "paused", provider: "p", ...refused };
    const waits: readonly Happening[] = [...HALF, [2000, { type: "step.progress", step: "b", attempt: 1, data }]];
    const why = "p, which takes no requests (rate-limit: slow down), next try in";
    expect(view(history(DIAMOND, waits), true).steps[1]).toMatchObject({
      status: "running",
      why: `attempt 1, waiting for 8.0s for ${why} 22.0s`,
      waitsSince: 2000,
      until: 32_000,
    });
    expect(waitOfStep(stateOf(history(DIAMOND, waits)), "b", 3000)).toBe(`waiting for 1.0s for ${why} 29.0s`);
    expect(waitNotice(data, 2000)).toBe(`waiting for ${why} 30.0s`);
    // Its engine is gone: nothing waits.
    expect(view(history(DIAMOND, waits)).steps[1]).not.toHaveProperty("waitsSince");
    const goesOn: Happening = [9000, { type: "step.progress", step: "b", attempt: 1, data: { type: "waited" } }];
    const after = view(history(DIAMOND, [...waits, goesOn]), true).steps[1];
    expect([after?.waitsSince, after?.until]).toEqual([undefined, undefined]);
  });

  test("waits for a person only when nothing else can go on", () => {
    const asked: readonly Happening[] = [
      ...HALF,
      [1200, succeeded("b", 190)],
      [1200, started("c")],
      [1300, succeeded("c", 100)],
      [1300, { type: "approval.requested", step: "d", attempt: 1, data: { about: "step", question: "ship?" } }],
    ];
    const made = view(history(DIAMOND, asked));
    expect(made.status).toBe("waiting");
    expect(made.steps[3]).toMatchObject({ status: "needs-approval", question: "ship?", log: null });
    const beside = history(
      { ...DIAMOND, steps: [...DIAMOND.steps, { id: "e", action: { kind: "run", command: "e" } }] },
      asked,
    );
    expect(runStatus(stateOf(beside), false)).toBe("interrupted");
    expect(runStatus(stateOf(beside), true)).toBe("running");
  });

  test("an answer that no engine has acted on yet: the run waits, its step asks no more", () => {
    const answered: readonly Happening[] = [
      ...HALF,
      [1200, succeeded("b", 190)],
      [1200, started("c")],
      [1300, succeeded("c", 100)],
      [1300, { type: "approval.requested", step: "d", attempt: 1, data: { about: "step", question: "ship?" } }],
      [5000, { type: "approval.given", step: "d", attempt: 1, data: { decision: "approve", by: "ann" } }],
    ];
    const made = view(history(DIAMOND, answered));
    expect(made).toMatchObject({ status: "waiting", parallelMs: 300 });
    expect(made.steps[3]).toMatchObject({ status: "waiting", why: "approved by ann; resume continues with it" });
    expect(made.steps[3]).not.toHaveProperty("question");
  });

  test.each([
    [{ kind: "condition" }, 0],
    [{ kind: "up-to-date", output: 1 }, 1],
    [{ kind: "earlier", from: "r0", status: "failed" }, 0],
    [{ kind: "dependency", cause: "a" }, 0],
  ] as const)("a skipped step has its reason beside its status: %j", (reason, upToDate) => {
    const begin: readonly Happening[] =
      reason.kind === "dependency"
        ? [
            [1001, started("a")],
            [1002, failed("a", 1)],
          ]
        : [];
    const made = view(history(DIAMOND, [...begin, [1020, { type: "step.skipped", step: "b", data: { reason } }]]));
    expect(made.steps[1]).toMatchObject({ status: "skipped", reason: reason.kind });
    expect(made.counts).toMatchObject({ skipped: 1, upToDate });
    expect(made.steps[0]).not.toHaveProperty("reason");
  });

  test("failures, skips with their cause, retries and pauses", () => {
    const events = history(DIAMOND, [
      [1010, started("a")],
      [1020, failed("a", 10, 1, 500)],
      [1020, { type: "run.paused", data: { reason: "lunch" } }],
    ]);
    expect(view(events, true)).toMatchObject({ status: "paused", counts: { waiting: 4 } });
    expect(statuses(view(events, true))).toBe("retrying waiting waiting waiting");
    const ended = history(DIAMOND, [
      [1010, started("a")],
      [1020, failed("a", 10)],
      [1020, { type: "step.skipped", step: "c", data: { reason: { kind: "dependency", cause: "a" } } }],
      [1020, { type: "step.cached", step: "b", data: { key: "b", from: "r0", output: 1 } }],
      [1020, { type: "step.skipped", step: "d", data: { reason: { kind: "dependency", cause: "a" } } }],
      [1021, { type: "run.failed", data: { durationMs: 21, failed: ["a"] } }],
    ]);
    const made = view(ended);
    expect(made).toMatchObject({ status: "failed", endedAt: 1021 });
    expect(made.steps[0]).toMatchObject({ error: { code: "exit", exitCode: 2 }, log: "/logs/a.1", durationMs: 10 });
    expect(made.steps[1]).toMatchObject({ status: "cached", output: 1, log: null });
    expect(made.steps[3]).toMatchObject({ status: "skipped", cause: "a" });
  });

  test("says of no step that it runs, or is ready, where nobody works on the run", () => {
    const why = (events: readonly Event[], live = false): readonly string[] =>
      view(events, live).steps.map((step) => step.why);
    const plan: Plan = { ...DIAMOND, steps: [...DIAMOND.steps, { id: "e", action: { kind: "run", command: "e" } }] };
    const events = history(plan, HALF);
    expect(why(events).slice(1)).toEqual([
      "heddle died; resume runs it again",
      "waiting for b (interrupted)",
      "waiting for c (waiting)",
      "resume starts it",
    ]);
    expect(why(events, true).slice(1)).toEqual([
      "attempt 1, running for 9.0s",
      "waiting for b (running)",
      "waiting for c (waiting)",
      "ready",
    ]);
    const asks: Happening = [
      1100,
      { type: "approval.requested", step: "b", attempt: 1, data: { about: "permission", question: "may I?" } },
    ];
    expect(why(history(plan, [...HALF.slice(0, 2), asks]))[1]).toBe("heddle died; resume runs it again");
    const cancelled = history(plan, [
      ...HALF,
      [1120, { type: "step.cancelled", step: "b", attempt: 1, data: { reason: "cancel", durationMs: 110 } }],
      [1120, { type: "run.cancelled", data: { durationMs: 120, reason: "cancel" } }],
    ]);
    expect(why(cancelled).slice(2)).toEqual(Array(3).fill("not started: the run was cancelled"));
    const undone = history(plan, [
      ...HALF,
      [1120, failed("b", 110)],
      [1121, { type: "run.failed", data: { durationMs: 121, failed: ["b"] } }],
      [1200, { type: "rollback.started", data: { mode: "all", steps: ["a"] } }],
      [1210, { type: "step.rolledback", step: "a", data: { durationMs: 10 } }],
      [1210, { type: "rollback.ended", data: { undone: 1, failed: 0 } }],
    ]);
    expect(why(undone)).toEqual([
      "undone; resume runs it again",
      "exit code 2",
      ...Array(3).fill("not started: the run failed"),
    ]);
  });

  test("every step is in exactly one count", () => {
    const events = history(DIAMOND, [...HALF, [1120, failed("b", 110)]]);
    for (let length = 2; length <= events.length; length++) {
      for (const live of [true, false]) {
        const counts = stepCounts(stateOf(events.slice(0, length)), live);
        expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(4);
      }
    }
  });
});

describe("times", () => {
  const done = history(DIAMOND, [
    ...HALF,
    [1400, failed("b", 390, 1, 100)],
    [1500, started("b", 2)],
    [1700, succeeded("b", 200, 2)],
    [1700, started("c")],
    [2000, succeeded("c", 300)],
    [2000, { type: "approval.requested", step: "d", attempt: 1, data: { about: "step", question: "ship?" } }],
    [3000, { type: "approval.given", step: "d", attempt: 1, data: { decision: "approve", by: "me" } }],
    [3000, { type: "step.succeeded", step: "d", attempt: 1, data: { output: null, durationMs: 1000 } }],
    [3000, { type: "run.succeeded", data: { durationMs: 2000 } }],
  ]);

  test("sequential counts every attempt, not the person; parallel is the clock", () => {
    expect(view(done)).toMatchObject({ sequentialMs: 100 + 390 + 200 + 300, parallelMs: 2000, speedup: 0.5 });
    expect(view(done).criticalPathMs).toBe(200 + 300 + 1000);
  });

  test("a live run counts up to now", () => {
    expect(view(history(DIAMOND, HALF), true, 5000).parallelMs).toBe(4000);
    expect(view(history(DIAMOND, HALF), false, 5000).parallelMs).toBe(110);
  });

  test("time between two engines counts for nothing, and what ran there is interrupted", () => {
    const resumed = history(DIAMOND, [
      ...HALF,
      [100_000, { type: "run.resumed", data: { engine: "test", interrupted: ["b"], reset: [] } }],
      [100_010, started("b", 2)],
      [100_050, started("c")],
      [100_110, succeeded("b", 100, 2)],
    ]);
    const { timeline } = read(resumed);
    expect(timeline.parallelMs()).toBe(110 + 110);
    expect(timeline.spans().map((span) => [span.step, span.attempt, span.slot, span.status])).toEqual([
      ["a", 1, 0, "succeeded"],
      ["b", 1, 1, "interrupted"],
      ["b", 2, 0, "succeeded"],
      ["c", 1, 1, "running"],
    ]);
    expect(timeline.offset(100_110)).toBe(220);
  });

  test("what is recorded beside an engine counts for nothing: an answer, the landing of the work", () => {
    const given = done.findIndex(({ type }) => type === "approval.given");
    expect(view(done.slice(0, given + 1)).parallelMs).toBe(1000);
    const landed = { mode: "merge", integration: "i", commits: 1, branch: "main", commit: "c0ffee" };
    const later = [{ run: "r1", seq: done.length + 1, time: 900_000, type: "run.landed", data: landed } as Event];
    expect(view([...done, ...later])).toMatchObject({ parallelMs: 2000, speedup: 0.5 });
  });

  test("a wait takes no slot and is no work, and a signal that is recorded beside an engine counts for nothing", () => {
    const plan: Plan = { name: "w", steps: [{ id: "s", action: { kind: "signal", name: "go" } }] };
    const waits: readonly Happening[] = [
      [1000, { type: "step.started", step: "s", attempt: 1, data: { signal: "go" } }],
      [90_000, { type: "signal.received", data: { signal: "go", value: 1, by: "ada" } }],
    ];
    const come = view(history(plan, waits));
    expect([come.parallelMs, come.status, come.steps[0]]).toMatchObject([
      0,
      "waiting",
      { status: "waiting", log: null },
    ]);
    expect(come.steps[0]).not.toHaveProperty("signal");
    const ended = [...waits, [95_000, succeeded("s", 94_000)] as Happening];
    expect(view(history(plan, ended))).toMatchObject({ sequentialMs: 0, steps: [{ durationMs: 94_000 }] });
    expect(view(history(plan, waits.slice(0, 1))).steps[0]).toMatchObject({ signal: "go" });
  });

  test.each([
    [[], null, 0, undefined],
    [[0.25, 0.5], 0.75, 0, "0.75 USD"],
    [[0.25, undefined], 0.25, 1, "at least 0.25 USD (1 turn of agents told none)"],
    [[undefined, undefined], null, 2, "unknown (2 turns of agents told none)"],
    [[0], 0, 0, "0.00 USD"],
  ])("a cost is as known as it is: %j", (told, cost, turnsWithoutCost, text) => {
    const turns = told.map((usd): Happening => {
      const data = usd === undefined ? { agent: "x" } : { agent: "x", usd };
      return [1050, { type: "usage.recorded", step: "b", attempt: 1, data }];
    });
    const made = view(history(DIAMOND, [...HALF.slice(0, 2), ...turns]));
    expect(made).toMatchObject({ cost, turnsWithoutCost });
    expect(costText(made)).toBe(text);
  });

  test("a report names the critical path, utilisation and the slowest", () => {
    const { timeline } = read(done);
    const report = reportView({ state: stateOf(done), timeline, live: false, now: 0, logFile: () => null });
    expect(report.criticalPath).toEqual(["b", "c", "d"]);
    expect(report.utilisation).toBeCloseTo(990 / 4000, 2);
    expect(report.slowest[0]).toEqual({ step: "b", durationMs: 390 });
    expect(report.attempts).toBe(4);
  });

  test("a report measures the work by the slots that there were at each time", () => {
    const changed = history(DIAMOND, [
      [1000, { type: "run.options", data: { maxConcurrency: 8, by: "ada" } }],
      [1000, started("b")],
      [1500, { type: "run.options", data: { maxConcurrency: 1, by: "ada" } }],
      [2000, succeeded("b", 1000)],
    ]);
    const { timeline } = read(changed);
    const report = reportView({ state: stateOf(changed), timeline, live: false, now: 0, logFile: () => null });
    // Half a second with 8, half a second with 1.
    expect([report.slots, report.utilisation]).toEqual([1, Math.round((1000 / 4500) * 1000) / 1000]);
    expect(report.parallelMs).toBe(1000);
  });
});

test("slots are never shared: attempts with one slot do not overlap", () => {
  const steps = Array.from({ length: 30 }, (_, i) => ({ id: `s${i}`, action: { kind: "run" as const, command: "" } }));
  const happenings: Happening[] = [];
  for (let i = 0; i < 30; i++) {
    happenings.push(
      [1000 + i * 10, started(`s${i}`)],
      [1000 + i * 10 + 5 + ((i * 7) % 25), succeeded(`s${i}`, 5 + ((i * 7) % 25))],
    );
  }
  happenings.sort(([a], [b]) => a - b);
  const spans = read(history({ name: "many", steps }, happenings)).timeline.spans();
  for (const a of spans) {
    for (const b of spans) {
      if (a === b || a.slot !== b.slot) continue;
      expect((a.endedAt ?? 0) <= b.startedAt || (b.endedAt ?? 0) <= a.startedAt).toBe(true);
    }
  }
  expect(new Set(spans.map((span) => span.slot)).size).toBeLessThan(6);
});
