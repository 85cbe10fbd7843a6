/** The place in a list of any length: what the reader looks at stays, and every line can be reached. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MOST_PX, ScrollPlace, type ScrollSizes } from "../../src/logs/scroll-place.ts";

const VIEW = 600;
const ROW = 18;

function of(lines: number, more: Partial<ScrollSizes> = {}): ScrollPlace {
  const place = new ScrollPlace();
  place.resize({ lines, viewPx: VIEW, rowPx: ROW, ...more });
  return place;
}

/** Lines of 1 to 5 rows. */
const wrapped = (line: number): number => ROW * (1 + ((line * 7) % 5));

/** As a browser would: no further than there is way, and the page sets the bar where it must. */
function scroll(place: ScrollPlace, bar: { top: number }, by: number): void {
  bar.top = Math.min(Math.max(0, bar.top + by), place.heightPx - VIEW);
  place.scrolled(bar.top);
  if (!place.isShortOfWay) return;
  bar.top = place.topPx;
  place.wasSet(bar.top);
}

describe("a log that a browser can draw whole", () => {
  test("is scrolled as any page is", () => {
    const place = of(1000);
    expect(place.heightPx).toBe(18_000);
    place.scrolled(1809);
    expect(place.place).toEqual({ line: 101, px: 9 });
    expect(place.topPx).toBe(1809);
    expect(place.seen).toEqual([101, 134]);
    place.scrolled(18_000 - VIEW);
    expect([place.isAtEnd, place.seen[1]]).toEqual([true, 1000]);
  });

  test("shorter than the view is at its end and at its beginning", () => {
    const place = of(3);
    expect([place.heightPx, place.topPx, place.isAtEnd, place.seen]).toEqual([VIEW, 0, true, [1, 3]]);
    expect(of(0)).toMatchObject({ isAtEnd: true, heightPx: VIEW, topPx: 0 });
  });

  test("stays where it is when lines come, and goes to the end when told", () => {
    const place = of(1000);
    place.scrolled(900);
    place.resize({ lines: 5000, viewPx: VIEW, rowPx: ROW });
    expect([place.place.line, place.topPx]).toEqual([51, 900]);
    place.goToEnd();
    expect([place.isAtEnd, place.topPx]).toEqual([true, 5000 * ROW - VIEW]);
  });
});

describe.each([
  ["of 10 million lines", 10_000_000, {}],
  ["whose lines wrap", 3000, { heightOf: wrapped, meanPx: 54 }],
  ["of 10 million lines that wrap, higher than thought", 10_000_000, { heightOf: wrapped }],
  ["whose lines wrap, much lower than thought", 400, { heightOf: wrapped, meanPx: 400 }],
] as const)("a log %s", (_, lines, more) => {
  test("is no higher than a browser can draw", () => {
    expect(of(lines, more).heightPx).toBeLessThanOrEqual(MOST_PX);
  });

  test("moves by as much as the hand in short scrolls, and both ends are reached by them", () => {
    const place = of(lines, more);
    const bar = { top: 0 };
    for (let step = 0; step < 30; step++) scroll(place, bar, 100);
    const down = of(lines, more);
    down.moveBy(3000);
    expect(place.place).toEqual(down.place);
    for (let step = 0; step < 40; step++) scroll(place, bar, -100);
    expect(place.place).toEqual({ line: 1, px: 0 });
    place.goToEnd();
    bar.top = place.topPx;
    place.wasSet(bar.top);
    expect(bar.top).toBe(place.heightPx - VIEW);
    for (let step = 0; step < 20; step++) scroll(place, bar, -100);
    expect(place.isAtEnd).toBe(false);
    for (let step = 0; step < 25; step++) scroll(place, bar, 100);
    expect(place.isAtEnd).toBe(true);
  });

  test("goes to its parts with the bar", () => {
    const place = of(lines, more);
    const most = place.heightPx - VIEW;
    for (const share of [0.5, 0.25, 0.9, 0.1]) {
      place.scrolled(most * share);
      expect(place.place.line / lines).toBeCloseTo(share, 1);
      place.wasSet(place.topPx);
      expect(place.topPx / most).toBeCloseTo(share, 1);
    }
    place.scrolled(most);
    expect(place.isAtEnd).toBe(true);
    place.scrolled(0);
    expect(place.place).toEqual({ line: 1, px: 0 });
  });

  test("shows any line that is asked for", () => {
    const place = of(lines, more);
    for (const line of [1, 2, lines, Math.floor(lines / 2), lines - 1, 17]) {
      place.reveal(line);
      expect([line, place.isSeen(line)]).toEqual([line, true]);
      const before = place.place;
      place.reveal(line);
      expect(place.place).toEqual(before);
    }
  });

  test("the bar's place and the line's agree, and grow together", () => {
    const place = of(lines, more);
    let last = -1;
    for (let line = 1; line <= lines; line += Math.ceil(lines / 200)) {
      place.goTo({ line, px: 0 });
      expect(place.topPx).toBeGreaterThanOrEqual(last);
      last = place.topPx;
    }
  });
});

test("whatever happens, the place is in the log and the last line is not above the bottom", () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant("scroll" as const), by: fc.integer({ min: -5000, max: 5000 }) }),
    fc.record({ kind: fc.constant("lines" as const), lines: fc.nat(2000) }),
    fc.record({ kind: fc.constant("view" as const), viewPx: fc.integer({ min: 50, max: 900 }) }),
    fc.record({ kind: fc.constant("shift" as const), from: fc.nat(500), by: fc.integer({ min: -500, max: 500 }) }),
    fc.record({ kind: fc.constant("reveal" as const), line: fc.integer({ min: 1, max: 2000 }) }),
  );
  fc.assert(
    fc.property(fc.boolean(), fc.array(step, { maxLength: 30 }), (wraps, steps) => {
      let sizes: ScrollSizes = { lines: 300, viewPx: VIEW, rowPx: ROW, ...(wraps ? { heightOf: wrapped } : {}) };
      const place = new ScrollPlace();
      place.resize(sizes);
      for (const next of steps) {
        if (next.kind === "scroll") place.scrolled(Math.max(0, place.topPx + next.by));
        else if (next.kind === "shift") {
          place.shift(next.from, next.by);
          sizes = { ...sizes, lines: Math.max(0, sizes.lines + next.by) };
        } else if (next.kind === "reveal") place.reveal(Math.min(next.line, sizes.lines));
        else {
          sizes = { ...sizes, ...next };
          place.resize(sizes);
        }
        const { line, px } = place.place;
        expect(line).toBeGreaterThanOrEqual(1);
        expect(line).toBeLessThanOrEqual(Math.max(1, sizes.lines));
        expect(px).toBeGreaterThanOrEqual(0);
        const height = (one: number): number => (wraps ? wrapped(one) : ROW);
        let below = -px;
        for (let one = line; one <= sizes.lines && below < sizes.viewPx; one++) below += height(one);
        expect(line === 1 || below >= sizes.viewPx - 1).toBe(true);
        expect(place.topPx).toBeGreaterThanOrEqual(0);
        expect(place.topPx).toBeLessThanOrEqual(Math.max(0, place.heightPx - sizes.viewPx));
      }
    }),
  );
});

test("lines with guessed numbers take the place along", () => {
  const place = of(1000);
  place.goTo({ line: 900, px: 5 });
  place.shift(950, 10);
  expect(place.place).toEqual({ line: 900, px: 5 });
  place.shift(800, 300);
  expect(place.place).toEqual({ line: 1200, px: 5 });
  place.shift(800, -400);
  expect(place.place).toEqual({ line: 800, px: 5 });
});
