/** The merge queue: order, conflicts, verification, what is done again and what is not. */
import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { mergeTrees } from "../../src/git/merge-candidate.ts";
import { revertStep } from "../../src/git/landing.ts";
import { passedStore } from "../../src/git/verify.ts";
import { clock, namesIn } from "./test-repository.ts";
import { answering, checkBy, kinds, mergeSetting, subjects } from "./merge-setting.ts";
import type { MergeRequest } from "../../src/git/types.ts";

test("entries of one turn go in by the plan's order, each verified as the very commit", async () => {
  using at = await mergeSetting();
  const queue = at.queue();
  const { checks, seen } = answering(
    (folder, commit) =>
      at.repository.git(["rev-parse", "HEAD"], folder) === commit &&
      at.repository.git(["status", "--porcelain"], folder) === "",
  );
  const entries = ["one", "two", "three", "four"].map((id) =>
    at.entry(id, { [`${id}.txt`]: id }, { checks, trailers: [["Agent", "x\nRun: forged"]] }),
  );
  const outcomes = await Promise.all(entries.toReversed().map(async (entry) => await queue.submit(entry)));
  expect(kinds(outcomes)).toEqual(["merged", "merged", "merged", "merged"]);
  expect(subjects(at.repository)).toEqual(["one", "two", "three", "four"]);
  // Checks of several commits may run at once, and begin in any order.
  const merged = at.repository.git(["rev-list", "main..heddle/r1/integration"]).split("\n");
  expect(merged.toSorted()).toEqual(seen.toSorted());
  expect(at.repository.git(["log", "-1", "--format=%(trailers:only)", "heddle/r1/integration"]).trim()).toBe(
    `Run: r1\nStep: four\nAttempt: 1\nCaptured: ${entries[3]?.commit ?? ""}\nAgent: x Run: forged`,
  );
  await queue.close();
  expect(at.repository.git(["worktree", "list"]).split("\n")).toHaveLength(1);
  expect(at.repository.git(["symbolic-ref", "HEAD"])).toBe("refs/heads/main");
});

test("a conflict and a red verification move nothing and stop nobody", async () => {
  using at = await mergeSetting();
  const queue = at.queue();
  const good = answering(() => true);
  const red = answering(() => false);
  const outcomes = await Promise.all([
    queue.submit(at.entry("one", { "a.txt": "one\n" }, { checks: good.checks })),
    queue.submit(at.entry("two", { "a.txt": "two\n", "b.txt": "two\n" }, { checks: good.checks })),
    queue.submit(at.entry("three", { "c.txt": "three\n" }, { checks: red.checks })),
    queue.submit(at.entry("four", { "d.txt": "four\n" }, { checks: good.checks })),
  ]);
  expect(kinds(outcomes)).toEqual(["merged", "conflict", "rejected", "merged"]);
  expect(outcomes[1]).toMatchObject({ files: ["a.txt"], head: good.seen[0] });
  expect(outcomes[2]).toMatchObject({ failure: { reason: "red" } });
  expect(subjects(at.repository)).toEqual(["one", "four"]);
  expect(await queue.submit(at.entry("five", { "d.txt": "four\n" }))).toMatchObject({ kind: "nothing" });
  await queue.close();
});

test("the next in line is verified meanwhile, on top of the one before; in vain where that is red", async () => {
  using at = await mergeSetting();
  const queue = at.queue();
  for (const firstIsGreen of [true, false]) {
    const started = Promise.withResolvers<void>();
    const tag = String(firstIsGreen);
    const first = answering(async () => {
      await started.promise;
      return firstIsGreen;
    });
    const second = answering((folder) => {
      started.resolve();
      expect(namesIn(folder)).toContain(`second-${tag}`);
      return true;
    });
    const outcomes = await Promise.all([
      queue.submit(at.entry(`first-${tag}`, { [`first-${tag}`]: "x" }, { checks: first.checks })),
      queue.submit(at.entry(`second-${tag}`, { [`second-${tag}`]: "x" }, { checks: second.checks })),
    ]);
    expect(kinds(outcomes)).toEqual([firstIsGreen ? "merged" : "rejected", "merged"]);
    expect(second.seen).toHaveLength(firstIsGreen ? 1 : 2);
  }
  expect(subjects(at.repository)).toEqual(["first-true", "second-true", "second-false"]);
  await queue.close();
});

