/** Worktrees by the words that people use, and which of them may go. */
import { beforeEach, describe, expect, test } from "vitest";
import type { WorktreeLine } from "../../src/agent/port.ts";
import { err, ok } from "../../src/base/result.ts";
import { memoryJournal } from "../../src/journal/memory.ts";
import type { Journal } from "../../src/journal/port.ts";
import { cleanTrees, findTree, listTrees, treeOfStep } from "../../src/project/worktrees.ts";
import { DIAMOND } from "../view/histories.ts";
import { agentsWith, tree } from "./agents.ts";
import { RecordedRun } from "./runs.ts";

let log: Journal;
let asked: unknown[];
beforeEach(async () => {
  log = memoryJournal();
  asked = [];
  await (await new RecordedRun(log, "aa11", DIAMOND).begin(1000)).leave();
  await (await new RecordedRun(log, "bb22", DIAMOND).begin(2000)).leave();
});

function having(...trees: readonly WorktreeLine[]) {
  return agentsWith({
    worktrees: async (options) => {
      asked.push(options);
      return ok(trees.filter(({ run }) => options.run === undefined || run === options.run));
    },
  });
}

describe("a worktree is found", () => {
  const ports = () => ({
    log,
    agents: having(
      tree("bb22", "a"),
      tree("bb22", "@web"),
      tree("aa11", "b"),
      tree("bb22", "c d", { path: "/t/c%20d" }),
    ),
  });

  test.each([
    ["by its step, in the latest run", ["a"], "bb22", "a"],
    ["by its group", ["web"], "bb22", "@web"],
    ["by its folder", ["c%20d"], "bb22", "c d"],
    ["by run and step", ["aa", "b"], "aa11", "b"],
    ["by a run that has one alone", ["aa"], "aa11", "b"],
  ])("%s", async (_, words, run, name) => {
    expect(await findTree(ports(), words)).toMatchObject({ ok: true, value: { run, name } });
  });

  test.each([
    ["a step that has none", ["e"], "UnknownWorktree"],
    ["a run that has several", ["bb"], "UnknownWorktree"],
    ["a run that is not there", ["cc", "a"], "UnknownRun"],
    ["no word where the latest run has several", [], "UnknownWorktree"],
  ])("not by %s", async (_, words, code) => {
    expect(await findTree(ports(), words)).toMatchObject({ ok: false, error: { code } });
  });

  test("without a word where the latest run has one", async () => {
    const agents = having(tree("bb22", "a"), tree("aa11", "b"));
    expect(await findTree({ log, agents }, [])).toMatchObject({ ok: true, value: { name: "a" } });
  });

  test("and what is there is named where it is not", async () => {
    expect(await findTree(ports(), ["aa", "x"])).toMatchObject({ error: { hint: expect.stringContaining("of b;") } });
  });

  test("not where git fails, which is said", async () => {
    const agents = agentsWith({ worktrees: async () => err({ code: "NotARepository", message: "no" }) });
    expect(await findTree({ log, agents }, ["a"])).toMatchObject({ error: { code: "NotARepository" } });
    expect(await treeOfStep(agents, "bb22", "a")).toBeUndefined();
  });
});

test("a list is of all runs, of one by the beginning of its id, or of one that the journal does not know", async () => {
  const ports = { log, agents: having(tree("gone1", "a")) };
  for (const word of [undefined, "aa", "gone1"]) await listTrees(ports, word);
  expect(asked).toEqual([{}, { run: "aa11" }, { run: "gone1" }]);
});

test("cleaning leaves the worktrees of runs that can still continue", async () => {
  const over = await new RecordedRun(log, "cc33", DIAMOND).begin(3000);
  await over.record([{ type: "run.cancelled", data: { durationMs: 1, reason: "cancel" } }]);
  await over.leave();
  await new RecordedRun(log, "dd44", DIAMOND).begin(4000);
  let keep: (run: string) => boolean = () => false;
  const agents = agentsWith({
    clean: async (options) => {
      ({ keep } = options);
      asked.push({ run: options.run, dryRun: options.dryRun });
      return ok({ removed: [], kept: [] });
    },
  });
  expect(await cleanTrees({ log, agents }, { dryRun: true })).toMatchObject({ ok: true });
  expect(asked).toEqual([{ run: undefined, dryRun: true }]);
  // Interrupted ones can be resumed; of a run that nobody knows nothing is kept back.
  expect(["aa11", "bb22", "cc33", "dd44", "gone1"].filter((run) => keep(run))).toEqual(["aa11", "bb22", "dd44"]);
});
