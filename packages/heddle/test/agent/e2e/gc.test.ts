/** What is left of old runs in git: removed with them when their work has landed, kept and told where it is nowhere else. */
import { expect, test } from "vitest";
import { AgentRig, writes } from "./rig.ts";

/** Heddle's refs of a run, short. */
function refs(rig: AgentRig, run: string): readonly string[] {
  const listed = rig.git(["for-each-ref", "--format=%(refname)", `refs/heads/heddle/${run}`, `refs/heddle/${run}`]);
  return listed.split("\n").filter(Boolean);
}

async function gc(rig: AgentRig, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await rig.heddle(["gc", "--keep-days", "0", ...args]);
  expect([code, stderr]).toEqual([0, ""]);
  return stdout;
}

async function runs(rig: AgentRig): Promise<readonly string[]> {
  const { runs: all } = JSON.parse((await rig.heddle(["runs", "--json"])).stdout) as { runs: { run: string }[] };
  return all.map(({ run }) => run);
}

test("refs and branches of a run go with it when its work has landed; what is not ours, or checked out, stays", async () => {
  using rig = new AgentRig();
  rig.agents({ a: [writes("a.ts", "a\n")] }, { steps: [{ id: "a" }] }, { land: "ff" });
  expect((await rig.heddle(["run"])).code).toBe(0);
  const run = await rig.run();
  const before = refs(rig, run);
  expect(before).toContain(`refs/heddle/${run}/a/1`);
  const main = rig.git(["rev-parse", "main"]);
  expect((await rig.heddle(["gc"])).stdout).toContain("No run is older");
  expect(await gc(rig, "--dry-run")).toContain(`, with ${before.length} refs`);
  expect([refs(rig, run), await runs(rig)]).toEqual([before, [run]]);
  rig.git(["branch", `heddle/${run}/mine`]);
  rig.git(["checkout", "-q", `heddle/${run}/integration`]);
  expect(await gc(rig)).toContain("1 run removed");
  expect(refs(rig, run)).toEqual([
    `refs/heads/heddle/${run}/integration`,
    `refs/heads/heddle/${run}/mine`,
    `refs/heddle/${run}/@ours/integration`,
  ]);
  expect([rig.git(["rev-parse", "main", "HEAD"]), await runs(rig)]).toEqual([`${main}\n${main}`, []]);
});

test("a run whose work is on no branch of the user's stays, with a word about it, until it lands", async () => {
  using rig = new AgentRig();
  rig.agents({ a: [writes("a.ts", "a\n")] }, { steps: [{ id: "a" }] });
  await rig.heddle(["run"]);
  const run = await rig.run();
  const before = refs(rig, run);
  // Pushed, it is heddle's still.
  rig.git(["update-ref", `refs/remotes/origin/heddle/${run}/integration`, `heddle/${run}/integration`]);
  const told = await gc(rig);
  expect(told).toContain("its agents' work has not landed");
  expect([refs(rig, run), await runs(rig)]).toEqual([before, [run]]);
  const { kept, removed } = JSON.parse(await gc(rig, "--json")) as { kept: { run: string }[]; removed: string[] };
  expect([kept.map((one) => one.run), removed]).toEqual([[run], []]);
  expect((await rig.heddle(["merge", run])).code).toBe(0);
  expect(await gc(rig)).toContain("1 run removed");
  expect([refs(rig, run), await runs(rig)]).toEqual([[], []]);
});

test("a failed run stays while it has worktrees, and with what it captured until a person says otherwise", async () => {
  using rig = new AgentRig();
  rig.agents(
    { a: [writes("a.ts", "a\n")] },
    { steps: [{ id: "a", agent: { prompt: "do a", expect: { files: ["no.ts"] } } }] },
  );
  expect((await rig.heddle(["run"])).code).toBe(1);
  const run = await rig.run();
  expect(await gc(rig, "--unlanded")).toContain("it still has 1 worktree");
  expect((await rig.heddle(["worktrees", "clean", run])).code).toBe(0);
  expect(await gc(rig)).toContain("is kept because it has not succeeded");
  expect(rig.git(["show", `refs/heddle/${run}/a/1:a.ts`])).toBe("a");
  expect(await gc(rig, "--unlanded")).toContain("1 run removed");
  expect([refs(rig, run), await runs(rig)]).toEqual([[], []]);
});
