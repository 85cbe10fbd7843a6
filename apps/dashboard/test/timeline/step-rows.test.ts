/** Rows by step that are kept from one state of a run to the next are those that would be made anew. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { TimelineBar } from "heddle/client";
import type { LiveStep } from "heddle/view";
import type { RowsInput } from "../../src/timeline/row-bars.ts";
import { StepRows } from "../../src/timeline/step-rows.ts";
import { bar, liveStep } from "./bars.ts";

const STEPS = Array.from({ length: 40 }, (_, at) =>
  liveStep(`s${at}`, {
    status: "waiting",
    attempts: 0,
    startedAt: null,
    endedAt: null,
    parent: at % 5 === 0 ? null : 0,
  }),
);
const BEGIN: RowsInput = { bars: [], steps: STEPS, forecast: [], attempts: "all", q: "" };

const step = fc.nat({ max: STEPS.length - 1 });
const time = fc.nat({ max: 50 });

type Change = (input: RowsInput) => RowsInput;

const put = <T>(all: readonly T[], at: number, one: (before: T | undefined) => T): readonly T[] =>
  all.map((before, place) => (place === at ? one(before) : before));

const began =
  (at: number, startedAt: number): Change =>
  ({ steps, bars, ...rest }) => {
    const attempts = (steps[at]?.attempts ?? 0) + 1;
    const running: Partial<LiveStep> = { status: "running", attempts, startedAt, endedAt: null };
    const added: TimelineBar = bar(`s${at}`, startedAt, null, { attempt: attempts });
    return { ...rest, steps: put(steps, at, (one) => ({ ...(one as LiveStep), ...running })), bars: [...bars, added] };
  };

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.tuple(step, time).map(([at, startedAt]) => began(at, startedAt)),
  fc.tuple(fc.nat({ max: 60 }), time).map(([at, endedAt]): Change => ({ bars, ...rest }) => ({
    ...rest,
    bars: put(bars, at, (one) => ({ ...(one as TimelineBar), endedAt, status: "failed" })),
  })),
  fc.tuple(step, time).map(([at, endedAt]): Change => ({ steps, ...rest }) => ({
    ...rest,
    steps: put(steps, at, (one) => ({ ...(one as LiveStep), status: "cached", endedAt })),
  })),
  fc.array(fc.tuple(step, time), { maxLength: 20 }).map((all): Change => (input) => ({
    ...input,
    forecast: all.map(([at, startsAt]) => ({ step: `s${at}`, startsAt, endsAt: startsAt + 5 })),
  })),
  fc.constantFrom<RowsInput["attempts"]>("all", "last", "retried").map((attempts): Change => (input) => ({
    ...input,
    attempts,
  })),
  fc.constantFrom("", "1", "S2").map((q): Change => (input) => ({ ...input, q })),
  fc.nat({ max: 5 }).map((count): Change => (input) => ({ ...input, bars: input.bars.slice(count) })),
  step.map((at): Change => ({ steps, ...rest }) => ({
    ...rest,
    steps: [...steps, liveStep(`new${at} ${steps.length}`)],
  })),
);

test("whatever happens, and in whatever order", () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
      const kept = new StepRows();
      let input = BEGIN;
      for (const one of changes) {
        input = one(input);
        expect(kept.update(input)).toEqual(new StepRows().update(input));
      }
    }),
    { numRuns: 100 },
  );
});

test("what has not changed is not made anew, and the same rows are the same array", () => {
  const kept = new StepRows();
  const before = kept.update(BEGIN);
  const input = began(7, 3)(BEGIN);
  const after = kept.update(input);
  expect(after.filter((row) => !before.includes(row)).map(({ key }) => key)).toEqual(["s7"]);
  expect(after[0]?.key).toBe("s7");
  expect(kept.update({ ...input })).toBe(after);
});
