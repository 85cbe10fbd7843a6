/** Runs that begin in the middle: what an earlier run merged for the results that they reuse is there before their first step. */
import { expect, test } from "vitest";
import { AgentRig, ofType, writes, variants, isNightly } from "./rig.ts";

const SCRIPTS = {
  a: [writes("n.txt", "of a\n"), { say: "wrote n" }],
  other: [writes("other.txt", "of other\n")],
  b: [{ run: "ls *.txt > seen.md; cat n.txt >> seen.md" }],
};
const STEPS = [{ id: "a" }, { id: "other" }, { id: "b", deps: ["a"] }];

async function begun(rig: AgentRig, agents: object = {}): Promise<string> {
  rig.agents(SCRIPTS, { steps: STEPS }, agents as Record<string, unknown>);
  expect((await rig.heddle(["run"])).code).toBe(0);
  return await rig.run();
}

test.each(
  variants(1, [
    [["rerun", "--from", "b"], ["a", "other", "b"], "a.txt\nn.txt\nother.txt\nof a"],
    [["run", "--from", "b"], ["a", "other", "b"], "a.txt\nn.txt\nother.txt\nof a"],
    [["run", "--only", "b"], ["a", "b"], "a.txt\nn.txt\nof a"],
  ]),
)("heddle %j has the work of the steps that it reuses, and of no other", async (args, merged, seen) => {
  using rig = new AgentRig();
  const run = await begun(rig);
  const first = rig.git(["rev-parse", `heddle/${run}/integration`]);
  const { finished, events } = await rig.json(args);
  expect([finished.code, finished.stderr]).toEqual([0, ""]);
  expect(ofType(events, "step.started").map(({ step }) => step)).toEqual(["b"]);
  expect(await rig.merged("seen.md")).toBe(seen);
  const log = await rig.log();
  expect(log.map((line) => line.split(":")[0]).toSorted()).toEqual(merged.toSorted());
  expect(log.at(-1)).toMatch(/^b/);
  expect(rig.git(["rev-parse", `heddle/${run}/integration`])).toBe(first);
});

test.runIf(isNightly)("a rerun of a rerun has it too, and what landed meanwhile is not made again", async () => {
  using rig = new AgentRig();
  await begun(rig);
  const again = async (): Promise<void> =>
    expect(await rig.heddle(["rerun", "--from", "b"])).toMatchObject({ code: 0, stderr: "" });
  await again();
  await again();
  expect(await rig.merged("seen.md")).toContain("of a");
  expect((await rig.heddle(["merge"])).code).toBe(0);
  rig.write("user.txt", "of the user\n");
  rig.commit("user");
  await again();
  expect(await rig.log()).toEqual([expect.stringMatching(/^b/)]);
  expect(await rig.merged("seen.md")).toBe("a.txt\nn.txt\nother.txt\nuser.txt\nof a");
  await again();
  expect(await rig.log()).toEqual([expect.stringMatching(/^b/)]);
});

test("items of a list bring their work along with the result that they are part of", async () => {
  using rig = new AgentRig();
  rig.agents(
    {
      "fan*": [{ run: 'echo "$HEDDLE_STEP" > "$(echo "$HEDDLE_STEP" | tr -dc a-z0-9).txt"' }],
      b: [{ run: "ls *.txt > seen.md" }],
    },
    {
      steps: [
        { id: "fan", forEach: ["x", "y"] },
        { id: "b", deps: ["fan"] },
      ],
    },
  );
  expect((await rig.heddle(["run"])).code).toBe(0);
  for (let time = 0; time < (isNightly ? 2 : 1); time++) {
    const { finished, events } = await rig.json(["rerun", "--from", "b"]);
    expect([finished.code, ofType(events, "step.started").map(({ step }) => step)]).toEqual([0, ["b"]]);
    expect(await rig.merged("seen.md")).toBe("a.txt\nfan0.txt\nfan1.txt");
  }
});

test("what does not go together with the branch any more is done again, with what depends on it, and that is said", async () => {
  using rig = new AgentRig();
  const run = await begun(rig);
  rig.write("n.txt", "of the user\n");
  rig.commit("user");
  const shown = await rig.heddle(["run", "--only", "b", "--dry-run"]);
  expect(shown.stdout).not.toContain("Reused");
  const { finished, events } = await rig.json(["rerun", run, "--from", "b"]);
  expect(finished.code).toBe(0);
  expect(finished.stderr).toBe(`a runs again: its work in run ${run} conflicts with your branch in n.txt.\n`);
  expect(ofType(events, "step.started").map(({ step }) => step)).toEqual(["a", "b"]);
  expect(ofType(events, "step.reused").map(({ step }) => step)).toEqual(["other"]);
  expect(await rig.merged("seen.md")).toBe("a.txt\nn.txt\nother.txt\nof a");
});

test.each(
  variants(1, [
    ["is gone", (rig: AgentRig, run: string) => rig.git(["update-ref", "-d", `refs/heads/heddle/${run}/integration`])],
    ["was reverted", async (rig: AgentRig, run: string) => await rig.heddle(["merge", run, "--revert", "a"])],
  ]),
)("work that %s is done again", async (said, lose) => {
  using rig = new AgentRig();
  const run = await begun(rig);
  await lose(rig, run);
  const { finished, events } = await rig.json(["run", "--only", "b"]);
  expect(finished.code).toBe(0);
  expect(finished.stderr).toMatch(new RegExp(`^a runs again: .*${said}.*\n$`));
  expect(ofType(events, "step.started").map(({ step }) => step)).toEqual(["a", "b"]);
  expect(await rig.merged("seen.md")).toContain("of a");
});

test("it is there after a crash and a resume too, also where the branch has vanished, and lands with the rest", async () => {
  using rig = new AgentRig();
  rig.agents(
    SCRIPTS,
    { steps: [{ id: "a" }, { id: "ok", approve: "ok?", deps: ["a"] }, { id: "b", deps: ["ok"] }] },
    { land: "ff" },
  );
  rig.write("a.txt", "changed: nothing lands yet\n");
  expect((await rig.heddle(["run"])).code).toBe(3);
  await rig.heddle(["approve", await rig.run(), "ok"]);
  expect((await rig.heddle(["resume"])).code).toBe(0);
  expect((await rig.heddle(["rerun", "--from", "ok"])).code).toBe(3);
  const run = await rig.run();
  expect(await rig.merged("n.txt")).toBe("of a");
  rig.git(["update-ref", "-d", `refs/heads/heddle/${run}/integration`]);
  await rig.heddle(["approve", run, "ok"]);
  rig.git(["checkout", "-q", "a.txt"]);
  const { code, stdout } = await rig.heddle(["resume"]);
  expect([code, stdout]).toEqual([0, expect.stringContaining("landed on main")]);
  expect(rig.read("n.txt")).toBe("of a\n");
  expect(rig.read("seen.md")).toContain("of a");
});
