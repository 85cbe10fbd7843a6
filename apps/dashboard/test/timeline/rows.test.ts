/** Rows of a timeline, what is drawn of them, counters, and texts. */
import { describe, expect, test } from "vitest";
import { barParts } from "../../src/timeline/bar-text.ts";
import { timeAxis } from "../../src/timeline/axis.ts";
import { countSteps } from "../../src/timeline/counters.ts";
import { LEAST_BAR_WIDTH, packedBars } from "../../src/timeline/packed.ts";
import { FirstExpected, lateBy } from "../../src/timeline/late.ts";
import type { RowBar, RowsInput } from "../../src/timeline/row-bars.ts";
import { timelineRows } from "../../src/timeline/rows.ts";
import { merged, type TimelineData } from "../../src/timeline/timeline-data.ts";
import { bar, liveStep } from "./bars.ts";

const INPUT: RowsInput = {
  bars: [
    bar("a", 0, 100),
    bar("b", 20, 60, { slot: 1, status: "failed", readyAt: 10, queuedMs: 10, queuedBy: "pool" }),
    bar("b", 80, 150, { slot: 1, attempt: 2, agent: "claude", model: "opus" }),
    bar("ask", 100, null, { kind: "approval", slot: -1 }),
    bar("ask2", 110, 120, { kind: "approval", slot: -1 }),
  ],
  steps: [
    liveStep("a"),
    liveStep("b"),
    liveStep("c", { status: "waiting", attempts: 0, endedAt: null }),
    liveStep("ask", { status: "needs-approval", endedAt: null }),
    liveStep("ask2"),
    liveStep("old", { status: "cached", attempts: 0, endedAt: 5 }),
  ],
  forecast: [{ step: "c", startsAt: 200, endsAt: 260 }],
  attempts: "all",
  q: "",
};

const rowsOf = (mode: Parameters<typeof timelineRows>[0], more: Partial<RowsInput> = {}) =>
  timelineRows(mode, { ...INPUT, ...more }).map(({ label, bars }) => [
    label,
    bars.map(({ step, look }) => `${step} ${look}`),
  ]);

describe("rows", () => {
  test("by step stand in the order in which they began, with what is expected last", () => {
    expect(rowsOf("step")).toEqual([
      ["a", ["a succeeded"]],
      ["old", ["old cached"]],
      ["b", ["b failed", "b succeeded"]],
      ["ask", ["ask asked"]],
      ["ask2", ["ask2 asked"]],
      ["c", ["c expected"]],
    ]);
  });

  test("by slot have each bar once, and those without a slot in as many rows as overlap", () => {
    expect(rowsOf("slot")).toEqual([
      ["Slot 1", ["a succeeded"]],
      ["Slot 2", ["b failed", "b succeeded"]],
      ["Without a slot", ["ask asked"]],
      ["", ["ask2 asked"]],
    ]);
  });

  test("by agent and model", () => {
    expect(rowsOf("agent")).toEqual([
      ["Commands", ["a succeeded"]],
      ["", ["b failed"]],
      ["People", ["ask asked"]],
      ["", ["ask2 asked"]],
      ["claude · opus", ["b succeeded"]],
    ]);
  });

  test("are narrowed to last attempts, to steps that were retried, and by text", () => {
    expect(rowsOf("step", { attempts: "last", q: "B" })).toEqual([["b", ["b succeeded"]]]);
    expect(rowsOf("slot", { attempts: "retried" })).toEqual([["Slot 2", ["b failed", "b succeeded"]]]);
    expect(rowsOf("step", { q: "nothing" })).toEqual([]);
  });

  test("never have bars that overlap, whatever runs at the same time", () => {
    const bars = Array.from({ length: 60 }, (_, at) =>
      bar(`s${at}`, (at * 37) % 100, ((at * 37) % 100) + 5 + ((at * 13) % 40), { slot: -1, kind: "approval" }),
    );
    for (const mode of ["slot", "agent"] as const) {
      const rows = timelineRows(mode, { ...INPUT, bars, steps: [], forecast: [] });
      expect(rows.flatMap((row) => row.bars).length).toBe(60);
      const overlaps = rows.flatMap(({ bars: own }) => own.filter(({ from }, at) => from < (own[at - 1]?.to ?? 0)));
      expect(overlaps).toEqual([]);
    }
  });
});

