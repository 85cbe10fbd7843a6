/** Where the work of a run goes at its end: to the branch that it began on, once, whichever process gets it there. */
import { chmodSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import type { Gate } from "../../support/command-line.ts";
import { AgentRig, ofType, writes, type Event } from "./rig.ts";

async function history(rig: AgentRig): Promise<readonly Event[]> {
  const { stdout } = await rig.heddle(["history", "--json"]);
  return stdout
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Event);
}

async function landings(rig: AgentRig): Promise<readonly string[]> {
  return (await history(rig)).map(({ type }) => type).filter((type) => type.includes("land"));
}

/** A git that stops at the gate before it moves the user's branch, and does nothing more if heddle is gone by then. */
function gitWithGate(rig: AgentRig, gate: Gate): Readonly<Record<string, string>> {
  const real = rig.git(["--exec-path"]).replace(/\/(lib|libexec)\/git-core$/, "/bin/git");
  rig.write(
    "bin.here/git",
    `#!/bin/sh\ncase "$*" in *"heddle: land"*) ${gate.command}; kill -0 $PPID || exit 1;; esac\nexec '${real}' "$@"\n`,
  );
  chmodSync(path.join(rig.dir, "bin.here/git"), 0o755);
  return { PATH: `${path.join(rig.dir, "bin.here")}:${process.env["PATH"] ?? ""}` };
}

test("a resume in which no agent runs lands the run, and leaves no worktree of a group", async () => {
  using rig = new AgentRig();
  rig.agents(
    { a: [writes("a.ts", "a\n")] },
    {
      steps: [
        { id: "a", group: "g" },
        { id: "ok", approve: "ok?", deps: ["a"] },
      ],
    },
    { land: "ff" },
  );
  expect((await rig.heddle(["run"])).code).toBe(3);
  expect((await rig.heddle(["approve", await rig.run(), "ok"])).code).toBe(0);
  const { code, stdout } = await rig.heddle(["resume"]);
  expect([code, stdout]).toEqual([0, expect.stringContaining("landed on main")]);
  expect(rig.read("a.ts")).toBe("a\n");
  expect((await rig.heddle(["worktrees"])).stdout).toContain("No worktrees");
  expect(await landings(rig)).toEqual(["run.landed"]);
});

test("a step that runs again after its run has landed begins at what is merged, lands again, and can be taken back out", async () => {
  using rig = new AgentRig();
  rig.agents(
    {
      a: [
        { attempt: 1, do: [writes("a.ts", "1\n")] },
        { attempt: 2, do: [{ run: "cat b.ts a.ts > c.ts" }] },
      ],
      b: [writes("b.ts", "b\n")],
    },
    {
      steps: [
        { id: "a", group: "g" },
        { id: "b", group: "g", deps: ["a"] },
      ],
    },
    { land: "ff" },
  );
  expect((await rig.heddle(["run"])).code).toBe(0);
  const run = await rig.run();
  const { code, stdout } = await rig.heddle(["retry", run, "a", "--alone"]);
  expect([code, stdout]).toEqual([0, expect.stringContaining("landed on main")]);
  expect(rig.read("c.ts")).toBe("b\n1\n");
  expect(await landings(rig)).toEqual(["run.landed", "run.landed"]);
  expect((await rig.heddle(["worktrees"])).stdout).toContain("No worktrees");
  // The last merge first.
  for (let merges = 2; merges > 0; merges--) expect((await rig.heddle(["merge", run, "--revert", "a"])).code).toBe(0);
  expect(rig.git(["ls-tree", "--name-only", `heddle/${run}/integration`])).toBe(".gitignore\na.txt\nb.ts");
});

