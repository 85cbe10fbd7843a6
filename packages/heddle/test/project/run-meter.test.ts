/** The meter of runs: what it counts, and that it tells of each attempt once, whoever carried it out. */
import { describe, expect, test } from "vitest";
import { memoryJournal } from "../../src/journal/memory.ts";
import type { Journal, ReadOptions } from "../../src/journal/port.ts";
import { runMeter, type RunMeter } from "../../src/project/run-meter.ts";
import { DIAMOND, failed, started, succeeded } from "../view/histories.ts";
import { RecordedRun } from "./runs.ts";

/** A meter with what it told, and how many events were read for it. */
function metered(journal: Journal) {
  const told: string[] = [];
  const events = { read: 0 };
  const log = {
    marks: (member: string) => journal.marks(member),
    get: (run: string) => journal.get(run),
    async *read(run: string, options?: ReadOptions) {
      for await (const batch of journal.read(run, options)) {
        events.read += batch.length;
        yield batch;
      }
    },
  };
  const meter: RunMeter = runMeter(log, {
    queued: (ms) => told.push(`queued ${ms}`),
    ended: ({ kind, end, ms }) => told.push(`${kind} ${end} ${ms}`),
  });
  const toldNow = (): readonly string[] => told.splice(0);
  return { meter, told: toldNow, events };
}

const ended = { type: "run.failed", data: { durationMs: 1, failed: ["a"] } } as const;
const asked = {
  type: "approval.requested",
  step: "d",
  attempt: 1,
  data: { about: "step", question: "ship?" },
} as const;

describe("counts", () => {
  test("runs by status, and steps, attempts, slots and questions of those that have not ended", async () => {
    const journal = memoryJournal();
    const { meter } = metered(journal);
    expect(await meter.read()).toMatchObject({ runs: { running: 0, failed: 0 }, slots: { used: 0, total: 0 } });

    await (await new RecordedRun(journal, "live1", DIAMOND).begin()).record([started("a")]);
    const asking = await new RecordedRun(journal, "asks", DIAMOND).begin();
    await asking.record([started("a"), succeeded("a", 1), started("b"), succeeded("b", 1)]);
    await asking.record([started("c"), succeeded("c", 1), asked]);
    await asking.leave();
    const dead = await new RecordedRun(journal, "dead", DIAMOND).begin();
    await (await dead.record([started("a"), started("b")])).leave();
    await (await new RecordedRun(journal, "over", DIAMOND).begin()).record([started("a"), failed("a", 5), ended]);

    expect(await meter.read()).toEqual({
      runs: { running: 1, paused: 0, waiting: 1, succeeded: 0, failed: 1, cancelled: 0, interrupted: 1 },
      steps: {
        waiting: 5,
        running: 1,
        retrying: 0,
        succeeded: 3,
        failed: 0,
        cancelled: 0,
        skipped: 0,
        cached: 0,
        "needs-approval": 1,
        "needs-resolution": 0,
        interrupted: 2,
      },
      runningAttempts: 1,
      slots: { used: 1, total: 2 },
      needsYou: { approval: 1, interrupt: 0, conflict: 0, question: 0, permission: 0, interrupted: 1 },
    });
  });

  test("a run whose process died without a word as interrupted", async () => {
    const journal = memoryJournal();
    const { meter } = metered(journal);
    const run = await (await new RecordedRun(journal, "r1", DIAMOND).begin()).record([started("a")]);
    expect(await meter.read()).toMatchObject({ runs: { running: 1 }, runningAttempts: 1 });
    await run.leave();
    expect(await meter.read()).toMatchObject({ runs: { interrupted: 1 }, runningAttempts: 0, slots: { total: 0 } });
  });
});

describe("attempts", () => {
  test("are told once each, from the first reading on", async () => {
    const journal = memoryJournal();
    const { meter, told } = metered(journal);
    const run = await (await new RecordedRun(journal, "r1", DIAMOND).begin()).record([started("a")], 1000);
    await meter.read();
    expect(told()).toEqual([]);
    await run.record([started("b")], 1040);
    await run.record([succeeded("a", 90)], 1090);
    await meter.read();
    expect(told()).toEqual(["queued 40", "command succeeded 90"]);
    await run.record([failed("b", 70, 1, 10)], 1110);
    await run.record([started("b", 2)], 1120);
    await run.record([failed("b", 5, 2), { ...ended, data: { durationMs: 200, failed: ["b"] } }], 1125);
    await run.leave();
    await meter.read();
    expect(told()).toEqual(["command failed 70", "queued 10", "command failed 5"]);
    await meter.read();
    expect(told()).toEqual([]);
  });

  test("of a run that came, and of one that was taken up again, between two readings", async () => {
    const journal = memoryJournal();
    const { meter, told } = metered(journal);
    const old = await new RecordedRun(journal, "old", DIAMOND).begin();
    await old.record([started("a"), failed("a", 5), ended]);
    await meter.read();
    const resumed = { engine: "test", interrupted: [], reset: [] };
    await old.record([{ type: "run.resumed", data: resumed }, started("b")], 2000);
    await old.record([succeeded("b", 30), ended], 2030);
    await old.leave();
    const quick = await new RecordedRun(journal, "quick", DIAMOND).begin(3000);
    await (await quick.record([started("a"), failed("a", 7), ended], 3000)).leave();
    await meter.read();
    expect(told()).toEqual(["queued 0", "command succeeded 30", "queued 0", "command failed 7"]);
  });
});

test("what has not changed is not read again, and what goes on is read on", async () => {
  const journal = memoryJournal();
  const { meter, events } = metered(journal);
  for (const id of ["w1", "w2", "w3"]) await (await new RecordedRun(journal, id, DIAMOND).begin()).leave();
  const live = await new RecordedRun(journal, "live1", DIAMOND).begin();
  await meter.read();
  expect(events.read).toBe(8);
  await live.record([started("a")]);
  await meter.read();
  await meter.read();
  expect(events.read).toBe(9);
});

test("a damaged history is counted by its status, and stops nothing", async () => {
  const journal = memoryJournal();
  await (await new RecordedRun(journal, "bad", DIAMOND).begin()).record([started("a")]);
  await (await new RecordedRun(journal, "good", DIAMOND).begin()).record([started("a")]);
  const { HeddleError } = await import("../../src/base/errors.ts");
  const log = {
    marks: (member: string) => journal.marks(member),
    get: (run: string) => journal.get(run),
    read(run: string, options?: ReadOptions) {
      if (run === "bad") throw new HeddleError({ code: "JournalDamaged", message: "x" });
      return journal.read(run, options);
    },
  };
  const meter = runMeter(log, { queued: () => undefined, ended: () => undefined });
  expect(await meter.read()).toMatchObject({ runs: { running: 1, interrupted: 1 }, runningAttempts: 1 });
});