test("a conflict with what may yet be red is no conflict", async () => {
  using at = await mergeSetting();
  const queue = at.queue();
  const outcomes = await Promise.all([
    queue.submit(at.entry("one", { "a.txt": "one\n" }, { checks: answering(() => false).checks })),
    queue.submit(at.entry("two", { "a.txt": "two\n" })),
  ]);
  expect(kinds(outcomes)).toEqual(["rejected", "merged"]);
  await queue.close();
});

test.each([1, 4, 6])("a batch is verified once, and halved to find the red one: the %i. of 6", async (bad) => {
  using at = await mergeSetting();
  const queue = at.queue({ batch: 6 });
  const { checks, seen } = answering((folder) => !namesIn(folder).includes(`s${bad}`), "suite");
  const entries = [1, 2, 3, 4, 5, 6].map((n) => at.entry(`s${n}`, { [`s${n}`]: "x" }, { checks }));
  const outcomes = await Promise.all(entries.map(async (entry) => await queue.submit(entry)));
  expect(kinds(outcomes)).toEqual([1, 2, 3, 4, 5, 6].map((n) => (n === bad ? "rejected" : "merged")));
  expect(subjects(at.repository)).toEqual([1, 2, 3, 4, 5, 6].filter((n) => n !== bad).map((n) => `s${n}`));
  expect(seen.length).toBeLessThanOrEqual(5);
  await queue.close();
});

test("what passed under a key passes again without running, in another process too", async () => {
  using at = await mergeSetting();
  const path = join(at.repository.folder, "passed");
  const { checks, seen } = answering(() => true, "npm test");
  const entry = at.entry("one", { x: "1" }, { checks });
  const queue = at.queue({ passed: passedStore(clock, path) });
  await queue.submit(entry);
  await revertStep(queue.integration, "one");
  const other = at.queue({ passed: passedStore(clock, path) });
  expect(await other.submit({ ...entry, attempt: 2 })).toMatchObject({ kind: "merged", again: false });
  expect(seen).toHaveLength(1);
  await revertStep(other.integration, "one");
  await other.submit({ ...entry, attempt: 3, checks: checks.map((one) => ({ ...one, key: "npm test -- --all" })) });
  expect(seen).toHaveLength(2);
  await other.close();
});

test("where a step was reverted meanwhile, the work is merged with that, and verified, again", async () => {
  using at = await mergeSetting();
  const queue = at.queue();
  await queue.submit(at.entry("zero", { "zero.txt": "x" }));
  let reverted = "";
  const { checks, seen } = answering(async () => {
    if (seen.length > 1) return true;
    // By a command of a person, in another process.
    const found = await revertStep(at.queue().integration, "zero");
    if (found.kind === "reverted") reverted = found.commit;
    return true;
  });
  const outcome = await queue.submit(at.entry("one", { x: "1" }, { checks }));
  expect(outcome).toMatchObject({ kind: "merged", onto: reverted });
  expect(seen).toHaveLength(2);
  await queue.close();
});

test("after a crash entries are put in again: none is merged twice", async () => {
  using at = await mergeSetting();
  const entries = [at.entry("one", { x: "1" }), at.entry("two", { y: "1" })];
  const first = at.queue();
  const before = await Promise.all(entries.map(async (entry) => await first.submit(entry)));
  const second = at.queue();
  const after = await Promise.all(entries.map(async (entry) => await second.submit(entry)));
  expect(after).toEqual(before.map((outcome) => ({ ...outcome, again: true })));
  expect(subjects(at.repository)).toEqual(["one", "two"]);
  await second.close();
});

