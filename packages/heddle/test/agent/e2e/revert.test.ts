/** One step's work taken back out: of the run's own branch by its command, of the user's by the next landing. */
import { rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { AgentRig, ofType, writes, variants, isNightly } from "./rig.ts";

/** Three steps, merged one after the other; `third` wrote over what `second` wrote. */
async function merged(rig: AgentRig, agents: Readonly<Record<string, unknown>> = {}): Promise<string> {
  rig.agents(
    {
      first: [writes("first.txt", "first\n"), writes("a.txt", "FIRST\nsecond\nthird\n")],
      second: [writes("second.txt", "second\n")],
      third: [writes("second.txt", "third\n")],
    },
    {
      steps: [
        { id: "first" },
        { id: "second", deps: ["first"] },
        { id: "third", deps: ["second"] },
        { id: "plain", run: "true" },
      ],
    },
    agents,
  );
  expect((await rig.heddle(["run"])).code).toBe(0);
  return await rig.run();
}

function tracked(rig: AgentRig, branch: string): readonly string[] {
  return rig.git(["ls-tree", "--name-only", branch]).split("\n");
}

test("a step is taken out of the run's branch, and told; nobody else's work and no checkout is touched", async () => {
  using rig = new AgentRig();
  const run = await merged(rig);
  rig.write("a.txt", "changed by the user\n");
  const before = rig.checkout();
  const reverted = await rig.heddle(["merge", run, "--revert", "first"]);
  expect([reverted.code, reverted.stderr]).toEqual([0, ""]);
  expect(reverted.stdout).toContain(`Reverted first on heddle/${run}/integration`);
  expect(reverted.stdout).toContain(`heddle merge ${run}`);
  expect(rig.checkout()).toBe(before);
  expect(tracked(rig, `heddle/${run}/integration`)).toEqual([".gitignore", "a.txt", "second.txt"]);
  expect(await rig.merged("a.txt")).toBe("first\nsecond\nthird");
  expect((await rig.statuses())["first"]).toBe("succeeded");
  const third = await rig.heddle(["merge", run.slice(0, 8), "--revert", "third", "--json"]);
  expect(third.code).toBe(0);
  const commit = rig.git(["rev-parse", `heddle/${run}/integration`]);
  const integration = `heddle/${run}/integration`;
  expect(JSON.parse(third.stdout)).toEqual({ run, step: "third", integration, commit, files: ["second.txt"] });
  expect(await rig.log()).toEqual([
    expect.stringMatching(/^first/),
    expect.stringMatching(/^second/),
    expect.stringMatching(/^third/),
    "Revert first",
    "Revert third",
  ]);
});

test("the plan's checks have to pass on what is left", async () => {
  using rig = new AgentRig();
  const red = path.join(rig.state, "red");
  const run = await merged(rig, { verify: `test ! -e '${red}' && echo checked $HEDDLE_STEP` });
  const log = await rig.log();
  writeFileSync(red, "");
  const refused = await rig.heddle(["merge", run, "--revert", "first"]);
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("[RevertRejected]")]);
  expect(refused.stderr).toContain("test ! -e");
  expect(await rig.log()).toEqual(log);
  rmSync(red);
  const reverted = await rig.heddle(["merge", run, "--revert", "first"]);
  expect([reverted.code, reverted.stdout]).toEqual([0, expect.stringContaining("Verified without it.")]);
  expect(tracked(rig, `heddle/${run}/integration`)).not.toContain("first.txt");
  expect((await rig.heddle(["worktrees"])).stdout).toBe("No worktrees.\n");
});

test("what cannot be taken out says why, and changes nothing", async () => {
  using rig = new AgentRig();
  const run = await merged(rig);
  const log = await rig.log();
  const refused = async (...args: readonly string[]): Promise<readonly [number | null, string]> => {
    const { code, stdout, stderr } = await rig.heddle(["merge", run, ...args]);
    expect(stdout).toBe("");
    return [code, stderr];
  };
  const conflict = await refused("--revert", "second");
  expect(conflict).toEqual([1, expect.stringContaining("changed the same lines as second in second.txt")]);
  expect(await refused("--revert", "plain")).toEqual([1, expect.stringContaining("has no work of plain")]);
  expect(await refused("--revert", "frist")).toEqual([2, expect.stringContaining("Did you mean first?")]);
  expect(await refused("--revert", "first", "--ff")).toEqual([2, expect.stringContaining("cannot be combined")]);
  expect(await refused("--revert", "first", "--branch", "x")).toEqual([2, expect.stringContaining("--branch and")]);
  expect(await rig.log()).toEqual(log);
  await rig.heddle(["merge", run, "--revert", "first"]);
  expect(await refused("--revert", "first")).toEqual([1, expect.stringContaining("has no work of first")]);
  rig.agents({}, { steps: [{ id: "first", run: "true" }] });
  await rig.heddle(["run"]);
  const without = await rig.heddle(["merge", "--revert", "first"]);
  expect([without.code, without.stderr]).toEqual([1, expect.stringContaining("nothing has been merged")]);
});

