/** Opening a repository, and its worktrees. */
import { type Group, RUN, step, treeOf } from "./setting.ts";

export const worktreeTests: Group = ({ expect }, test) => {
  test("a repository is opened at what is checked out, or at the commit that is named", async (setting, opened) => {
    const { repositories } = setting;
    expect(opened.branch).toBe("main");
    const second = await setting.commitAsUser({ "a.txt": "second\n" });
    expect(await repositories.open()).toMatchObject({ ok: true, value: { base: second } });
    expect(await repositories.open({ base: opened.base })).toMatchObject({ ok: true, value: { base: opened.base } });
    expect(await repositories.open({ base: "nowhere" })).toMatchObject({ ok: false, error: { code: "UnknownCommit" } });
  });

  test("one is made with the files of its base, and found again with what is in it", async (setting, opened) => {
    const { worktrees } = opened.repository;
    expect(await worktrees.find(RUN, step("one"))).toBe(undefined);
    const tree = await treeOf(opened, "one");
    expect([tree.fresh, tree.base, setting.read(tree.path, "lib/c.txt")]).toEqual([true, opened.base, "c\n"]);
    expect(worktrees.isOnBranch(tree)).toBe(true);
    setting.write(tree.path, { "new.txt": "new\n" });
    const again = await treeOf(opened, "one");
    expect([again.fresh, again.path, setting.read(again.path, "new.txt")]).toEqual([false, tree.path, "new\n"]);
    expect((await worktrees.find(RUN, step("one")))?.path).toBe(tree.path);
  });

  test("each owner has its own folder, name, ports and slug", async (_, opened) => {
    const [one, two] = [await treeOf(opened, "one"), await treeOf(opened, "two")];
    const group = await opened.repository.worktrees.ensure({
      run: RUN,
      owner: { kind: "group", id: "one" },
      base: opened.base,
    });
    const all = [one, two, ...(group.ok ? [group.value] : [])];
    for (const of of ["path", "name", "branch", "slug"] as const)
      expect(new Set(all.map((tree) => tree[of])).size).toBe(3);
    expect(one.ports.some((port) => two.ports.includes(port))).toBe(false);
  });

  test("there are as many as the limits allow", async ({ repositories }) => {
    const opened = await repositories.open({ limits: { maxTrees: 1, maxBytes: 2 ** 40 } });
    if (!opened.ok) throw new Error(opened.error.message);
    const { repository, base } = opened.value;
    await treeOf(opened.value, "one");
    const second = await repository.worktrees.ensure({ run: RUN, owner: step("two"), base });
    expect(second).toMatchObject({ ok: false, error: { code: "WorktreeLimit" } });
  });

  test("1. what is not captured is neither reset nor removed; what is, can go", async (setting, opened) => {
    const { worktrees, captures } = opened.repository;
    const second = await setting.commitAsUser({ "a.txt": "second\n" });
    const tree = await treeOf(opened, "one");
    setting.write(tree.path, { "new.txt": "new\n" });
    const refused = { ok: false, error: { code: "WorkNotCaptured" } };
    expect(await worktrees.reset(tree, second)).toMatchObject(refused);
    expect(await worktrees.remove(tree)).toMatchObject(refused);
    expect(setting.read(tree.path, "new.txt")).toBe("new\n");
    await captures.capture({ tree, step: "one", attempt: 1 });
    expect(await worktrees.reset(tree, second)).toMatchObject({ ok: true, value: { base: second, fresh: false } });
    expect([setting.read(tree.path, "new.txt"), setting.read(tree.path, "a.txt")]).toEqual([undefined, "second\n"]);
    expect(await worktrees.remove(tree, { branch: "delete" })).toMatchObject({ ok: true });
    await worktrees.deleteDeferred();
    expect(await worktrees.find(RUN, step("one"))).toBe(undefined);
    expect(setting.read(tree.path, "a.txt")).toBe(undefined);
  });

  test("they are listed by run, with whether they hold work of their own", async (setting, opened) => {
    const { worktrees } = opened.repository;
    const tree = await treeOf(opened, "one");
    await worktrees.ensure({ run: "r2", owner: step("one"), base: opened.base });
    expect((await worktrees.list()).map(({ run }) => run).sort()).toEqual(["r1", "r2"]);
    const states = async (): Promise<readonly string[]> =>
      (await worktrees.list({ run: RUN, sizes: false })).map(({ name, state }) => `${name} ${state}`);
    expect(await states()).toEqual(["one saved"]);
    setting.write(tree.path, { "new.txt": "new\n" });
    expect(await states()).toEqual(["one unsaved"]);
  });

  test("setup is due once for each key; keys are of commands and lock files", async (setting, opened) => {
    const { worktrees } = opened.repository;
    const tree = await treeOf(opened, "one");
    const key = await worktrees.setupKey(opened.base, ["npm ci"]);
    expect(await worktrees.needsSetup(tree, key)).toBe(true);
    await worktrees.setupDone(tree, key);
    expect(await worktrees.needsSetup(tree, key)).toBe(false);
    expect((await worktrees.setupKey(opened.base, ["npm install"])) === key).toBe(false);
    const other = await setting.commitAsUser({ "a.txt": "second\n" });
    expect(await worktrees.setupKey(other, ["npm ci"])).toBe(key);
    const locked = await setting.commitAsUser({ "package-lock.json": "{}\n" });
    expect((await worktrees.setupKey(locked, ["npm ci"])) === key).toBe(false);
    expect(await worktrees.includedKey()).toBe(await worktrees.includedKey());
  });

  test("4. what steps do is not seen in the user's checkout; what is changed there is told", async (setting, opened) => {
    const { repository } = opened;
    const breaches = await repository.watchIsolation(RUN);
    const tree = await treeOf(opened, "one");
    setting.write(tree.path, { "a.txt": "theirs\n" });
    await repository.captures.capture({ tree, step: "one", attempt: 1 });
    expect(await breaches()).toEqual([]);
    setting.write(repository.topLevel, { "a.txt": "changed\n" });
    expect(await breaches()).toMatchObject([{ kind: "files", names: ["a.txt"] }]);
  });
};