test("lock files of a git that was killed are in nobody's way", async () => {
  using s = await mergeSetting();
  const plant = (ref: string): void => {
    const file = join(s.repository.user, ".git", `${ref}.lock`);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, "");
    utimesSync(file, 1, 1);
  };
  plant("refs/heddle/r1/@ours/integration");
  plant("refs/heads/heddle/r1/integration");
  const queue = s.queue();
  expect(await queue.head()).toBe(s.base);
  plant("refs/heads/heddle/r1/integration");
  const outcome = await queue.submit(s.entry("a", { "a.txt": "a\n" }));
  expect(outcome.kind).toBe("merged");
  expect(s.read("a.txt")).toBe("a");
});

test("closing stops what is under way, and answers all", async () => {
  using at = await mergeSetting();
  const queue = at.queue({ ahead: 1 });
  const started = Promise.withResolvers<void>();
  const hangs = checkBy(async (_, signal) => {
    started.resolve();
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    return { ok: false, failure: { command: "check", reason: "aborted", output: "" } };
  });
  const outcomes = [
    queue.submit(at.entry("one", { x: "1" }, { checks: hangs })),
    queue.submit(at.entry("two", { y: "1" })),
  ];
  await started.promise;
  await queue.close();
  expect(kinds(await Promise.all(outcomes))).toEqual(["closed", "closed"]);
  expect(await queue.submit(at.entry("three", { z: "1" }))).toEqual({ kind: "closed" });
  expect(at.repository.git(["rev-parse", "heddle/r1/integration"])).toBe(at.base);
});

test("a git that fails is heard by the entry that it failed, and by no other", async () => {
  using at = await mergeSetting();
  const queue = at.queue();
  const outcomes = await Promise.allSettled([
    queue.submit({ ...at.entry("one", { x: "1" }), commit: "f".repeat(40) }),
    queue.submit(at.entry("two", { y: "1" })),
  ]);
  expect(outcomes[0]).toMatchObject({ status: "rejected", reason: { code: "GitFailed" } });
  expect(outcomes[1]).toMatchObject({ status: "fulfilled", value: { kind: "merged" } });
  await queue.close();
});

describe("modes", () => {
  test("merge keeps the attempt's commits behind a merge commit", async () => {
    using at = await mergeSetting();
    const queue = at.queue({ mode: "merge" });
    await queue.submit(at.entry("one", { x: "1" }));
    const entry = at.entry("two", { y: "1" });
    const outcome = await queue.submit({ ...entry, commit: at.commit({ z: "1" }, entry.commit) });
    expect(kinds([outcome])).toEqual(["merged"]);
    expect(at.repository.git(["log", "--format=%P", "-1", "heddle/r1/integration"]).split(" ")).toHaveLength(2);
    expect(at.repository.git(["ls-tree", "--name-only", "heddle/r1/integration"]).split("\n")).toEqual(
      expect.arrayContaining(["x", "y", "z"]),
    );
    await queue.close();
  });

  test("rebase: what changes nothing at the end does not take along what says whose the work is", async () => {
    using at = await mergeSetting();
    const queue = at.queue({ mode: "rebase" });
    const entry = at.entry("one", { x: "1" });
    const work = at.commit({ y: "1" }, entry.commit);
    const last = at.repository.git(["commit-tree", `${work}^{tree}`, "-p", work, "-m", "nothing"]);
    expect(await queue.submit({ ...entry, commit: last })).toMatchObject({ kind: "merged", again: false });
    expect(at.repository.git(["log", "--reverse", "--format=%s", "main..heddle/r1/integration"]).split("\n")).toEqual([
      "x",
      "y",
    ]);
    expect((await queue.merged()).map(({ step, source }) => [step, source])).toEqual([["one", last]]);
    expect(await queue.submit({ ...entry, commit: last })).toMatchObject({ kind: "merged", again: true });
    await queue.close();
  });

  test("rebase keeps them one by one, with their authors", async () => {
    using at = await mergeSetting();
    const queue = at.queue({ mode: "rebase" });
    await queue.submit(at.entry("one", { x: "1" }));
    const entry = at.entry("two", { y: "1" });
    await queue.submit({ ...entry, commit: at.commit({ z: "1" }, entry.commit) });
    expect(
      at.repository.git(["log", "--reverse", "--format=%s %an %cn", "main..heddle/r1/integration"]).split("\n"),
    ).toEqual(["x User heddle", "y User heddle", "z User heddle"]);
    expect((await queue.merged()).map(({ step }) => step)).toEqual(["one", "two"]);
    expect((await revertStep(queue.integration, "two")).kind).toBe("reverted");
    expect(at.repository.git(["ls-tree", "--name-only", "heddle/r1/integration"]).split("\n")).not.toContain("y");
    await queue.close();
  });
});