test.each(variants(1, [["ff"], ["merge"], ["branch"]]))(
  "what landed by %s lands reverted by a second landing",
  async (kind) => {
    using rig = new AgentRig();
    const run = await merged(rig);
    const args = kind === "ff" ? ["--ff"] : kind === "branch" ? ["--branch", "feature"] : [];
    const branch = kind === "branch" ? "feature" : "main";
    if (kind === "merge") {
      rig.write("own.txt", "the user's\n");
      rig.commit("the user goes on");
    }
    const land = async (): Promise<void> => {
      const { code, stderr } = await rig.heddle(["merge", run, ...args]);
      expect([code, stderr]).toEqual([0, ""]);
    };
    await land();
    expect(tracked(rig, branch)).toContain("first.txt");
    expect(rig.git(["log", "-1", "--format=%P", branch]).split(" ")).toHaveLength(kind === "merge" ? 2 : 1);
    await rig.heddle(["merge", run, "--revert", "first"]);
    expect(tracked(rig, branch)).toContain("first.txt");
    rig.write("untracked.txt", "the user's\n");
    await land();
    expect(tracked(rig, branch)).toEqual(
      [".gitignore", "a.txt", "second.txt", ...(kind === "merge" ? ["own.txt"] : [])].sort(),
    );
    expect(rig.git(["show", `${branch}:a.txt`])).toBe("first\nsecond\nthird");
    expect(rig.git(["status", "--porcelain"])).toBe("?? untracked.txt");
    expect(rig.read("a.txt")).toBe("first\nsecond\nthird\n");
    await land();
    expect(rig.git(["fsck", "--no-dangling"])).toBe("");
  },
);

test("when the last step is out, landing says what it came to", async () => {
  using rig = new AgentRig();
  rig.agents({ only: [writes("only.txt", "1\n")] }, { steps: [{ id: "only" }] });
  await rig.heddle(["run"]);
  const run = await rig.run();
  const landed = await rig.heddle(["merge"]);
  expect(landed.stdout).toContain(`1 merged step on heddle/${run}/integration; landed on main`);
  await rig.heddle(["merge", "--revert", "only"]);
  const again = await rig.heddle(["merge"]);
  const tip = rig.git(["rev-parse", "--short=10", `heddle/${run}/integration`]);
  expect(again.stdout).toBe(`heddle/${run}/integration has no work of a step; main is at ${tip}.\n`);
  expect(tracked(rig, "main")).toEqual([".gitignore", "a.txt"]);
});

test.runIf(isNightly)("a dirty tree is not landed upon with a revert either, and stays as it is", async () => {
  using rig = new AgentRig();
  const run = await merged(rig);
  await rig.heddle(["merge", run]);
  await rig.heddle(["merge", run, "--revert", "first"]);
  rig.write("a.txt", "changed by the user\n");
  const before = rig.checkout();
  const { code, stderr } = await rig.heddle(["merge", run]);
  expect([code, stderr]).toEqual([1, expect.stringContaining("a.txt has uncommitted changes")]);
  expect(rig.checkout()).toBe(before);
});

test("a resumed run does not merge again what was taken out after its success", async () => {
  using rig = new AgentRig();
  rig.agents(
    { first: [writes("first.txt", "first\n")], last: [{ run: "ls > seen.txt" }] },
    {
      steps: [{ id: "first" }, { id: "gate", deps: ["first"], run: "test -e open.go" }, { id: "last", deps: ["gate"] }],
    },
  );
  expect((await rig.heddle(["run"])).code).toBe(1);
  const run = await rig.run();
  expect((await rig.heddle(["merge", run, "--revert", "first"])).code).toBe(0);
  rig.write("open.go", "");
  const { finished, events } = await rig.json(["retry", run]);
  expect([finished.code, finished.stderr]).toEqual([0, ""]);
  expect(ofType(events, "step.started", "first")).toEqual([]);
  expect(await rig.merged("seen.txt")).toBe("a.txt\nseen.txt");
  expect(await rig.log()).toEqual([expect.stringMatching(/^first/), "Revert first", expect.stringMatching(/^last/)]);
});

test.each(variants(1, ["squash", "merge", "rebase"]))(
  "a merge without its record that was taken out is not taken for done: its step is done anew (%s)",
  async (merge) => {
    using rig = new AgentRig();
    const gate = rig.gate("g");
    rig.agents(
      {
        first: [
          { run: "echo first > first.txt; git add -A; git -c user.name=A -c user.email=a@b commit -qm own || :" },
        ],
      },
      {
        steps: [
          { id: "first", verify: [`test -e '${rig.dir}/no.go' || { touch '${rig.dir}/no.go'; ${gate.command}; }`] },
        ],
      },
      { merge },
    );
    const running = rig.spawn(["run"]);
    await gate.reached();
    running.kill("SIGKILL");
    await running.done;
    const run = await rig.run();
    // As if it had died a moment later: after the merge, before the record of it.
    const captured = rig.git(["rev-parse", `refs/heddle/${run}/first/1`]);
    const text = `first\n\nRun: ${run}\nStep: first\nAttempt: 1\nCaptured: ${captured}`;
    const base = rig.git(["rev-parse", "main"]);
    const parents = merge === "merge" ? ["-p", base, "-p", captured] : ["-p", base];
    const commit = rig.git(["commit-tree", `${captured}^{tree}`, ...parents, "-m", text]);
    rig.git(["update-ref", `refs/heads/heddle/${run}/integration`, commit, base]);
    expect((await rig.heddle(["merge", run, "--revert", "first"])).code).toBe(0);
    const { finished, events } = await rig.json(["resume", run]);
    expect([finished.code, finished.stderr]).toEqual([0, ""]);
    expect(ofType(events, "usage.recorded", "first")).toHaveLength(1);
    expect(ofType(events, "worktree.merged", "first")).toHaveLength(1);
    expect(await rig.merged("first.txt")).toBe("first");
  },
);
