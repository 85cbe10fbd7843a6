/** Which run and which step the words of a person stand for. */
import { beforeEach, describe, expect, test } from "vitest";
import { memoryJournal } from "../../src/journal/memory.ts";
import type { Journal } from "../../src/journal/port.ts";
import { findRun, findRunAndStep, NO_RUNS } from "../../src/project/find-run.ts";
import { readRun } from "../../src/project/read-run.ts";
import { DIAMOND } from "../view/histories.ts";
import { RecordedRun } from "./runs.ts";

let log: Journal;
beforeEach(() => {
  log = memoryJournal();
});

async function having(...runs: readonly string[]): Promise<void> {
  for (const [i, run] of runs.entries()) await (await new RecordedRun(log, run, DIAMOND).begin(1000 + i)).leave();
}

describe("a run", () => {
  test("is the latest where none is named, and none where there is none", async () => {
    expect(await findRun(log, undefined)).toEqual({ ok: false, error: NO_RUNS });
    await having("aa11", "bb22");
    expect(await findRun(log, undefined)).toEqual({ ok: true, value: "bb22" });
  });

  test("serves by any unique beginning of its id, and by the whole id of which another begins", async () => {
    await having("aa11", "aa1", "bb22");
    expect(await findRun(log, "b")).toEqual({ ok: true, value: "bb22" });
    expect(await findRun(log, "aa1")).toEqual({ ok: true, value: "aa1" });
    expect(await findRun(log, "a")).toMatchObject({
      error: { code: "AmbiguousRun", message: "several run ids begin with a: aa1, aa11" },
    });
  });

  test("that is mistyped is told with the nearest; a word that is no id comes near no query", async () => {
    await having("7k3m9p2q");
    expect(await findRun(log, "7k3n")).toMatchObject({
      error: { hint: expect.stringContaining("Did you mean 7k3m9p2q?") },
    });
    // As near to a letter as every other run.
    for (const word of ["x", "7x", "7kx"])
      expect(await findRun(log, word)).toMatchObject({
        error: { code: "UnknownRun", hint: expect.not.stringContaining("Did you mean") },
      });
    log = { ...log, find: () => Promise.reject(new Error("asked")) };
    expect(await findRun(log, "../../etc")).toMatchObject({ error: { code: "UnknownRun" } });
  });
});

describe("a run and a step", () => {
  test.each([
    ["no word", [], "bb22", undefined],
    ["two words", ["aa", "b"], "aa11", "b"],
    ["a step of the latest run", ["b"], "bb22", "b"],
    ["the beginning of an id", ["aa"], "aa11", undefined],
    ["what is neither: a step, to be told by whoever looks for it", ["ship"], "bb22", "ship"],
  ])("%s", async (_, words, run, step) => {
    await having("aa11", "bb22");
    expect(await findRunAndStep(log, words)).toEqual({ ok: true, value: { run, step } });
  });

  test("one word is a step before it is the beginning of an id", async () => {
    await having("b111", "aa22");
    expect(await findRunAndStep(log, ["b"])).toEqual({ ok: true, value: { run: "aa22", step: "b" } });
  });
});

test("a run is read with who holds it", async () => {
  await new RecordedRun(log, "r1", DIAMOND).begin();
  expect(await readRun(log, "r1")).toMatchObject({
    ok: true,
    value: { live: true, holder: "heddle run (pid 1)", state: { seq: 2 } },
  });
});