test("a step is taken out again, and a new attempt of it put in", async () => {
  using at = await mergeSetting();
  const queue = at.queue();
  const one = at.entry("one", { "a.txt": "one\n", "new.txt": "x" });
  await queue.submit(one);
  await queue.submit(at.entry("two", { "b.txt": "two\n" }));
  expect(await revertStep(queue.integration, "one")).toMatchObject({ kind: "reverted" });
  expect(at.read("a.txt")).toBe(at.repository.git(["cat-file", "blob", "main:a.txt"]));
  expect(at.read("b.txt")).toBe("two");
  expect((await queue.merged()).map(({ step }) => step)).toEqual(["two"]);
  expect(await revertStep(queue.integration, "one")).toEqual({ kind: "not-merged" });
  expect(await queue.submit(one)).toMatchObject({ kind: "merged", again: false });
  await queue.submit(at.entry("three", { "d.txt": "1" }));
  await queue.submit({ step: "four", attempt: 1, order: 9, commit: at.commit({ "d.txt": "2" }, await queue.head()) });
  expect(await revertStep(queue.integration, "three")).toMatchObject({ kind: "conflict", files: ["d.txt"] });
  await queue.close();
});

test.each(["merge", "rebase", "squash"] as const)(
  "work that was merged with its commits and taken out is merged again by a new attempt on top of them (%s)",
  async (mode) => {
    using at = await mergeSetting();
    const queue = at.queue({ mode });
    const own = at.commit({ own: "1\n" });
    const [first, second] = [at.commit({ left: "1\n" }, own), at.commit({ left: "2\n" }, own)];
    const entry = (attempt: number, commit: string): MergeRequest => ({ step: "one", attempt, commit, order: 0 });
    await queue.submit(entry(1, first));
    await queue.submit(at.entry("two", { "b.txt": "two\n" }));
    for (const [index, commit] of [first, second, own].entries()) {
      await revertStep(queue.integration, "one");
      expect(await queue.submit(entry(index + 2, commit))).toMatchObject({ kind: "merged", again: false });
      expect([at.read("own"), at.read("b.txt")]).toEqual(["1", "two"]);
    }
    expect(at.repository.git(["ls-tree", "--name-only", "heddle/r1/integration"]).split("\n")).not.toContain("left");
    const onTop = at.commit({ own: "2\n" }, await queue.head());
    await queue.submit(entry(9, onTop));
    expect(at.read("own")).toBe("2");
    expect((await queue.merged()).map(({ step, attempt }) => [step, attempt])).toEqual([
      ["two", 1],
      ["one", 4],
      ["one", 9],
    ]);
    await queue.close();
  },
);

test("attributes of the branch count, wherever they lie; programs that they name do not run", async () => {
  using at = await mergeSetting((made) => {
    made.write("deep/.gitattributes", "list merge=union\n");
    made.write("deep/list", "start\n");
    made.write("list", "start\n");
    made.git(["add", "-A"]);
    made.git(["commit", "-q", "-m", "attributes"]);
  });
  const { repository } = at.trees;
  const ours = at.commit({ "deep/list": "start\nours\n" });
  const theirs = at.commit({ "deep/list": "start\ntheirs\n" });
  expect(await mergeTrees(repository, ours, theirs)).toMatchObject({ kind: "clean" });
  const plain = [at.commit({ list: "start\nours\n" }), at.commit({ list: "start\ntheirs\n" })] as const;
  expect(await mergeTrees(repository, ...plain)).toMatchObject({ kind: "conflict", files: ["list"] });
});
