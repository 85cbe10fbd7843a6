import { describe, expect, test } from "vitest";
import { BugError } from "../../src/base/assert.ts";
import { checkEvent } from "../../src/run/event-schema.ts";
import { EVENT_VERSION, type Event } from "../../src/run/event.ts";
import { climb, upgradeEvent, type UpgradeStep } from "../../src/run/upgrade.ts";
import { sample } from "./samples.ts";

/** An invented version 0 in which durations were seconds, and one before it in which outputs were called results. */
const steps = new Map<number, UpgradeStep>([
  [
    -1,
    (event) => {
      const { result, ...data } = event["data"] as { result: unknown };
      return { ...event, data: { ...data, output: result } };
    },
  ],
  [
    0,
    (event) => {
      const { duration, ...data } = event["data"] as { duration: number };
      return { ...event, data: { ...data, durationMs: duration * 1000 } };
    },
  ],
]);

describe("upgrade", () => {
  test("an event climbs one version at a time to the shape of today", () => {
    const { data: _, ...envelope } = sample("step.succeeded");
    const old = { ...envelope, data: { result: { n: 1 }, duration: 1.5 } };
    expect(checkEvent(old)).toBeDefined();
    const today = climb(old, -1, 1, steps);
    expect(checkEvent(today)).toBeUndefined();
    expect(today["data"]).toEqual({ output: { n: 1 }, durationMs: 1500 });
    expect(climb({ ...envelope, data: { output: 1, duration: 2 } }, 0, 1, steps)["data"]).toEqual({
      output: 1,
      durationMs: 2000,
    });
  });

  test("an event of the current version stays as it is", () => {
    const event = sample("step.failed");
    expect(upgradeEvent(event, EVENT_VERSION)).toBe(event);
  });

  test("version 1 recorded a reused result as a cached one, with the step's id as its key", () => {
    const { data: _, ...envelope } = sample("step.cached");
    const old = { ...envelope, data: { key: "a", from: "r0", output: [1] } };
    const today = upgradeEvent(old as Event, 1);
    expect(today).toEqual({ ...envelope, type: "step.reused", data: { from: "r0", output: [1] } });
    expect(checkEvent(today)).toBeUndefined();
    expect(upgradeEvent(sample("step.succeeded"), 1)).toEqual(sample("step.succeeded"));
  });

  test("a version that was never released is not guessed at", () => {
    expect(() => upgradeEvent(sample("run.started"), 0)).toThrow(BugError);
  });
});

test("a key of plans that was renamed has its name of today, also in plans inside plans", () => {
  const agents = (key: string): object => ({ default: "claude", worktrees: { max: 3, [key]: true } });
  const planWith = (key: string): object => ({
    name: "p",
    agents: agents(key),
    steps: [
      { id: "a", action: { kind: "plan", plan: { name: "q", agents: agents(key), steps: [] } } },
      { id: "b", action: { kind: "run", command: "true" }, output: { agents: { worktrees: { leaveOut: 1 } } } },
    ],
  });
  const created = {
    run: "r",
    seq: 1,
    time: 0,
    type: "run.created",
    data: { plan: planWith("leaveOut"), engine: "0.1.0" },
  };
  expect(upgradeEvent(created as unknown as Event, 1)).toEqual({
    ...created,
    data: { plan: planWith("allowOmitted"), engine: "0.1.0" },
  });
  const added = {
    run: "r",
    seq: 2,
    time: 0,
    type: "steps.added",
    step: "a",
    data: { kind: "siblings", ...planWith("leaveOut") },
  };
  expect(upgradeEvent(added as unknown as Event, 1)).toMatchObject({
    data: { steps: [{ action: { plan: { agents: agents("allowOmitted") } } }, {}] },
  });
});
