/** Captures of worktrees, what is put on top of another commit there, and what commits are made of. */
import { type Group, RUN, treeOf, work } from "./setting.ts";

export const captureTests: Group = ({ expect }, test) => {
  test("2. a capture keeps what is there and changes nothing of it", async (setting, opened) => {
    const { captures } = opened.repository;
    const tree = await treeOf(opened, "one");
    const before = await captures.capture({ tree, step: "one", attempt: 1 });
    expect([before.commit, before.changedFiles]).toEqual([opened.base, []]);
    setting.write(tree.path, { "b.txt": "changed\n", "new/d.txt": "d\n" });
    const captured = await captures.capture({ tree, step: "one", attempt: 1 });
    expect(captured).toMatchObject({ base: opened.base, changedFiles: ["b.txt", "new/d.txt"], missing: false });
    expect(await setting.readIn(captured.commit, "new/d.txt")).toBe("d\n");
    expect(await setting.readIn(captured.commit, "a.txt")).toBe("a\n");
    expect(setting.read(tree.path, "b.txt")).toBe("changed\n");
    const again = await captures.capture({ tree, step: "one", attempt: 1 });
    expect([again.commit, again.ref]).toEqual([captured.commit, captured.ref]);
    const next = await captures.capture({ tree, step: "one", attempt: 2 });
    expect(next.ref === captured.ref).toBe(false);
  });

  test("work that goes together with another commit is put on top of it, and nothing is left to settle", async (setting, opened) => {
    const { worktrees, captures } = opened.repository;
    const captured = await work(setting, opened, "one", { "new.txt": "new\n" });
    const head = await setting.commitAsUser({ "a.txt": "second\n" });
    const tree = await treeOf(opened, "one");
    const both = await worktrees.applyOnto(tree, { step: "one", attempt: 1, head, captured });
    if (!both.ok) throw new Error(both.error.message);
    expect(both.value).toMatchObject({ base: head, holds: { step: "one", head, captured } });
    expect([setting.read(tree.path, "a.txt"), setting.read(tree.path, "new.txt")]).toEqual(["second\n", "new\n"]);
    const now = await captures.capture({ tree: both.value, step: "one", attempt: 1 });
    expect([now.changedFiles, await captures.unresolved(both.value, now.commit)]).toEqual([["new.txt"], []]);
  });

  test("what conflicts is told until it is settled, also in a worktree that is found again", async (setting, opened) => {
    const { worktrees, captures } = opened.repository;
    const captured = await work(setting, opened, "one", { "a.txt": "mine\n" });
    const head = await setting.commitAsUser({ "a.txt": "second\n" });
    const tree = await treeOf(opened, "one");
    setting.write(tree.path, { "more.txt": "not captured\n" });
    const request = { step: "one", attempt: 1, head, captured };
    expect(await worktrees.applyOnto(tree, request)).toMatchObject({ ok: false, error: { code: "WorkNotCaptured" } });
    await captures.capture({ tree, step: "one", attempt: 2 });
    expect(await worktrees.applyOnto(tree, request)).toMatchObject({ ok: true });
    const found = await treeOf(opened, "one");
    const left = await captures.capture({ tree: found, step: "one", attempt: 3 });
    expect(await captures.unresolved(found, left.commit)).toEqual(["a.txt"]);
    setting.write(found.path, { "a.txt": "both\n" });
    const settled = await captures.capture({ tree: found, step: "one", attempt: 3 });
    expect(await captures.unresolved(found, settled.commit)).toEqual([]);
  });

  test("a side is taken where two commits conflict, and both elsewhere", async (setting, opened) => {
    const commit = await work(setting, opened, "one", { "a.txt": "mine\n", "new.txt": "new\n" });
    const head = await setting.commitAsUser({ "a.txt": "second\n", "b.txt": "second\n" });
    for (const [side, expected] of [
      ["ours", "second\n"],
      ["theirs", "mine\n"],
    ] as const) {
      const of = { run: RUN, step: "one", attempt: 1, head, commit, side, message: "settled" };
      const settled = await opened.repository.captures.takeSide(of);
      const read = async (path: string): Promise<string | undefined> => await setting.readIn(settled, path);
      expect([await read("a.txt"), await read("b.txt"), await read("new.txt")]).toEqual([
        expected,
        "second\n",
        "new\n",
      ]);
      expect(await opened.repository.commits.subjects(head, settled)).toEqual(["settled"]);
    }
  });

  test("commits tell what differs between them, and what they are called", async (setting, { repository, base }) => {
    const second = await setting.commitAsUser({ "b.txt": "second\n", "new.txt": "new\n" });
    const third = await setting.commitAsUser({ "b.txt": "b\n" });
    expect(await repository.commits.changedFiles(base, second)).toEqual(["b.txt", "new.txt"]);
    expect(await repository.commits.changedFiles(base, third)).toEqual(["new.txt"]);
    expect(await repository.commits.changedFiles(base, base)).toEqual([]);
    const added = { path: "new.txt", shown: "new.txt", isPointer: false };
    expect(await repository.commits.changes(base, third)).toEqual([{ ...added, isGone: false }]);
    expect(await repository.commits.changes(third, base)).toEqual([{ ...added, isGone: true }]);
    const each = await repository.commits.changesOfEach(base, third, []);
    expect(each.map(({ path }) => path).sort()).toEqual(["b.txt", "b.txt", "new.txt"]);
    expect(await repository.commits.changesOfEach(base, third, [third])).toEqual([]);
    expect(await repository.commits.moves(base, third)).toEqual([]);
    expect(await repository.commits.diffStat(base, third)).toContain("new.txt");
    expect((await repository.commits.subjects(base, third)).length).toBe(2);
  });

  test("a patch has each file that differs, its lines are counted, and it ends where it gets too large", async (setting, {
    repository,
    base,
  }) => {
    const { commits } = repository;
    const second = await setting.commitAsUser({ "b.txt": "second\nmore\n", "new.txt": "new\n" });
    const changed = { path: "b.txt", status: "modified", added: 2, removed: 1 };
    expect(await commits.fileChanges(base, second)).toEqual([
      changed,
      { path: "new.txt", status: "added", added: 1, removed: 0 },
    ]);
    expect(await commits.fileChanges(second, base)).toEqual([
      { ...changed, added: 1, removed: 2 },
      { path: "new.txt", status: "deleted", added: 0, removed: 1 },
    ]);
    expect(await commits.fileChanges(base, base)).toEqual([]);
    const whole = await commits.patch(base, second, 10_000);
    const text = Buffer.from(whole.bytes).toString();
    expect([whole.isCut, text.split("\n").filter((one) => /^[-+]/.test(one))]).toEqual([
      false,
      ["--- a/b.txt", "+++ b/b.txt", "-b", "+second", "+more", "--- /dev/null", "+++ b/new.txt", "+new"],
    ]);
    const cut = await commits.patch(base, second, text.indexOf("+more") + 3);
    expect(cut.isCut).toBe(true);
    expect(Buffer.from(cut.bytes).toString()).toBe(text.slice(0, text.indexOf("+more")));
    expect(await commits.patch(base, second, text.length)).toMatchObject({ isCut: false });
    expect(await commits.patch(base, base, 10)).toMatchObject({ isCut: false });
  });

  test("where two commits part is told, unless one of them is not there", async (setting, opened) => {
    const { commits } = opened.repository;
    const mine = await work(setting, opened, "one", { "new.txt": "new\n" });
    const second = await setting.commitAsUser({ "a.txt": "second\n" });
    expect(await commits.forkPoint(mine, second)).toBe(opened.base);
    expect(await commits.forkPoint(opened.base, second)).toBe(opened.base);
    expect(await commits.forkPoint("1".repeat(40), second)).toBe(undefined);
  });

  test("a worktree is looked at while it is worked in: nothing of it changes, and nothing of that is kept", async (setting, opened) => {
    const { captures, commits, refs, worktrees } = opened.repository;
    const tree = await treeOf(opened, "one");
    expect(await commits.fileChanges(tree.base, await captures.look(tree))).toEqual([]);
    setting.write(tree.path, { "b.txt": "changed\n", "new/d.txt": "d\n" });
    const before = await refs.find(RUN);
    const now = await captures.look(tree);
    expect(await commits.changedFiles(tree.base, now)).toEqual(["b.txt", "new/d.txt"]);
    expect(setting.read(tree.path, "b.txt")).toBe("changed\n");
    expect(await refs.find(RUN)).toEqual(before);
    expect((await worktrees.list({ run: RUN })).map(({ state }) => state)).toEqual(["unsaved"]);
  });
};
