/** Replay over kept cursors: whoever went where before, a run at an event is the one that its history gives. */
import { expect, test } from "vitest";
import { memoryJournal } from "../../src/journal/memory.ts";
import { ReplayCursors } from "../../src/project/replay-cursors.ts";
import { RunSnapshots } from "../../src/project/run-snapshots.ts";
import type { Event } from "../../src/run/event.ts";
import { RunFollower } from "../../src/view/follower.ts";
import { patchedRun, type LiveRun } from "../../src/view/live-run.ts";
import type { LiveRunAt } from "../../src/view/run-replay.ts";
import { fuzzRun } from "../support/fuzz-reducer.ts";
import { leaseOfNew } from "../support/suites/journal/setting.ts";
import { seededRandom } from "../../src/base/random.ts";
import { read } from "../view/histories.ts";

async function cursorsOver(
  events: readonly Event[],
): Promise<{ readonly cursors: ReplayCursors; readonly run: string }> {
  const journal = memoryJournal();
  const run = events[0]?.run ?? "";
  const lease = await leaseOfNew(journal, run);
  await journal.append(lease, events);
  return { cursors: new ReplayCursors(journal, new RunSnapshots({ every: 10 })), run };
}

function expected(events: readonly Event[], seq: number): LiveRun | undefined {
  return new RunFollower(true, read(events.slice(0, seq))).snapshot();
}

function withoutTime({ time: _time, ...run }: LiveRunAt): LiveRun {
  return run;
}

test.each([1, 2, 3, 4, 5, 6])("run %i: any walk through it gives what its history gives", async (seed) => {
  const events = fuzzRun(seed);
  const { cursors, run } = await cursorsOver(events);
  const random = seededRandom(seed);
  const anywhere = (): number => 1 + Math.floor(random() * events.length);
  for (let step = 0; step < 40; step++) {
    const [from, to] = [anywhere(), step % 3 === 0 ? anywhere() : Math.min(events.length, anywhere() + 3)];
    const shown = await cursors.at(run, from);
    if (!shown.ok) throw new Error(shown.error.message);
    expect(withoutTime(shown.value)).toEqual(expected(events, from));
    const patch = await cursors.patch(run, from, to);
    if (!patch.ok) throw new Error(patch.error.message);
    expect(patchedRun(withoutTime(shown.value), patch.value)).toEqual(expected(events, to));
    expect(patch.value.time).toBe(events[to - 1]?.time);
  }
});

test("many at once get each their own", async () => {
  const events = fuzzRun(3);
  const { cursors, run } = await cursorsOver(events);
  const all = await Promise.all(events.map(({ seq }) => cursors.at(run, seq)));
  for (const [at, shown] of all.entries())
    expect(shown.ok && withoutTime(shown.value)).toEqual(expected(events, at + 1));
});

test("an event that is not there is said, and what was kept is not lost", async () => {
  const events = fuzzRun(2);
  const { cursors, run } = await cursorsOver(events);
  for (const seq of [events.length, events.length + 1, events.length])
    expect((await cursors.at(run, seq)).ok).toBe(seq === events.length);
  expect(await cursors.patch(run, 1, events.length + 1)).toMatchObject({ ok: false, error: { code: "Usage" } });
  expect((await cursors.at(run, 2)).ok).toBe(true);
});
