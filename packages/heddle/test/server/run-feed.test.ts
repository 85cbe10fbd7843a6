/** Feeds of runs: who comes as the last one leaves. */
import { expect, test } from "vitest";
import { memoryJournal } from "../../src/journal/memory.ts";
import type { Project } from "../../src/project/port.ts";
import { tailRun, type TailOptions } from "../../src/project/tail.ts";
import { RunFeeds } from "../../src/server/run-feed.ts";
import { RecordedRun } from "../project/runs.ts";
import { settle, VirtualClock } from "../support/virtual-clock.ts";
import { DIAMOND, started } from "../view/histories.ts";

test("who comes while the last one leaves is told of the run, whenever that is", async () => {
  const log = memoryJournal();
  const clock = new VirtualClock();
  await (await new RecordedRun(log, "r1", DIAMOND).begin()).record([started("a")]);
  const runs = {
    watch: () => log.watch(),
    tail: (run: string, options: TailOptions) => tailRun({ log, clock }, run, options),
  };
  const followed = { project: { dir: "/p", runs } as unknown as Project, run: "r1" };
  const told: number[] = [];
  for (let turns = 0; turns < 12; turns++) {
    const feeds = new RunFeeds(clock);
    const first = new AbortController();
    const second = new AbortController();
    const left = feeds.follow(followed, () => undefined, first.signal);
    await settle();
    first.abort();
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    let heard = 0;
    let isOver = false;
    const joined = feeds.follow(followed, () => heard++, second.signal).then(() => (isOver = true));
    await settle();
    told.push(isOver ? 0 : heard);
    second.abort();
    await Promise.all([left, joined]);
  }
  expect(told).toEqual(Array.from({ length: 12 }, () => 1));
});
