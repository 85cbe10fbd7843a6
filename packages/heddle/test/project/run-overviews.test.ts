/** Overviews of runs: what the run's own page shows, folded once for the events that there are. */
import { expect, test } from "vitest";
import { memoryJournal } from "../../src/journal/memory.ts";
import { RunOverviews } from "../../src/project/run-overviews.ts";
import type { EventBody } from "../../src/run/event.ts";
import { DIAMOND, failed, started, succeeded } from "../view/histories.ts";
import { RecordedRun } from "./runs.ts";

test("says what failed and what asks, as long as nothing happens without reading again", async () => {
  const journal = memoryJournal();
  const first = await new RecordedRun(journal, "r1", DIAMOND).begin();
  await new RecordedRun(journal, "r2", DIAMOND).begin().then((run) => run.leave());
  await first.record([started("a"), failed("a", 20)]);
  const reads: string[] = [];
  const overviews = new RunOverviews({
    get: (run) => journal.get(run),
    read: (run) => {
      reads.push(run);
      return journal.read(run);
    },
  });
  const found = await overviews.of(["r2", "r1", "r9"]);
  expect(found).toMatchObject([
    { head: { run: "r2", status: "interrupted", live: false }, look: { failed: [], asking: [] } },
    { head: { run: "r1", status: "running", byStatus: { failed: 1 } }, look: { failed: ["a"] } },
    { run: "r9", problem: "run r9 has no events" },
  ]);
  expect(await overviews.of(["r2", "r1"])).toEqual(found.slice(0, 2));
  expect(reads).toEqual(["r2", "r1", "r9"]);
  await first.record(["b", "c"].flatMap((step) => [started(step), succeeded(step, 10)]));
  const asks = { type: "approval.requested", step: "d", data: { question: "ship?", about: "step" } } as EventBody;
  await first.record([asks]);
  expect(await overviews.of(["r1"])).toMatchObject([{ look: { asking: [{ step: "d", status: "needs-approval" }] } }]);
  // Its process goes, which is no event.
  await first.leave();
  expect(await overviews.of(["r1"])).toMatchObject([{ head: { live: false } }]);
  expect(reads.slice(3)).toEqual(["r1", "r1"]);
});
