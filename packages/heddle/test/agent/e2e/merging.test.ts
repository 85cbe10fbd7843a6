/** Agents' steps from plan to integration branch: worktrees, dependents, verification, conflicts, a person's word. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { AgentRig, happens, ofType, variants, writes } from "./rig.ts";

test("agents work in worktrees of their own at the same time, and a dependent sees what they merged", async () => {
  using rig = new AgentRig();
  const [one, two] = [rig.gate("one"), rig.gate("two")];
  rig.agents(
    {
      a: [{ run: one.command }, writes("a.ts", "a\n"), { say: "wrote a" }],
      b: [{ run: two.command }, writes("b.ts", "b\n")],
      all: [{ run: "cat a.ts b.ts > all.ts" }],
    },
    { steps: [{ id: "a" }, { id: "b" }, { id: "all", deps: ["a", "b"], verify: ["test -s all.ts"] }] },
  );
  const before = rig.checkout();
  const running = rig.start(["run", "--json"]);
  await Promise.all([one.reached(), two.reached()]);
  await Promise.all([one.open(), two.open()]);
  const { code, stdout, stderr } = await running.done;
  expect([code, stderr]).toEqual([0, ""]);
  expect(await rig.merged("all.ts")).toBe("a\nb");
  expect(rig.checkout()).toBe(before);
  expect(rig.has("a.ts")).toBe(false);
  const events = stdout
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  const created = ofType(events, "worktree.created", "all")[0];
  const merges = ofType(events, "worktree.merged");
  expect(created?.data["base"]).toBe(merges[1]?.data["commit"]);
  expect(merges.map(({ step }) => step)).toHaveLength(3);
  const success = ofType(events, "step.succeeded", "a")[0]?.data["output"];
  expect(success).toMatchObject({ summary: "wrote a", files: ["a.ts"] });
  expect(rig.git(["fsck"])).toBe("");
});

test("a conflict goes back to the agent that made it, in its own session, and is merged when it is mended", async () => {
  using rig = new AgentRig();
  const late = rig.gate("late");
  rig.agents(
    {
      first: [writes("a.txt", "FIRST\nsecond\nthird\n")],
      second: [
        { prompt: "conflict markers", do: [writes("a.txt", "FIRST and SECOND\nsecond\nthird\n"), { say: "both" }] },
        { do: [{ run: late.command }, writes("a.txt", "SECOND\nsecond\nthird\n")] },
      ],
      third: [writes("c.txt", "c\n")],
    },
    { steps: [{ id: "first" }, { id: "second" }, { id: "third", deps: ["first"] }] },
  );
  const running = rig.start(["run", "--json"]);
  await late.reached();
  await happens(running, "step.succeeded", "third");
  await late.open();
  const { code, stdout } = await running.done;
  expect(code).toBe(0);
  const events = stdout
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  expect(ofType(events, "worktree.conflicted").map(({ step, data }) => [step, data["reason"], data["files"]])).toEqual([
    ["second", "conflict", ["a.txt"]],
  ]);
  const used = ofType(events, "usage.recorded", "second");
  expect(used).toHaveLength(2);
  expect(used[0]?.data["sessionId"]).toBe(used[1]?.data["sessionId"]);
  expect(await rig.merged("a.txt")).toBe("FIRST and SECOND\nsecond\nthird");
  expect(await rig.log()).toHaveLength(3);
});

const STUBBORN = {
  first: [writes("a.txt", "FIRST\nsecond\nthird\n")],
  second: [
    { prompt: "conflict markers", do: [{ say: "no" }] },
    { do: [writes("a.txt", "SECOND\nsecond\nthird\n"), writes("own.txt", "own\n")] },
  ],
};

/** `second` begins where `first` did, and is merged after it. */
async function stuck(rig: AgentRig): Promise<string> {
  const gate = rig.gate("g");
  rig.agents(
    {
      ...STUBBORN,
      second: [
        STUBBORN.second[0] as object,
        { do: [{ run: gate.command }, ...(STUBBORN.second[1] as { do: object[] }).do] },
      ],
    },
    {
      steps: [
        { id: "first" },
        { id: "second" },
        { id: "other", deps: ["first"], run: "true" },
        { id: "after", deps: ["second"], run: "true" },
      ],
    },
  );
  const running = rig.start(["run"]);
  await gate.reached();
  await running.says("[other] ✓");
  await gate.open();
  const { code, stdout } = await running.done;
  expect(code).toBe(3);
  expect(stdout).toContain("heddle resolve");
  expect(await rig.statuses()).toEqual({
    first: "succeeded",
    second: "needs-resolution",
    other: "succeeded",
    after: "waiting",
  });
  return await rig.run();
}

test.each(variants(1, ["ours", "theirs"] as const))(
  "a conflict that its agent does not mend waits for a person, who takes a side (--%s)",
  async (side) => {
    using rig = new AgentRig();
    const run = await stuck(rig);
    const tree = path.join(rig.state, "heddle", "worktrees");
    expect(existsSync(tree)).toBe(true);
    expect((await rig.heddle(["resolve", run, "second", `--${side}`])).code).toBe(0);
    const { code, stdout } = await rig.heddle(["resume"]);
    expect([code, stdout]).toEqual([0, expect.stringContaining("[after] ✓")]);
    expect(await rig.merged("a.txt")).toBe(`${side === "ours" ? "FIRST" : "SECOND"}\nsecond\nthird`);
    expect(await rig.merged("own.txt")).toBe("own");
  },
);

