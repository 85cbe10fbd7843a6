/** The document of a step at an event: what its attempts left until then, and nothing of later. */
import { expect, test } from "vitest";
import { memoryJournal } from "../../src/journal/memory.ts";
import type { Project } from "../../src/project/port.ts";
import { readRunAt } from "../../src/project/read-run.ts";
import { RunSnapshots } from "../../src/project/run-snapshots.ts";
import { readStepNotes } from "../../src/project/step-notes.ts";
import { orThrow } from "../../src/base/errors.ts";
import type { EventBody } from "../../src/run/event.ts";
import { documentOf } from "../../src/server/asked-run.ts";
import { stepDocumentOf } from "../../src/server/step-document.ts";
import { RecordedRun } from "../project/runs.ts";
import { DIAMOND, failed, started } from "../view/histories.ts";

function notice(text: string, attempt: number): EventBody {
  return { type: "step.progress", step: "a", attempt, data: { type: "notice", about: "strays", text } };
}

function captured(commit: string, attempt: number): EventBody {
  return { type: "usage.recorded", step: "a", attempt, data: { agent: "x", captured: commit, ref: `refs/${commit}` } };
}

function merged(commit: string, attempt: number): EventBody {
  const data = { branch: "b", commit, onto: "o", captured: "c", ref: "r", files: ["f"] };
  return { type: "worktree.merged", step: "a", attempt, data };
}

test("a step at an event has the notices, captures and merges up to it", async () => {
  const log = memoryJournal();
  const recorded = await new RecordedRun(log, "r1", DIAMOND).begin();
  await recorded.record([started("a"), notice("first", 1), captured("one", 1), failed("a", 5, 1, 5)]);
  await recorded.record([started("a", 2), notice("second", 2), captured("two", 2), merged("three", 2)]);
  const runs = { stepNotes: (of: Parameters<typeof readStepNotes>[1]) => readStepNotes(log, of) };
  const project = {
    runs,
    logs: { file: () => "" },
    plans: { expectedDurations: async () => new Map() },
  } as unknown as Project;
  const asked = { project, run: "r1", location: {} };
  const at = async (seq: number): Promise<readonly unknown[]> => {
    const read = orThrow(await readRunAt(log, new RunSnapshots(), "r1", seq));
    const step = documentOf(asked, read, 0).steps.find(({ id }) => id === "a");
    if (step === undefined) throw new Error("no step");
    const document = await stepDocumentOf(asked, read, step);
    return [
      document.notices.map(({ text }) => text),
      document.captured.map(({ commit }) => commit),
      document.merged?.commit,
    ];
  };
  expect(await at(3)).toEqual([[], [], undefined]);
  expect(await at(6)).toEqual([["first"], ["one"], undefined]);
  expect(await at(9)).toEqual([["first", "second"], ["one", "two"], undefined]);
  expect(await at(10)).toEqual([["first", "second"], ["one", "two"], "three"]);
});
