/** Steps that are asked for again and again: found without reading the history again, and never where there is none. */
import { expect, test } from "vitest";
import { memoryJournal } from "../../src/journal/memory.ts";
import { KnownSteps } from "../../src/project/known-steps.ts";
import { DIAMOND } from "../view/histories.ts";
import { RecordedRun } from "./runs.ts";

test("a step that was found is found without reading the history again; of another run, or no step, is not", async () => {
  const log = memoryJournal();
  for (const run of ["aa11", "bb22"]) await (await new RecordedRun(log, run, DIAMOND).begin(1000)).leave();
  let reads = 0;
  const known = new KnownSteps({ get: (run) => log.get(run), read: (run) => (reads++, log.read(run)) });
  for (let asked = 0; asked < 3; asked++) expect(await known.find("aa11", "b")).toEqual({ ok: true, value: "b" });
  expect(reads).toBe(1);
  expect(await known.find("bb22", "b")).toEqual({ ok: true, value: "b" });
  expect(reads).toBe(2);
  // It may come: looked for each time.
  for (let asked = 0; asked < 2; asked++)
    expect(await known.find("aa11", "../b")).toMatchObject({ error: { code: "UnknownStep" } });
  expect(reads).toBe(4);
  expect(await known.find("cc33", "b")).toMatchObject({ error: { code: "EmptyRun" } });
});