test("a person mends the conflict in the step's worktree and the run goes on from there", async () => {
  using rig = new AgentRig();
  const run = await stuck(rig);
  const shown = await rig.heddle(["resolve", run, "second"]);
  expect(shown.code).toBe(3);
  const tree = (await rig.heddle(["worktrees", "open", "second"])).stdout.trim();
  expect(shown.stdout).toContain(tree);
  expect(readFileSync(path.join(tree, "a.txt"), "utf8")).toContain("<<<<<<<");
  await rig.heddle(["resolve", run, "second", "--continue"]);
  expect((await rig.heddle(["resume"])).code).toBe(3);
  expect((await rig.statuses())["second"]).toBe("needs-resolution");
  rig.writeIn(tree, "a.txt", "BOTH\nsecond\nthird\n");
  await rig.heddle(["resolve", run, "second", "--continue"]);
  expect((await rig.heddle(["resume"])).code).toBe(0);
  expect(await rig.merged("a.txt")).toBe("BOTH\nsecond\nthird");
  expect(existsSync(tree)).toBe(false);
});

test("what is red on top of the branch goes back to its owner with the output, and is never merged red", async () => {
  using rig = new AgentRig();
  rig.agents(
    {
      a: [
        { prompt: "Verification of your work failed", do: [{ delete: "no-good.txt" }, writes("good.txt", "good\n")] },
        { do: [writes("no-good.txt", "x\n")] },
      ],
      b: [writes("b.txt", "b\n")],
    },
    { steps: [{ id: "a" }, { id: "b", verify: "exit 7", optional: true }] },
    { verify: "test ! -e no-good.txt || { echo there is a no-good.txt; exit 1; }" },
  );
  const { finished, events } = await rig.json(["run"]);
  expect(finished.code).toBe(0);
  expect(ofType(events, "worktree.conflicted", "a")[0]?.data).toMatchObject({
    reason: "verify",
    output: expect.stringContaining("there is a no-good.txt"),
  });
  expect(await rig.log()).toEqual([expect.stringMatching(/^a/)]);
  expect(ofType(events, "worktree.conflicted", "b")).toHaveLength(3);
  expect(ofType(events, "step.failed", "b")[0]?.data["error"]).toMatchObject({ code: "exit", class: "verify" });
  const [conflicted] = ofType(events, "worktree.conflicted", "b");
  const [ref, captured] = [String(conflicted?.data["ref"]), String(conflicted?.data["captured"])];
  expect(rig.git(["cat-file", "-t", captured])).toBe("commit");
  expect(rig.git(["show", `${ref}:b.txt`])).toBe("b");
});

test("steps of a group take turns in one worktree", async () => {
  using rig = new AgentRig();
  rig.agents(
    {
      a: [{ run: "test ! -e busy && touch busy && sleep 0.2 && rm busy" }, writes("a.ts", "a\n")],
      b: [{ run: "test ! -e busy && touch busy && sleep 0.2 && rm busy" }, writes("b.ts", "b\n")],
      c: [{ run: "cat a.ts b.ts > c.ts" }],
    },
    {
      steps: [
        { id: "a", group: "g" },
        { id: "b", group: "g" },
        { id: "c", group: "g", deps: ["a", "b"] },
      ],
    },
  );
  const { finished, events } = await rig.json(["run"]);
  expect([finished.code, finished.stderr]).toEqual([0, ""]);
  const paths = new Set(ofType(events, "worktree.created").map(({ data }) => data["path"]));
  expect(paths.size).toBe(1);
  expect(await rig.merged("c.ts")).toBe("a\nb");
  expect((await rig.heddle(["worktrees"])).stdout).toContain("No worktrees");
});

test.each(variants(1, [["merge"], ["ff"], [{ branch: "feature" }]]))(
  "a run that succeeded lands as the plan says: %j",
  async (land) => {
    using rig = new AgentRig();
    rig.agents({ a: [writes("a.ts", "a\n")] }, { steps: [{ id: "a" }] }, { land });
    const { code, stdout } = await rig.heddle(["run"]);
    expect([code, stdout]).toEqual([0, expect.stringContaining("landed on")]);
    const branch = typeof land === "string" ? "main" : land.branch;
    expect(rig.git(["show", `${branch}:a.ts`])).toBe("a");
    expect(rig.git(["status", "--porcelain"])).toBe("");
    expect(rig.has("a.ts")).toBe(branch === "main");
  },
);

test("the user's dirty checkout is as it was, and what is not clean is not landed upon until it is", async () => {
  using rig = new AgentRig();
  rig.write("a.txt", "changed by the user\n");
  rig.write("new.txt", "untracked\n");
  rig.agents({ a: [writes("a.txt", "agent\n")] }, { steps: [{ id: "a" }] }, { land: "ff" });
  const before = rig.checkout();
  const { code, stdout } = await rig.heddle(["run"]);
  expect([code, stdout]).toEqual([0, expect.stringContaining("did not land")]);
  expect(rig.checkout()).toBe(before);
  rig.git(["checkout", "-q", "a.txt"]);
  const landed = await rig.heddle(["merge"]);
  expect([landed.code, landed.stderr]).toEqual([0, ""]);
  expect(rig.read("a.txt")).toBe("agent\n");
  expect(rig.read("new.txt")).toBe("untracked\n");
});
