/** Lists of runs: a list with the patch after it is the later list. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { patchedRunList, runListPatch, type RunLine } from "../../src/view/list.ts";

function line(run: number, startedAt: number): RunLine {
  return { run: `r${run}`, startedAt } as RunLine;
}

/** Newest first: runs with greater numbers are newer. */
const list = fc
  .uniqueArray(fc.tuple(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 0, max: 2 })), {
    selector: ([run]) => run,
    maxLength: 12,
  })
  .map((lines) => lines.toSorted(([a], [b]) => b - a).map(([run, startedAt]) => line(run, startedAt)));

test("a patch makes the later list, or there is none", () => {
  let patches = 0;
  fc.assert(
    fc.property(list, list, (before, now) => {
      const patch = runListPatch(before, now);
      if (patch === undefined) return;
      patches++;
      expect(patchedRunList(before, patch)).toEqual(now);
    }),
  );
  expect(patches).toBeGreaterThan(0);
});

test("a patch has only what is new, other, or gone", () => {
  const before = [line(3, 0), line(2, 0), line(1, 0)];
  expect(runListPatch(before, [line(4, 0), line(3, 0), line(2, 1)])).toEqual({
    added: [line(4, 0)],
    changed: [line(2, 1)],
    gone: ["r1"],
  });
  // Older than what was there: it stands in the middle.
  expect(runListPatch([line(3, 0), line(1, 0)], before)).toBeUndefined();
});
