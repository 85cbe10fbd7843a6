/** What `heddle doctor` says of the repository that agents would work in, and of worktrees that are left. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { Rig } from "../../support/command-line.ts";
import { AgentRig, writes } from "./rig.ts";

interface Check {
  readonly check: string;
  readonly level: string;
  readonly message: string;
  readonly hint?: string;
}

async function checks(rig: Rig, check: string): Promise<readonly Check[]> {
  const { stdout } = await rig.heddle(["doctor", "--json"]);
  return (JSON.parse(stdout) as { checks: readonly Check[] }).checks.filter((one) => one.check === check);
}

test("where agents cannot work, doctor says why and what to do; where nobody asked for a repository, that is no warning", async () => {
  using rig = new AgentRig();
  expect(await checks(rig, "repository")).toMatchObject([{ level: "ok" }]);
  rig.write(".git/MERGE_HEAD", `${rig.git(["rev-parse", "HEAD"])}\n`);
  expect(await checks(rig, "repository")).toEqual([
    {
      check: "repository",
      level: "warning",
      message: "agents cannot work here: a merge is in progress, so HEAD is not a commit to begin at",
      hint: expect.stringContaining("git merge --abort"),
    },
  ]);
  using plain = new Rig();
  expect(await checks(plain, "repository")).toMatchObject([
    {
      level: "ok",
      message: expect.stringContaining("not in a git repository"),
      hint: expect.stringContaining("git init"),
    },
  ]);
});

test("names worktrees that are stray, unfinished, or hold what is nowhere else, with their sizes", async () => {
  using rig = new AgentRig();
  rig.agents(
    { a: [writes("a.txt", "a\n")], b: [writes("b.txt", "b\n")], c: [writes("c.txt", "c\n")] },
    { steps: [{ id: "a" }, { id: "b" }, { id: "c" }] },
    { worktrees: { keep: true } },
  );
  expect((await rig.heddle(["run"])).code).toBe(0);
  expect((await checks(rig, "worktrees")).map(({ level }) => level)).toEqual(["ok"]);
  const { worktrees } = JSON.parse((await rig.heddle(["worktrees", "--json"])).stdout) as {
    worktrees: { path: string; name: string }[];
  };
  const run = await rig.run();
  const place = (name: string): string => worktrees.find((one) => one.name === name)?.path ?? "";
  writeFileSync(path.join(place("b"), "later.txt"), "made by hand\n");
  rmSync(path.join(path.dirname(place("c")), ".meta", "c"), { recursive: true, force: true });
  const stray = path.join(path.dirname(place("a")), "nobody");
  mkdirSync(stray);
  writeFileSync(path.join(stray, "big"), Buffer.alloc(2 << 20));
  const found = (await checks(rig, "worktrees")).filter(({ level }) => level === "warning");
  expect(found.map(({ message }) => message).sort()).toEqual([
    expect.stringMatching(new RegExp(`^stray: ${run}/nobody, 2\\.\\d MB, ${stray}$`)),
    expect.stringMatching(new RegExp(`^unfinished: ${run}/c, .*MB, `)),
    expect.stringMatching(new RegExp(`^unsaved: ${run}/b, .*MB, `)),
  ]);
  for (const { hint } of found) expect(hint).toBeDefined();
});
