/** The time axis: later is never left of earlier, what is folded is as long as it says, and ticks can be read. */
import { describe, expect, test } from "vitest";
import { FOLD_WIDTH, foldsOf, timeAxis } from "../../src/timeline/axis.ts";

const MINUTE = 60_000;

describe("folds", () => {
  const day = { from: 0, to: 24 * 60 * MINUTE };
  test("are what nothing worked in for longer than a twentieth of the time in which something did", () => {
    const busy = [
      { from: 0, to: 10 * MINUTE },
      { from: 5 * MINUTE, to: 20 * MINUTE },
      { from: 20.5 * MINUTE, to: 30 * MINUTE },
      { from: 600 * MINUTE, to: 610 * MINUTE },
    ];
    expect(foldsOf(day, { busy, gaps: [] })).toEqual([
      { from: 30 * MINUTE, to: 600 * MINUTE },
      { from: 610 * MINUTE, to: 1440 * MINUTE },
    ]);
  });

  test("are none where nothing worked at all, but for times without an engine", () => {
    expect(foldsOf(day, { busy: [], gaps: [] })).toEqual([]);
    expect(foldsOf(day, { busy: [], gaps: [{ from: 5, to: 10 }] })).toEqual([day]);
  });
});

describe("an axis", () => {
  const folds = [
    { from: 10 * MINUTE, to: 100 * MINUTE },
    { from: 110 * MINUTE, to: 400 * MINUTE },
  ];
  const axis = timeAxis({ from: 0, to: 420 * MINUTE }, folds, 1060);

  test("goes on, whatever is folded, from one end to the other", () => {
    let before = -1;
    for (let time = 0; time <= 420 * MINUTE; time += MINUTE / 4) {
      const x = axis.xOf(time);
      expect(x).toBeGreaterThanOrEqual(before);
      before = x;
    }
    expect([axis.xOf(0), axis.xOf(420 * MINUTE), axis.width]).toEqual([0, 1060, 1060]);
  });

  test("has the same scale outside of folds, and narrow strips for them", () => {
    const scale = axis.xOf(10 * MINUTE) / 10;
    expect(axis.xOf(110 * MINUTE) - axis.xOf(100 * MINUTE)).toBeCloseTo(10 * scale);
    expect(axis.xOf(100 * MINUTE) - axis.xOf(10 * MINUTE)).toBeCloseTo(FOLD_WIDTH);
    expect(axis.folds.map(({ ms }) => ms)).toEqual([90 * MINUTE, 290 * MINUTE]);
  });

  test("has ticks outside of folds that do not stand on each other, and say the time since the beginning", () => {
    const texts = axis.ticks.map(({ text }) => text);
    expect(texts[0]).toBe("0:00");
    expect(texts.at(-1)).toMatch(/^(6:4|7:0)/);
    const close = axis.ticks.filter(({ x }, at) => at > 0 && x - (axis.ticks[at - 1]?.x ?? 0) < 30);
    expect(close).toEqual([]);
  });

  test("of a moment or of days has ticks, too", () => {
    expect(timeAxis({ from: 5, to: 5 }, [], 500).ticks.map(({ text }) => text)).toEqual(["0 s"]);
    const texts = timeAxis({ from: 0, to: 250 }, [], 500).ticks.map(({ text }) => text);
    expect(texts).toEqual(["0 s", "0.05 s", "0.1 s", "0.15 s", "0.2 s", "0.25 s"]);
    expect(timeAxis({ from: 0, to: 9 * 24 * 60 * MINUTE }, [], 500).ticks.length).toBeGreaterThan(3);
  });
});