test("a run that was killed after its end and before its landing is landed by a resume, once", async () => {
  using rig = new AgentRig();
  const gate = rig.gate("g");
  rig.agents({ a: [writes("a.ts", "a\n")] }, { steps: [{ id: "a" }] }, { land: "ff" });
  const running = rig.spawn(["run"], { env: gitWithGate(rig, gate) });
  await gate.reached();
  running.kill("SIGKILL");
  await running.done;
  await gate.open();
  expect((await rig.statuses())["a"]).toBe("succeeded");
  expect(await landings(rig)).toEqual([]);
  const { code, stdout } = await rig.heddle(["resume"]);
  expect([code, stdout]).toEqual([0, expect.stringContaining("landed on main")]);
  expect(rig.git(["show", "main:a.ts"])).toBe("a");
  expect(rig.git(["status", "--porcelain"])).toBe("");
  const head = rig.git(["rev-parse", "main"]);
  rig.git(["commit", "-q", "--allow-empty", "-m", "mine"]);
  const again = await rig.heddle(["resume"]);
  expect([again.code, again.stdout]).toEqual([0, expect.stringContaining("landed on main")]);
  expect(rig.git(["rev-parse", "main^"])).toBe(head);
  expect(await landings(rig)).toEqual(["run.landed"]);
  expect((await rig.heddle(["replay"])).code).toBe(0);
});

test("a run lands on the branch that it began on, and on no other that happens to be checked out", async () => {
  using rig = new AgentRig();
  rig.git(["checkout", "-q", "-b", "feature"]);
  rig.write("f.txt", "of feature alone\n");
  rig.commit("feature");
  rig.agents(
    { a: [writes("a.ts", "a\n")], b: [writes("b.ts", "b\n")] },
    {
      steps: [{ id: "a" }, { id: "ok", approve: "ok?", deps: ["a"] }, { id: "b", deps: ["ok"] }],
    },
    { land: "merge" },
  );
  expect((await rig.heddle(["run"])).code).toBe(3);
  rig.git(["checkout", "-q", "main"]);
  const main = rig.git(["rev-parse", "main"]);
  await rig.heddle(["approve", await rig.run(), "ok"]);
  const { code, stdout } = await rig.heddle(["resume"]);
  expect([code, stdout]).toEqual([0, expect.stringContaining("not on the branch feature")]);
  const typed = await rig.heddle(["merge"]);
  expect([typed.code, typed.stderr]).toEqual([1, expect.stringContaining("not on the branch feature")]);
  expect(rig.git(["rev-parse", "main"])).toBe(main);
  rig.git(["checkout", "-q", "feature"]);
  expect((await rig.heddle(["resume"])).stdout).toContain("landed on feature");
  expect(rig.git(["show", "feature:b.ts"])).toBe("b");
  expect(await landings(rig)).toEqual(["landing.refused", "run.landed"]);
});

test("a run that began on no branch lands on none by itself, and by a person's word on the one that is checked out", async () => {
  using rig = new AgentRig();
  rig.git(["checkout", "-q", "--detach"]);
  const gate = rig.gate("g");
  rig.agents({ a: [{ run: gate.command }, writes("a.ts", "a\n")] }, { steps: [{ id: "a" }] }, { land: "ff" });
  const running = rig.start(["run"]);
  await gate.reached();
  rig.git(["checkout", "-q", "main"]);
  await gate.open();
  const { code, stdout } = await running.done;
  expect([code, stdout]).toEqual([0, expect.stringContaining("no branch was checked out when the run began")]);
  expect(rig.has("a.ts")).toBe(false);
  expect((await rig.heddle(["merge"])).stdout).toContain("landed on main");
  expect((await rig.heddle(["show"])).stdout).toContain("landed on main");
  expect((await rig.heddle(["merge"])).stdout).toContain("landed on main");
  expect(await landings(rig)).toEqual(["landing.refused", "run.landed"]);
});

