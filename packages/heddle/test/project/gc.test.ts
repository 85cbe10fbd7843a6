/** What the garbage collector removes, and what it leaves: runs by age and holder, agents' work by where it is. */
import { beforeEach, expect, test } from "vitest";
import type { AgentMaintenance } from "../../src/agent/port.ts";
import { err, ok } from "../../src/base/result.ts";
import { memoryJournal } from "../../src/journal/memory.ts";
import type { Journal } from "../../src/journal/port.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { collectGarbage, type GcOptions } from "../../src/project/gc.ts";
import { VirtualClock } from "../support/virtual-clock.ts";
import { DIAMOND } from "../view/histories.ts";
import { agentsWith } from "./agents.ts";
import { RecordedRun } from "./runs.ts";

const DAY = 86_400_000;
const NOW = 100 * DAY;

const WITH_AGENT: Plan = { name: "agents", steps: [{ id: "write", action: { kind: "agent", prompt: "write it" } }] };

let journal: Journal;
let asked: string[];
let removedRefs: string[];
beforeEach(() => {
  journal = memoryJournal();
  asked = [];
  removedRefs = [];
});

/** A run that ended so many days ago; `undefined`: its engine died. */
async function ended(
  run: string,
  days: number,
  status?: "succeeded" | "cancelled",
  plan: Plan = DIAMOND,
): Promise<void> {
  const time = NOW - days * DAY;
  const recorded = await new RecordedRun(journal, run, plan).begin(time);
  if (status === "succeeded") await recorded.record([{ type: "run.succeeded", data: { durationMs: 1 } }], time);
  if (status === "cancelled")
    await recorded.record([{ type: "run.cancelled", data: { durationMs: 1, reason: "cancel" } }], time);
  await recorded.leave();
}

async function collected(options?: GcOptions, said: Partial<AgentMaintenance> = {}): Promise<readonly string[]> {
  const agents = agentsWith({
    refs: async (run) => {
      asked.push(run);
      return ok(undefined);
    },
    removeRefs: async (run) => {
      removedRefs.push(run);
      return ok(true);
    },
    ...said,
  });
  const ports = { log: journal, clock: new VirtualClock(NOW), agents, remove: (run: string) => journal.remove(run) };
  const lines: string[] = [];
  for await (const one of collectGarbage(ports, options))
    lines.push(`${one.kind} ${one.run.run}: ${one.kind === "kept" ? one.reason : one.refs}`);
  return lines;
}

async function left(): Promise<readonly string[]> {
  return (await journal.runs()).map(({ run }) => run);
}

const refs = (landed: boolean, trees = 0): Partial<AgentMaintenance> => ({
  refs: async () => ok({ refs: ["refs/heddle/a", "refs/heddle/b"], landed, trees }),
});

test("runs that ended 30 days ago or more go, whatever became of them; younger ones are not even asked about", async () => {
  await ended("done", 31, "succeeded");
  await ended("dead", 31);
  await ended("young", 29, "succeeded");
  expect(await collected()).toEqual(["removed dead: 0", "removed done: 0"]);
  expect(await left()).toEqual(["young"]);
  expect(asked).not.toContain("young");
});

test("as many days as are asked for; with none all go that nobody works on", async () => {
  await ended("old", 8, "succeeded");
  await ended("young", 1, "succeeded");
  await new RecordedRun(journal, "held", DIAMOND).begin(NOW - 50 * DAY);
  expect(await collected({ keepDays: 7 })).toEqual(["removed old: 0"]);
  expect(await collected({ keepDays: 0 })).toEqual(["removed young: 0"]);
  expect(await left()).toEqual(["held"]);
  expect(asked).not.toContain("held");
});

test("a dry run says the same and removes nothing", async () => {
  await ended("done", 31, "succeeded");
  expect(await collected({ dryRun: true }, refs(true))).toEqual(["removed done: 2"]);
  expect(await left()).toEqual(["done"]);
  expect(removedRefs).toEqual([]);
});

test("landed work goes with its run", async () => {
  await ended("done", 31, "succeeded");
  expect(await collected({}, refs(true))).toEqual(["removed done: 2"]);
  expect(removedRefs).toEqual(["done"]);
  expect(await left()).toEqual([]);
});

test("work that has not landed stays until the caller says otherwise, and names the way out", async () => {
  await ended("done", 31, "succeeded");
  expect(await collected({}, refs(false))).toEqual([
    "kept done: its agents' work has not landed: `heddle merge done` lands it, --unlanded removes it",
  ]);
  expect(removedRefs).toEqual([]);
  expect(await collected({ unlanded: true }, refs(false))).toEqual(["removed done: 2"]);
  expect(removedRefs).toEqual(["done"]);
});

test("so does the work of a run that has not succeeded, landed or not", async () => {
  await ended("failed", 31, "cancelled");
  expect(await collected({}, refs(true))).toEqual([
    "kept failed: its agents' work is kept because it has not succeeded; --unlanded removes it too",
  ]);
  expect(await left()).toEqual(["failed"]);
});

test("a run with worktrees stays, whatever the caller says, also one that got them meanwhile", async () => {
  await ended("done", 31, "succeeded");
  const said = "kept done: it still has 1 worktree: `heddle worktrees list done`";
  expect(await collected({ unlanded: true }, refs(true, 1))).toEqual([said]);
  expect(await collected({}, { ...refs(true), removeRefs: async () => ok(false) })).toEqual([said]);
  expect(await left()).toEqual(["done"]);
});

test("where git fails, a run with agents stays and says why", async () => {
  await ended("done", 31, "succeeded", WITH_AGENT);
  const fails = async () => err({ code: "GitFailed", message: "git says no" });
  expect(await collected({}, { refs: fails })).toEqual(["kept done: git says no"]);
  expect(await collected({}, { ...refs(true), removeRefs: fails })).toEqual(["kept done: git says no"]);
  expect(await left()).toEqual(["done"]);
});

test("where git fails, a run without agents goes all the same: git holds nothing of it", async () => {
  const fails = async () => err({ code: "GitFailed", message: "git says no" });
  await ended("plain", 31, "succeeded");
  await ended("agents", 32, "succeeded", WITH_AGENT);
  const late = await new RecordedRun(journal, "late", DIAMOND).begin(NOW - 33 * DAY);
  await late.record([{ type: "run.resumed", data: { engine: "t", interrupted: [], reset: [], plan: WITH_AGENT } }]);
  await late.leave();
  const added = await new RecordedRun(journal, "added", DIAMOND).begin(NOW - 34 * DAY);
  await added.record([{ type: "steps.added", step: "a", data: { kind: "siblings", steps: WITH_AGENT.steps } }]);
  await added.leave();
  expect((await collected({}, { refs: fails })).toSorted()).toEqual([
    "kept added: git says no",
    "kept agents: git says no",
    "kept late: git says no",
    "removed plain: 0",
  ]);
});

test("a run that was taken up meanwhile is passed by without a word", async () => {
  await ended("done", 31, "succeeded");
  const taken = async () => {
    await journal.acquire("done", { pid: 2, started: "2", title: "heddle resume" });
    return ok(undefined);
  };
  expect(await collected({}, { refs: taken })).toEqual([]);
  expect(await left()).toEqual(["done"]);
});
