import { expect, test } from "vitest";
import { orThrow } from "../../src/base/errors.ts";
import { LocalMergeQueue } from "../../src/git/merge-queue.ts";
import { captured, testRepository, step } from "./test-repository.ts";

test("a worktree is made, worked in, captured, merged and removed", async () => {
  using at = testRepository();
  const { repository, base, branch, notes } = await at.open();
  expect({ branch, notes: await notes() }).toEqual({ branch: "main", notes: [] });
  const trees = await at.worktrees();
  const tree = orThrow(await trees.ensure({ run: "r1", owner: step("api"), base }));
  expect(tree.branch).toBe("heddle/r1/api");
  expect(at.git(["status", "--porcelain"], tree.path)).toBe("");
  at.write("new.txt", "new\n", tree.path);
  at.write("x.log", "ignored\n", tree.path);
  expect(await trees.remove(tree)).toMatchObject({ ok: false, error: { code: "WorkNotCaptured" } });
  const kept = await captured(repository, tree, "api");
  expect(kept.changedFiles).toEqual(["new.txt"]);
  expect(at.git(["rev-parse", "refs/heddle/r1/api/1"])).toBe(kept.commit);
  const seen: string[] = [];
  const queue = new LocalMergeQueue({
    worktrees: trees,
    run: "r1",
    base,
    async verify({ folder, commit, commands }) {
      seen.push(...commands, at.read("new.txt", folder));
      expect(at.git(["rev-parse", "HEAD"], folder)).toBe(commit);
      return { ok: true };
    },
  });
  const outcome = await queue.submit({
    step: "api",
    attempt: 1,
    commit: kept.commit,
    order: 0,
    checks: [{ commands: ["npm test"] }],
  });
  expect(outcome.kind).toBe("merged");
  expect(seen).toEqual(["npm test", "new\n"]);
  orThrow(await trees.remove(tree));
  await queue.close();
  await trees.deleteDeferred();
  expect(at.git(["worktree", "list", "--porcelain"]).split("\n\n")).toHaveLength(1);
  expect(at.git(["log", "--format=%B", "-1", "heddle/r1/integration"])).toContain("Step: api");
  expect(at.git(["fsck"])).toBe("");
});
