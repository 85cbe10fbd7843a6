/** The parts together: a run of steps that depend on each other, as the room of agents goes about it; the same after a crash. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { orThrow } from "../../src/base/errors.ts";
import { breachesBetween, takeIsolationSnapshot } from "../../src/git/isolation-check.ts";
import { land } from "../../src/git/landing.ts";
import { listWorktrees, setupKey } from "../../src/git/listing.ts";
import { removeRunRefs } from "../../src/git/run-refs.ts";
import { LocalMergeQueue } from "../../src/git/merge-queue.ts";
import type { MergeOutcome, TreeOwner, Worktree } from "../../src/git/types.ts";
import { passedStore } from "../../src/git/verify.ts";
import { LocalWorktrees } from "../../src/git/worktree.ts";
import { type TestRepository, captured, passes, testRepository, step } from "./test-repository.ts";

interface Parts {
  readonly trees: LocalWorktrees;
  readonly queue: LocalMergeQueue;
  readonly base: string;
}

/** As a process of its own would open them. */
async function open(at: TestRepository, base?: string): Promise<Parts> {
  const opened = await at.open();
  const { repository } = opened;
  const trees = new LocalWorktrees({ repository });
  const passed = passedStore(repository.clock, join(repository.home, ".passed"));
  const begun = base ?? opened.base;
  return {
    trees,
    queue: new LocalMergeQueue({ worktrees: trees, run: "r1", base: begun, passed, verify: passes }),
    base: begun,
  };
}

/** The owner's worktree at the integration branch's head. */
async function take({ trees, queue }: Parts, owner: TreeOwner): Promise<Worktree> {
  const head = await queue.head();
  const tree = orThrow(await trees.ensure({ run: "r1", owner, base: head }));
  return tree.base === head ? tree : orThrow(await trees.reset(tree, head));
}

async function attempt(
  at: TestRepository,
  parts: Parts,
  id: string,
  owner: TreeOwner,
): Promise<[Worktree, MergeOutcome]> {
  const tree = await take(parts, owner);
  at.write(`${id}.txt`, `${id}\n`, tree.path);
  const { commit } = await captured(parts.trees.repository, tree, id);
  return [tree, await parts.queue.submit({ step: id, attempt: 1, commit, order: 0 })];
}

test("steps see what their deps made, groups share a worktree, the result lands, nothing is left", async () => {
  using at = testRepository();
  const parts = await open(at);
  const { trees, queue } = parts;
  const { repository } = trees;
  const web: TreeOwner = { kind: "group", id: "Web/UI" };
  const before = await takeIsolationSnapshot(repository, "r1");
  const [one] = await attempt(at, parts, "one", web);
  const [two] = await attempt(at, parts, "two", web);
  const [three] = await attempt(at, parts, "three", step("three"));
  expect(two.path).toBe(one.path);
  expect(at.read("one.txt", two.path)).toBe("one\n");
  expect(at.read("two.txt", three.path)).toBe("two\n");
  expect((await queue.merged()).map((merged) => merged.step)).toEqual(["one", "two", "three"]);
  const key = await setupKey(repository, three.base, ["npm ci"]);
  expect(await trees.needsSetup(three, key)).toBe(true);
  await trees.setupDone(three, key);
  expect(await trees.needsSetup(three, key)).toBe(false);
  expect(
    breachesBetween(before, await takeIsolationSnapshot(repository, "r1"), (ref, id) => repository.isWritten(ref, id)),
  ).toEqual([]);
  const listed = await listWorktrees(repository, { run: "r1" });
  expect(listed.map(({ owner, state }) => [owner, state])).toEqual(
    expect.arrayContaining([
      [web, "saved"],
      [step("three"), "saved"],
    ]),
  );
  const landed = await land({ integration: queue.integration, lock: trees.lock, mode: { kind: "ff" } });
  expect(landed).toMatchObject({ kind: "landed", commit: await queue.head() });
  expect(at.read("three.txt")).toBe("three\n");
  expect(await removeRunRefs(repository, trees.lock, "r1")).toBe(false);
  for (const tree of [two, three]) orThrow(await trees.remove(tree, { branch: "delete" }));
  await queue.close();
  await trees.deleteDeferred();
  expect(await removeRunRefs(repository, trees.lock, "r1")).toBe(true);
  expect(at.git(["for-each-ref", "--format=%(refname)"])).toBe("refs/heads/main");
  expect(await listWorktrees(repository)).toEqual([]);
});

test("a later process goes on with what the earlier one left", async () => {
  using at = testRepository();
  const first = await open(at);
  const [one, outcome] = await attempt(at, first, "one", step("one"));
  at.write("more.txt", "not captured yet\n", one.path);
  at.git(["commit", "-q", "--allow-empty", "-m", "the user goes on"]);
  const later = await open(at, first.base);
  const { trees, queue } = later;
  await expect(take(later, step("one"))).rejects.toMatchObject({ code: "WorkNotCaptured" });
  const found = await trees.find("r1", step("one"));
  expect(found).toEqual({ ...one, fresh: false, included: { copied: [], skipped: [] } });
  const more = await captured(trees.repository, found ?? one, "one", 2);
  expect(more.changedFiles).toEqual(["more.txt", "one.txt"]);
  expect((await queue.merged()).map(({ commit }) => commit)).toEqual([outcome.kind === "merged" ? outcome.commit : ""]);
  const entry = { step: "one", attempt: 2, commit: more.commit, order: 0 };
  expect(await queue.submit(entry)).toMatchObject({ kind: "merged", again: false });
  expect((await take(later, step("one"))).base).toBe(await queue.head());
});
