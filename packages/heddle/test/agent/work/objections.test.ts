/** What a capture says against merging it goes back to its agent; what is certainly wrong never merges, the rest not in silence. */
import { describe, expect, test } from "vitest";
import type { Repositories } from "../../../src/git/port.ts";
import type { Capture, SubmoduleFinding } from "../../../src/git/types.ts";
import { ok } from "../../../src/base/result.ts";
import { type Behaviour, ExecutorRig } from "./rig.ts";

/** Each turn's capture, with what git would have said of it. */
function saying(
  captures: readonly Partial<Capture>[],
  markers: readonly (readonly string[])[] = [],
  settings: readonly SubmoduleFinding[] = [],
): (inner: Repositories) => Repositories {
  let [turn, look] = [0, 0];
  return (inner) => ({
    open: async (how) => {
      const opened = await inner.open(how);
      if (!opened.ok) return opened;
      const { repository } = opened.value;
      const capture: typeof repository.captures.capture = async (request) => ({
        ...(await repository.captures.capture(request)),
        ...captures[turn++],
      });
      const addedMarkers = async (): Promise<readonly string[]> => markers[look++] ?? [];
      return ok({
        ...opened.value,
        repository: {
          ...repository,
          captures: { ...repository.captures, capture },
          commits: { ...repository.commits, addedMarkers, submoduleFindings: async () => settings },
        },
      });
    },
  });
}

const MERGING = { unfinished: { operation: "merge", unmerged: ["a.txt"] } } as const;
const DONE = { unfinished: { operation: undefined, unmerged: [] } } as const;
const turns: readonly Behaviour[] = [{ "a.txt": "half\n" }, { "a.txt": "whole\n" }, { "a.txt": "whole\n" }];

test("an agent in the middle of a merge is told so, in its session, and goes on", async () => {
  using rig = new ExecutorRig({ api: turns }, { git: saying([MERGING, DONE]) });
  expect((await rig.run("api")).kind).toBe("succeeded");
  expect(rig.turns[1]?.prompt).toContain("in the middle of a git merge, and conflicts are open in a.txt");
  expect(rig.turns[1]).toMatchObject({ resume: { sessionId: "session-api" } });
  expect(rig.merged("a.txt")).toBe("whole\n");
});

for (const [what, unfinished] of Object.entries({
  "an operation": { operation: "rebase", unmerged: [] },
  "conflicts in the index alone, as a stash leaves them": { operation: undefined, unmerged: ["a.txt"] },
} as const))
  test(`${what} that stays open fails the step, and nothing is merged`, async () => {
    using rig = new ExecutorRig({ api: turns }, { git: saying([{ unfinished }, { unfinished }, { unfinished }]) });
    expect(await rig.run("api")).toMatchObject({ kind: "failed", error: { class: "unfinished" } });
    expect([rig.turns.length, rig.merged("a.txt")]).toEqual([3, "a\n"]);
  });

test("without tries it fails at once", async () => {
  using rig = new ExecutorRig({ api: turns }, { config: { tries: 0 }, git: saying([MERGING]) });
  expect(await rig.run("api")).toMatchObject({ kind: "failed", error: { class: "unfinished" } });
  expect(rig.turns.length).toBe(1);
});

test("conflict markers are asked about, and told where they stay", async () => {
  using rig = new ExecutorRig({ api: turns }, { git: saying([], [["a.txt"], ["a.txt"]]) });
  expect((await rig.run("api")).kind).toBe("succeeded");
  expect(rig.turns[1]?.prompt).toContain("conflict markers");
  const told = rig.notes.flatMap(({ type, data }) => (type === "step.progress" ? [data] : []));
  expect(told).toContainEqual(expect.objectContaining({ type: "notice", about: "markers" }));
});

test("conflict markers that go are told to nobody", async () => {
  using rig = new ExecutorRig({ api: turns }, { git: saying([], [["a.txt"], []]) });
  expect((await rig.run("api")).kind).toBe("succeeded");
  expect(rig.turns.length).toBe(2);
  expect(rig.types()).not.toContain("step.progress");
});

test("a moved HEAD does not take back what others merged", async () => {
  using rig = new ExecutorRig(
    { one: [{ "a.txt": "one\n" }], two: [{ "a.txt": "a\n", "b.txt": "two\n" }, {}, {}] },
    { git: saying([{}, { isOnBase: false }, { isOnBase: false }, { isOnBase: false }]) },
  );
  await rig.run("one");
  expect(await rig.run("two")).toMatchObject({ kind: "failed", error: { class: "undone" } });
  expect(rig.turns[2]?.prompt).toContain("takes back what they merged in a.txt");
  expect([rig.merged("a.txt"), rig.merged("b.txt")]).toEqual(["one\n", "b\n"]);
});

test("what is changed and merged is what the merge changed", async () => {
  using rig = new ExecutorRig({ one: [{ "a.txt": "same\n" }], two: [{ "a.txt": "same\n", "b.txt": "two\n" }] });
  const [one, two] = [rig.start("one"), rig.start("two", { agent: { order: 1 } })];
  await Promise.all([one.outcome, two.outcome]);
  const files = rig.notes.flatMap((note) => (note.type === "worktree.merged" ? [note.data.files] : []));
  expect(files).toEqual([["a.txt"], ["b.txt"]]);
});

describe("settings of submodules", () => {
  const work: readonly Behaviour[] = [{ ".gitmodules": "x\n" }, {}, {}];

  test("that would run a command go back to the agent, and never merge", async () => {
    const settings = [{ text: "the url names a program", isDangerous: true }];
    using rig = new ExecutorRig({ api: work }, { git: saying([], [], settings) });
    expect(await rig.run("api")).toMatchObject({ kind: "failed", error: { class: "unsafe" } });
    expect(rig.turns[1]?.prompt).toContain("the url names a program");
    expect([rig.turns.length, rig.merged(".gitmodules")]).toEqual([3, undefined]);
  });

  test("that are odd are merged with a notice; where they are not changed nobody asks", async () => {
    const settings = [{ text: "the url is a folder of this machine", isDangerous: false }];
    using rig = new ExecutorRig({ api: work, b: [{ "new.txt": "b\n" }] }, { git: saying([], [], settings) });
    expect((await rig.run("api")).kind).toBe("succeeded");
    expect(rig.notes.map(({ data }) => JSON.stringify(data)).join("\n")).toContain("a folder of this machine");
    rig.notes.length = 0;
    expect((await rig.run("b")).kind).toBe("succeeded");
    expect(rig.notes.map(({ data }) => JSON.stringify(data)).join("\n")).not.toContain("a folder of this machine");
  });
});
