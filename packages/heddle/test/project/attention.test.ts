/** What waits for people in a project, asked again and again: as right as at first, and without reading what was read. */
import { expect, test } from "vitest";
import { memoryJournal } from "../../src/journal/memory.ts";
import type { Journal } from "../../src/journal/port.ts";
import { HeddleError } from "../../src/base/errors.ts";
import { AttentionReader } from "../../src/project/attention.ts";
import type { EventBody } from "../../src/run/event.ts";
import type { RunAttention } from "../../src/view/attention.ts";
import { DIAMOND, started, succeeded } from "../view/histories.ts";
import { RecordedRun } from "./runs.ts";

const ASKS = { type: "approval.requested", step: "d", data: { question: "ship?", about: "step" } } as EventBody;
const UP_TO_D = ["a", "b", "c"].flatMap((step) => [started(step), succeeded(step, 10)]);

/** Counts what is read of the histories. */
function counted(journal: Journal): { readonly journal: Journal; readonly read: string[] } {
  const read: string[] = [];
  const log = Object.create(journal) as Journal;
  log.read = (run, options) => {
    read.push(`${run} ${options?.after ?? 0}`);
    return journal.read(run, options);
  };
  for (const name of ["get", "runPage", "expectedDurations"] as const)
    Object.assign(log, { [name]: journal[name].bind(journal) });
  return { journal: log, read };
}

function short(items: readonly RunAttention[]): readonly string[] {
  return items.map(({ run, kind }) => `${run} ${kind}`).toSorted();
}

test("is what a new reader says, at every event of several runs, and reads each event once", async () => {
  const { journal, read } = counted(memoryJournal());
  const reader = new AttentionReader(journal);
  const runs = await Promise.all(["r1", "r2"].map((run) => new RecordedRun(journal, run, DIAMOND).begin()));
  const [first, second] = runs as [RecordedRun, RecordedRun];
  const looked: (readonly string[])[] = [];
  const look = async (): Promise<void> => {
    const now = await reader.look();
    const fresh = await new AttentionReader(Object.create(journal) as Journal).look();
    expect(now).toEqual(fresh);
    looked.push(short(now.items));
  };
  await look();
  await first.record([...UP_TO_D, ASKS]);
  await look();
  await second.record(UP_TO_D);
  await look();
  await second.leave();
  await look();
  await first.record([{ type: "approval.given", step: "d", data: { decision: "approve", by: "x" } } as EventBody]);
  await look();
  expect(looked).toEqual([[], ["r1 approval"], ["r1 approval"], ["r1 approval", "r2 interrupted"], ["r2 interrupted"]]);
  read.length = 0;
  await Promise.all([reader.look(), reader.look()]);
  expect(read).toEqual([]);
});

test("of more runs than are kept each is right, and a run that is gone is forgotten", async () => {
  const journal = memoryJournal();
  const reader = new AttentionReader(journal);
  const ids = Array.from({ length: 20 }, (_, at) => `r${at + 10}`);
  const runs = await Promise.all(ids.map((run) => new RecordedRun(journal, run, DIAMOND).begin()));
  expect((await reader.look()).items).toEqual([]);
  for (const run of runs) await run.record([...UP_TO_D, ASKS]);
  expect(short((await reader.look()).items)).toEqual(ids.map((run) => `${run} approval`));
  for (const run of runs) await run.leave();
  await journal.remove("r10");
  expect(short((await reader.look()).items)).toEqual(ids.slice(1).map((run) => `${run} approval`));
});

test("who asks while a look goes on shares the next one, which sees what happened before they asked", async () => {
  const journal = memoryJournal();
  const pages = { asked: 0, gate: Promise.resolve() };
  const log = Object.create(journal) as Journal;
  log.runPage = async (options) => {
    pages.asked++;
    await pages.gate;
    return journal.runPage(options);
  };
  const reader = new AttentionReader(log);
  const run = await new RecordedRun(journal, "r1", DIAMOND).begin();
  const { promise, resolve } = Promise.withResolvers<void>();
  pages.gate = promise;
  const first = reader.look();
  await Promise.resolve();
  await run.record([...UP_TO_D, ASKS]);
  const later = [reader.look(), reader.look(), reader.look()];
  resolve();
  await first;
  for (const { items } of await Promise.all(later)) expect(short(items)).toEqual(["r1 approval"]);
  // Two pages a look: of the first, and of the one for the three.
  expect(pages.asked).toBe(4);
});

test("a damaged run is read once, and again when something has happened in it", async () => {
  const { journal, read } = counted(memoryJournal());
  const run = await new RecordedRun(journal, "r1", DIAMOND).begin();
  const whole = journal.read.bind(journal);
  let damage: HeddleError | undefined = new HeddleError({ code: "JournalDamaged", message: "event 2 is damaged" });
  journal.read = (id, options) => {
    const events = whole(id, options);
    if (damage !== undefined) throw damage;
    return events;
  };
  const reader = new AttentionReader(journal);
  for (let looks = 0; looks < 3; looks++)
    expect((await reader.look()).unreadable).toEqual([{ run: "r1", problem: "event 2 is damaged" }]);
  expect(read.length).toBe(1);
  await run.record([started("a")]);
  expect((await reader.look()).unreadable.length).toBe(1);
  expect(read.length).toBe(2);
  // What may be otherwise at the next look is looked at again.
  damage = new HeddleError({ code: "TooManyOpenFiles", message: "too many open files" });
  await run.record([succeeded("a", 1)]);
  expect((await reader.look()).unreadable.length).toBe(1);
  damage = undefined;
  expect((await reader.look()).unreadable).toEqual([]);
});
