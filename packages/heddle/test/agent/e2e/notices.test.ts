/** What is kept of a worktree, what is not, and that nobody takes the one for the other. */
import path from "node:path";
import { expect, test } from "vitest";
import { AgentRig, type Event, ofType, writes } from "./rig.ts";

function noticesOf(events: readonly Event[], step: string): readonly (readonly [unknown, string])[] {
  return ofType(events, "step.progress", step)
    .filter(({ data }) => data["type"] === "notice" && data["about"] !== undefined)
    .map(({ data }) => [data["about"], String(data["text"])]);
}

/** 51 MB that take no place on the disk. */
const large = { run: "truncate -s 51M large.bin" };

test("work of which a file is too large to be captured is no success: nothing is merged, and the file and the limit are named", async () => {
  using rig = new AgentRig();
  rig.agents({ a: [writes("small.txt", "s\n"), large] }, { steps: [{ id: "a" }] });
  const { finished, events } = await rig.json(["run"]);
  expect(finished.code).toBe(1);
  const error = ofType(events, "step.failed", "a")[0]?.data["error"] as { class: string; message: string };
  expect(error.class).toBe("left-out");
  for (const part of ["large.bin (51 MB)", "50 MB per file", "allowOmitted: true"])
    expect(error.message).toContain(part);
  expect(noticesOf(events, "a")).toEqual([["left-out", "not captured, so not merged: large.bin (51 MB)"]]);
  expect(ofType(events, "worktree.merged")).toEqual([]);
  const run = await rig.run();
  expect(rig.git(["show", `refs/heddle/${run}/a/1:small.txt`])).toBe("s");
  expect((await rig.heddle(["worktrees"])).stdout).toContain("unsaved");
  const shown = (await rig.heddle(["show", run, "a"])).stdout;
  expect(shown).toContain("! attempt 1: not captured, so not merged: large.bin (51 MB)");
  expect(shown).toContain(`kept under refs/heddle/${run}/a/1`);
  const told = JSON.parse((await rig.heddle(["show", run, "a", "--json"])).stdout) as {
    notices: unknown;
    step: object;
  };
  expect(told.notices).toEqual([{ attempt: 1, about: "left-out", text: expect.stringContaining("large.bin") }]);
  expect(told.step).toMatchObject({ id: "a", status: "failed" });
});

test("a plan may allow it; a step that is to change nothing may leave such files: that is told, and the worktree stays", async () => {
  using rig = new AgentRig();
  rig.agents(
    { a: [writes("small.txt", "s\n"), large] },
    { steps: [{ id: "a" }] },
    { worktrees: { allowOmitted: true } },
  );
  const allowed = await rig.heddle(["run"]);
  expect(allowed.code).toBe(0);
  expect(allowed.stdout).toContain("[a] ! not captured, so not merged: large.bin (51 MB)");
  expect(await rig.merged("small.txt")).toBe("s");
  expect((await rig.heddle(["worktrees"])).stdout).toContain("unsaved");
  rig.agents({ b: [large] }, { steps: [{ id: "b", agent: { prompt: "look", expect: "none" } }] });
  const { finished, events } = await rig.json(["run"]);
  expect(finished.code).toBe(0);
  expect(noticesOf(events, "b").map(([about]) => about)).toEqual(["left-out"]);
});

test("a file that git ignores is nobody's loss", async () => {
  using rig = new AgentRig();
  rig.agents({ a: [writes("small.txt", "s\n"), { run: "truncate -s 51M large.here" }] }, { steps: [{ id: "a" }] });
  const { finished, events } = await rig.json(["run"]);
  expect([finished.code, noticesOf(events, "a")]).toEqual([0, []]);
});

test("a repository that a step made inside, and commits that it left, are told once for each attempt", async () => {
  using rig = new AgentRig();
  const git = "git -c user.name=x -c user.email=x@x";
  rig.agents(
    {
      a: [
        { run: `mkdir lib && cd lib && git init -q && echo l > l.txt && git add . && ${git} commit -q -m l` },
        writes("w.txt", "w\n"),
        { commit: "left behind" },
        { run: `git reset -q --hard HEAD^; echo w > w.txt` },
      ],
    },
    { steps: [{ id: "a" }] },
  );
  const { finished, events } = await rig.json(["run"]);
  expect([finished.code, finished.stderr]).toEqual([0, ""]);
  const notices = noticesOf(events, "a");
  expect(notices.map(([about]) => about)).toEqual(expect.arrayContaining(["nested", "strays"]));
  expect(notices).toHaveLength(2);
  const ref = `refs/heddle/${await rig.run()}/a/1.kept`;
  expect(notices.find(([about]) => about === "strays")?.[1]).toContain(ref);
  expect(rig.git(["rev-parse", "--verify", ref])).toMatch(/^[0-9a-f]{40}$/);
});

test("what is peculiar about the repository is told once at the run's beginning, and files that could not be copied in", async () => {
  using rig = new AgentRig();
  rig.write(".worktreeinclude", "seen.here\nplain.env\n");
  rig.commit("what to copy");
  rig.write("seen.here", "x");
  rig.write("plain.env", "x");
  rig.agents(
    { a: [{ attempt: 1, do: [{ exit: 3 }] }, { do: [{ run: "cp seen.here a.txt" }] }], b: [writes("b.txt", "b\n")] },
    { steps: [{ id: "a" }, { id: "b" }], failure: "continue" },
  );
  const first = await rig.json(["run"]);
  const all = [...noticesOf(first.events, "a"), ...noticesOf(first.events, "b")];
  const repository = all.filter(([about]) => about === "repository").map(([, text]) => text);
  expect(repository).toEqual(["1 uncommitted file: agents do not see them"]);
  expect(all.filter(([about]) => about === "include")).toEqual([
    ["include", expect.stringContaining("plain.env (git does not ignore it in the worktree, so it would be merged)")],
    ["include", expect.stringContaining("plain.env")],
  ]);
  const again = await rig.json(["resume"]);
  expect(again.finished.code).toBe(0);
  expect(noticesOf(again.events, "a").filter(([about]) => about === "repository")).toEqual([]);
});

test("a checkout that cannot be looked at any more costs neither the turn's work nor a place", async () => {
  using rig = new AgentRig();
  const index = path.join(rig.dir, ".git", "index");
  rig.agents({ a: [writes("w.txt", "w\n"), { run: `echo broken > '${index}'` }] }, { steps: [{ id: "a" }] });
  const { events } = await rig.json(["run"]);
  expect(rig.git(["show", `refs/heddle/${await rig.run()}/a/1:w.txt`])).toBe("w");
  const told = ofType(events, "step.progress", "a").map(({ data }) => String(data["text"]));
  expect(told.some((text) => text.includes("cannot check for changes"))).toBe(true);
});