test("a refused landing says why, what to do and what to type, in the history and after it too", async () => {
  using rig = new AgentRig();
  rig.agents({ a: [writes("a.ts", "a\n")] }, { steps: [{ id: "a" }] }, { land: "ff" });
  rig.write("a.txt", "changed by the user\n");
  const { code, stdout } = await rig.heddle(["run"]);
  const run = await rig.run();
  expect(code).toBe(0);
  const said = ["it did not land: a.txt has uncommitted changes", "Commit or stash them", `heddle merge ${run}`];
  for (const text of said) expect(stdout).toContain(text);
  const shown = await rig.heddle(["show"]);
  for (const text of said) expect(shown.stdout).toContain(text);
  expect(JSON.parse((await rig.heddle(["show", "--json"])).stdout)).toMatchObject({
    landing: {
      mode: "ff",
      integration: `heddle/${run}/integration`,
      commits: 1,
      problem: { code: "CheckoutNotClean" },
    },
  });
  const again = await rig.heddle(["resume"]);
  for (const text of said) expect(again.stdout).toContain(text);
  const { finished, events } = await rig.json(["run"]);
  expect(finished.code).toBe(0);
  expect(ofType(events, "landing.refused")[0]?.data).toMatchObject({
    mode: "ff",
    problem: { code: "CheckoutNotClean" },
  });
  rig.git(["checkout", "-q", "a.txt"]);
  expect((await rig.heddle(["resume", run])).stdout).toContain("landed on main");
  const landed = JSON.parse((await rig.heddle(["show", run, "--json"])).stdout) as { landing: object };
  expect(landed.landing).toMatchObject({ branch: "main", commit: rig.git(["rev-parse", "main"]) });
  expect(landed.landing).not.toHaveProperty("problem");
});

test("a second run moves the branch that the first made where it builds on it, and else says what to do", async () => {
  using rig = new AgentRig();
  rig.agents({ a: [{ run: "date +%N >> a.ts" }] }, { steps: [{ id: "a" }] }, { land: { branch: "work" } });
  expect((await rig.heddle(["run"])).stdout).toContain("landed on work");
  const first = rig.git(["rev-parse", "work"]);
  const beside = await rig.heddle(["run"]);
  expect(beside.stdout).toContain("it did not land: the branch work has commits that this run does not include");
  expect(rig.git(["rev-parse", "work"])).toBe(first);
  rig.git(["merge", "-q", "work"]);
  expect((await rig.heddle(["run"])).stdout).toContain("landed on work");
  expect(rig.git(["rev-parse", "work^"])).toBe(first);
});

test("half of a run that goes on lands only if a person says so", async () => {
  using rig = new AgentRig();
  const gate = rig.gate("g");
  rig.agents(
    { a: [writes("a.ts", "a\n")], b: [{ run: gate.command }, writes("b.ts", "b\n")] },
    { steps: [{ id: "a" }, { id: "b", deps: ["a"] }] },
  );
  const running = rig.start(["run"]);
  await gate.reached();
  const refused = await rig.heddle(["merge"]);
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("RunGoesOn")]);
  expect(refused.stderr).toContain("--partial");
  expect(rig.has("a.ts")).toBe(false);
  expect((await rig.heddle(["merge", "--partial"])).code).toBe(0);
  expect(rig.has("a.ts")).toBe(true);
  await gate.open();
  expect((await running.done).code).toBe(0);
  expect((await rig.heddle(["merge"])).stdout).toContain("landed on main");
  expect(rig.read("b.ts")).toBe("b\n");
});

test("what a person had undone does not land, though an undo failed; where nothing was merged, nothing is in the way", async () => {
  using rig = new AgentRig();
  rig.agents(
    { a: [writes("a.ts", "a\n")] },
    { steps: [{ id: "a" }, { id: "b", run: "true", undo: "false" }] },
    { land: "ff" },
  );
  rig.write("a.txt", "changed by the user\n");
  expect((await rig.heddle(["run"])).stdout).toContain("it did not land");
  expect((await rig.heddle(["rollback", await rig.run()])).code).toBe(1);
  rig.git(["checkout", "-q", "a.txt"]);
  expect((await rig.heddle(["resume"])).stdout).not.toContain("landed on");
  expect((await rig.heddle(["merge"])).code).toBe(0);
  expect(rig.has("a.ts")).toBe(true);
  expect(await landings(rig)).toEqual(["landing.refused"]);
  rig.write("a.txt", "changed by the user\n");
  rig.agents(
    { a: [{ say: "nothing to do" }] },
    { steps: [{ id: "a", agent: { prompt: "look", expect: "none" } }] },
    { land: "ff" },
  );
  const { code, stdout } = await rig.heddle(["run"]);
  expect([code, stdout]).toEqual([0, expect.not.stringMatching(/land|put in order/)]);
  expect((await rig.heddle(["replay"])).code).toBe(0);
});