test("what is expected begins now at the earliest, and what comes behind it as much later", () => {
  const forecast = [
    { step: "d", startsAt: 160, endsAt: 200 },
    { step: "a", startsAt: 0, endsAt: 50 },
    { step: "c", startsAt: 100, endsAt: 160 },
  ];
  const steps = [
    liveStep("a", { status: "running", endedAt: null }),
    liveStep("c", { status: "waiting", endedAt: null }),
  ];
  const first = new FirstExpected();
  const late = (now: number): number => lateBy(first.at(forecast, steps), now);
  expect([late(90), late(130)]).toEqual([0, 30]);
  expect(first.at(forecast, [liveStep("a"), liveStep("c")])).toBe(160);
  expect(lateBy(first.at([], steps), 500)).toBe(0);
  const expected = timelineRows("step", { ...INPUT, bars: [], steps, forecast }).flatMap(({ bars }) => bars);
  const axis = timeAxis({ from: 0, to: 1000 }, [], 1000);
  expect(packedBars(expected, axis, 130, 30)).toMatchObject([{ x: 130, width: 60 }]);
});

describe("drawn bars", () => {
  const axis = timeAxis({ from: 0, to: 10_000 }, [], 1000);
  const rowBars = (bars: RowsInput["bars"]): readonly RowBar[] =>
    timelineRows("slot", { ...INPUT, bars, steps: [], forecast: [] })[0]?.bars ?? [];

  test("are wide enough to be hit, with the time before in which they waited", () => {
    const [first, second] = packedBars(
      rowBars([bar("a", 0, 1), bar("b", 5000, 6000, { readyAt: 4000, queuedMs: 1000 })]),
      axis,
      0,
    );
    expect(first).toMatchObject({ x: 0, width: LEAST_BAR_WIDTH, lead: 0, count: 1 });
    expect(second).toMatchObject({ x: 500, width: 100, lead: 100 });
  });

  test("that would stand on each other are one, that says how many and shows what failed", () => {
    const tiny = Array.from({ length: 100 }, (_, at) =>
      bar(`s${at}`, at * 2, at * 2 + 1, at === 50 ? { status: "failed" } : {}),
    );
    const packed = packedBars(rowBars([...tiny, bar("far", 9000, 9900)]), axis, 0);
    expect(packed.reduce((sum, { count }) => sum + count, 0)).toBe(101);
    expect(packed.length).toBeLessThan(10);
    expect(packed.find(({ look }) => look === "failed")?.count).toBeGreaterThan(1);
    expect(packed.at(-1)).toMatchObject({ count: 1, x: 900 });
  });

  test("that go on end where it is now", () => {
    expect(packedBars(rowBars([bar("a", 1000, null)]), axis, 3000)).toMatchObject([{ x: 100, width: 200 }]);
  });
});

test("counters have the slots in use, and what was ready besides, at each moment", () => {
  const bars = [
    bar("a", 0, 100),
    bar("b", 50, 100, { readyAt: 10, queuedMs: 40 }),
    bar("c", 100, null),
    bar("q", 0, 90, { kind: "approval", slot: -1 }),
  ];
  expect(countSteps(bars)).toEqual([
    { at: 0, used: 1, queued: 0 },
    { at: 10, used: 1, queued: 1 },
    { at: 50, used: 2, queued: 0 },
    { at: 100, used: 1, queued: 0 },
  ]);
});

test("what is said of a bar has its wait, its time, who did it, and its error", () => {
  const [row] = timelineRows("slot", {
    ...INPUT,
    steps: [],
    forecast: [],
    bars: [
      bar("b", 60_000, 90_000, {
        attempt: 2,
        status: "failed",
        readyAt: 48_000,
        queuedMs: 12_000,
        queuedBy: "agent-slot",
        agent: "claude",
        model: "opus",
        note: "exit 2",
      }),
    ],
  });
  expect(barParts(row?.bars[0] as RowBar, { start: 0, now: 0 }).join(", ")).toBe(
    "b, attempt 2, failed, ready, waited 12 s for a place for agents, ran 30 s, from 1:00, claude, opus, exit 2",
  );
});

test("bars that are asked for again take the place of those that had not ended", () => {
  const data = (bars: RowsInput["bars"]) => ({ seq: bars.length, bars }) as unknown as TimelineData;
  const after = merged(data([bar("a", 0, 5), bar("b", 1, null)]), data([bar("b", 1, 7), bar("c", 8, null)]));
  expect(after.bars.map(({ step, endedAt }) => [step, endedAt])).toEqual([
    ["a", 5],
    ["b", 7],
    ["c", null],
  ]);
});
