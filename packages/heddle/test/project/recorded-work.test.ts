/** Which commits a step's work is, by what is recorded of its attempts. */
import { expect, test } from "vitest";
import type { Event } from "../../src/run/event.ts";
import { RecordedWorks, type RecordedWork } from "../../src/project/recorded-work.ts";

type Recorded = Pick<Extract<Event, { readonly step: string }>, "type"> & {
  readonly attempt: number;
  readonly data: object;
};

const begins = (attempt: number): Recorded => ({ type: "worktree.created", attempt, data: { base: `base${attempt}` } });
const leaves = (attempt: number, captured = `left${attempt}`): Recorded => ({
  type: "usage.recorded",
  attempt,
  data: { captured },
});
const merges = (attempt: number): Recorded => ({
  type: "worktree.merged",
  attempt,
  data: { onto: `base${attempt}`, commit: `merge${attempt}`, files: [] },
});
const left = (attempt: number): RecordedWork => ({
  kind: "captured",
  base: `base${attempt}`,
  commit: `left${attempt}`,
  attempt,
});
const merged = (attempt: number): RecordedWork => ({ kind: "merged", from: `base${attempt}`, to: `merge${attempt}` });

test.each<readonly [string, readonly Recorded[], RecordedWork | undefined]>([
  ["nothing", [], undefined],
  ["nothing yet", [begins(1)], undefined],
  ["what an attempt left", [begins(1), leaves(1)], left(1)],
  [
    "what an attempt left that changed nothing",
    [begins(1), leaves(1, "base1")],
    { ...left(1), commit: "base1" } as RecordedWork,
  ],
  ["what was merged of it", [begins(1), leaves(1), merges(1)], merged(1)],
  ["what was merged of it, though more was recorded", [begins(1), merges(1), leaves(1)], merged(1)],
  ["what an attempt left after a merge", [begins(1), leaves(1), merges(1), begins(2), leaves(2)], left(2)],
  [
    "the merge, where nothing was changed after it",
    [begins(1), leaves(1), merges(1), begins(2), leaves(2, "base2")],
    merged(1),
  ],
  ["the last merge", [begins(1), leaves(1), merges(1), begins(2), leaves(2), merges(2)], merged(2)],
])("is %s", (_, events, expected) => {
  const works = new RecordedWorks();
  for (const [at, event] of events.entries())
    works.add({ ...event, run: "r", seq: at + 1, time: at, step: "s" } as unknown as Event);
  expect(works.of("s")).toEqual(expected);
});
