/** A run that is followed: what was given out at one seq, with the patches after it, is what is given out at a later one. */
import { describe, expect, test } from "vitest";
import type { Event, EventBody } from "../../src/run/event.ts";
import { liveReasons, patchedRun, type LiveRun, type RunPatch } from "../../src/view/live-run.ts";
import { documentProblems, followed, livenessProblems, patchProblems } from "../support/follow-run.ts";
import { fuzzRun } from "../support/fuzz-reducer.ts";
import { DIAMOND, failed, history, started, succeeded } from "./histories.ts";

/** More of them: `HEDDLE_SEEDS=500`; thousands each night. */
const SEEDS = Number(process.env["HEDDLE_SEEDS"] ?? 8);
const RUNS = Array.from({ length: SEEDS }, (_, at) => at + 1).map((seed) => [fuzzRun(seed), seed] as const);

test.each([
  ["a snapshot with the patches after it is the later snapshot, whatever the run and the moments (T19)", patchProblems],
  ["each event by itself, and the death and return of engines between any two, leave the same run", livenessProblems],
  ["it says what the whole document says: statuses, counts, times, and the kinds of reasons", documentProblems],
])("%s", (_name, problems) => {
  expect(RUNS.flatMap(([events, seed]) => problems(events, seed)).slice(0, 3)).toEqual([]);
});

describe("a patch", () => {
  const events = history(DIAMOND, [
    [1010, started("a")],
    [1010, started("b")],
    [1110, succeeded("a", 100)],
    [1120, failed("b", 110)],
  ]);

  test("has what has changed and nothing else", () => {
    const follower = followed(events.slice(0, 2));
    expect(follower.patch()).toBeUndefined();
    expect(follower.snapshot()?.steps.map(({ waits }) => waits)).toEqual(["ready", "ready", "deps", "deps"]);
    expect(follower.patch()).toBeUndefined();
    follower.add(events[2] as Event);
    expect(follower.patch()).toMatchObject({
      from: 2,
      to: 3,
      ops: [
        { op: "head", set: { progress: { slots: 1 } } },
        { op: "rows", rows: [[0, { status: "running", attempts: 1, startedAt: 1010, waits: null }]] },
      ],
    });
  });

  test("tells another number of slots, and what is short by it", () => {
    const follower = followed(history(DIAMOND, [[1010, started("a")]]));
    follower.snapshot();
    const [, , , set] = history(DIAMOND, [
      [1010, started("a")],
      [1020, { type: "run.options", data: { maxConcurrency: 1, by: "ada" } }],
    ]);
    follower.add(set as Event);
    expect(follower.patch()?.ops).toEqual([
      { op: "head", set: { parallelMs: 20, progress: { ended: 0, total: 4, slots: 1, maxConcurrency: 1 } } },
      { op: "queues", queues: [[0, [{ kind: "slot", have: 0, want: 1, of: 1 }]]] },
    ]);
  });

  test("counts the files of merged work, each once", () => {
    const merged = (attempt: number, files: readonly string[]): EventBody => ({
      type: "worktree.merged",
      step: "a",
      attempt,
      data: { branch: "i", commit: "c", onto: "o", captured: "k", ref: "r", files },
    });
    const plan = { name: "p", steps: [{ id: "a", action: { kind: "agent", prompt: "x" } as const }] };
    const events = history(plan, [
      [1010, started("a")],
      [1020, merged(1, ["x", "y"])],
      [1030, merged(1, ["y", "z"])],
    ]);
    expect([3, 4, 5].map((count) => followed(events.slice(0, count)).snapshot()?.steps[0]?.files)).toEqual([
      null,
      2,
      3,
    ]);
  });

  test("that begins elsewhere is refused", () => {
    const follower = followed(events.slice(0, 3));
    const run = follower.snapshot() as LiveRun;
    follower.add(events[3] as Event);
    follower.patch();
    follower.add(events[4] as Event);
    expect(patchedRun(run, follower.patch() as RunPatch)).toBeUndefined();
  });

  test("what is short in a queue is said once, and not in each of its steps", () => {
    const steps = Array.from({ length: 50 }, (_, at) => ({
      id: `s${at}`,
      action: { kind: "run", command: "x" } as const,
    }));
    const follower = followed(history({ name: "wide", steps }, []));
    follower.snapshot();
    const two = history({ name: "wide", steps }, [
      [1010, started("s0")],
      [1010, started("s1")],
      [1020, succeeded("s0", 10)],
    ]);
    for (const event of two.slice(2, 4)) follower.add(event);
    const full = follower.patch()?.ops ?? [];
    expect(full.find(({ op }) => op === "rows")).toMatchObject({ rows: { length: 2 } });
    expect(full.find(({ op }) => op === "queues")).toEqual({
      op: "queues",
      queues: [[0, [{ kind: "slot", have: 0, want: 1, of: 2 }]]],
    });
    expect(liveReasons(follower.snapshot() as LiveRun, 49, 0)).toMatchObject([{ kind: "slot", of: 2 }]);
    follower.add(two[4] as Event);
    expect(follower.patch()?.ops.find(({ op }) => op === "queues")).toEqual({ op: "queues", queues: [[0, []]] });
  });

  test("tells what a running attempt waits for, and what it has cost", () => {
    const step = { step: "a", attempt: 1 } as const;
    const costs = { agent: "x", usd: 0.25 };
    const all = history(DIAMOND, [
      [1010, started("a")],
      [1020, { type: "step.progress", ...step, data: { type: "waiting", for: "paused", provider: "p", ms: 500 } }],
      [1030, { type: "usage.recorded", ...step, data: costs }],
      [1040, { type: "usage.recorded", ...step, data: costs }],
      [1050, { type: "step.progress", step: "b", attempt: 1, data: { type: "waiting", for: "lock", run: "r2" } }],
    ]);
    const follower = followed(all.slice(0, 3));
    follower.snapshot();
    const rows = all.slice(3).map((event) => {
      follower.add(event);
      return follower.patch()?.ops.find(({ op }) => op === "rows");
    });
    expect(rows).toEqual([
      { op: "rows", rows: [[0, { waits: "rate-limit", until: 1520 }]] },
      { op: "rows", rows: [[0, { cost: 0.25 }]] },
      { op: "rows", rows: [[0, { cost: 0.5 }]] },
      { op: "rows", rows: [[1, { waits: "foreign-lock" }]] },
    ]);
    expect(follower.snapshot()?.head).toMatchObject({ cost: 0.5, turnsWithoutCost: 0 });
  });
});
