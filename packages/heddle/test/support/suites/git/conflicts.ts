/** Conflicts that worktrees hold, settled file by file by a person. */
import type { OpenRepository } from "../../../../src/git/port.ts";
import type { ConflictedFile, Worktree } from "../../../../src/git/types.ts";
import { type Group, type GitSetting, treeOf, work } from "./setting.ts";

/** A worktree that holds a conflict in `a.txt` and `b.txt`, and `new.txt` that goes together. */
async function held(setting: GitSetting, opened: OpenRepository): Promise<Worktree> {
  const captured = await work(setting, opened, "one", { "a.txt": "mine\n", "b.txt": "mine\n", "new.txt": "new\n" });
  const head = await setting.commitAsUser({ "a.txt": "theirs\n", "b.txt": "theirs\n" });
  const tree = await treeOf(opened, "one");
  const both = await opened.repository.worktrees.applyOnto(tree, { step: "one", attempt: 1, head, captured });
  if (!both.ok) throw new Error(both.error.message);
  return both.value;
}

async function fileOf({ repository }: OpenRepository, tree: Worktree, file: string): Promise<ConflictedFile> {
  const found = await repository.conflicts.file(tree, file);
  if (found === undefined) throw new Error(`${file} does not conflict`);
  return found;
}

export const conflictTests: Group = ({ expect }, test) => {
  test("a worktree that holds none has none", async (_, opened) => {
    const tree = await treeOf(opened, "one");
    const { conflicts } = opened.repository;
    expect([await conflicts.overview(tree), await conflicts.file(tree, "a.txt")]).toEqual([undefined, undefined]);
    expect(await conflicts.apply(tree)).toEqual({ ok: true, value: [] });
    expect(await conflicts.store(tree, { file: "a.txt", seen: "x" })).toMatchObject({ error: { code: "UnknownFile" } });
  });

  test("what conflicts and what goes together is told, with both sides", async (setting, opened) => {
    const tree = await held(setting, opened);
    const { conflicts } = opened.repository;
    const found = await conflicts.overview(tree);
    expect(found?.files.map(({ file, kind, state, regions }) => [file, kind, state, regions])).toEqual([
      ["a.txt", "text", "open", 1],
      ["b.txt", "text", "open", 1],
    ]);
    expect(found?.clean.map(({ path }) => path)).toEqual(["new.txt"]);
    const file = await fileOf(opened, tree, "a.txt");
    expect([file.ours?.text, file.theirs?.text]).toEqual(["theirs\n", "mine\n"]);
    expect(file.marked).toContain(`<<<<<<< ${found?.head ?? ""}\n`);
    expect(await conflicts.file(tree, "new.txt")).toBe(undefined);
  });

  test("what is stored is there for who comes next, and is put into the worktree together", async (setting, opened) => {
    const tree = await held(setting, opened);
    const { conflicts, captures } = opened.repository;
    const [a, b] = [await fileOf(opened, tree, "a.txt"), await fileOf(opened, tree, "b.txt")];
    expect(await conflicts.apply(tree)).toMatchObject({ error: { code: "ConflictOpen" } });
    const stored = await conflicts.store(tree, { file: "a.txt", resolution: { text: "both\n" }, seen: a.revision });
    expect(stored).toMatchObject({ ok: true, value: { state: "stored", result: { from: "stored", text: "both\n" } } });
    // The other one is not decided, so nothing is done.
    expect(await conflicts.apply(tree)).toMatchObject({ error: { code: "ConflictOpen" } });
    expect(setting.read(tree.path, "a.txt")).toBe(a.marked);
    const again = await treeOf(opened, "one");
    expect((await fileOf(opened, again, "a.txt")).state).toBe("stored");
    await conflicts.store(again, { file: "b.txt", resolution: { take: "theirs" }, seen: b.revision });
    for (let times = 0; times < 2; times++)
      expect(await conflicts.apply(again)).toEqual({ ok: true, value: ["a.txt", "b.txt"] });
    expect([setting.read(tree.path, "a.txt"), setting.read(tree.path, "b.txt")]).toEqual(["both\n", "mine\n"]);
    const left = await captures.capture({ tree: again, step: "one", attempt: 2 });
    expect(await captures.unresolved(again, left.commit)).toEqual([]);
  });

  test("what one has not seen is not written over: neither a decision nor the worktree", async (setting, opened) => {
    const tree = await held(setting, opened);
    const { conflicts } = opened.repository;
    const { revision: seen } = await fileOf(opened, tree, "a.txt");
    const store = async (text: string) => await conflicts.store(tree, { file: "a.txt", resolution: { text }, seen });
    expect(await store("one\n")).toMatchObject({ ok: true });
    expect(await store("two\n")).toMatchObject({ error: { code: "ResolutionMoved" } });
    const b = await fileOf(opened, tree, "b.txt");
    await conflicts.store(tree, { file: "b.txt", resolution: { take: "none" }, seen: b.revision });
    setting.write(tree.path, { "a.txt": "by hand\n" });
    expect(await conflicts.apply(tree)).toMatchObject({ error: { code: "WorktreeMoved" } });
    expect([setting.read(tree.path, "a.txt"), setting.read(tree.path, "b.txt")]).toEqual(["by hand\n", b.marked]);
    const now = await fileOf(opened, tree, "a.txt");
    expect(await conflicts.store(tree, { file: "a.txt", seen: now.revision })).toMatchObject({
      value: { state: "settled", result: { from: "worktree", text: "by hand\n" } },
    });
    expect(await conflicts.apply(tree)).toEqual({ ok: true, value: ["b.txt"] });
    expect([setting.read(tree.path, "a.txt"), setting.read(tree.path, "b.txt")]).toEqual(["by hand\n", undefined]);
  });

  test("what is put into the worktree is what one has seen of it, if one says what that is", async (setting, opened) => {
    const tree = await held(setting, opened);
    const { conflicts } = opened.repository;
    const decide = async (file: string, text: string): Promise<string> => {
      const { revision } = await fileOf(opened, tree, file);
      const stored = await conflicts.store(tree, { file, resolution: { text }, seen: revision });
      return stored.ok ? stored.value.revision : "";
    };
    const [a, b] = [await decide("a.txt", "one\n"), await decide("b.txt", "two\n")];
    const seen = new Map([
      ["a.txt", a],
      ["b.txt", b],
    ]);
    const moved = { error: { code: "ResolutionMoved" } };
    // Somebody else has decided otherwise; or about a file that was not seen; or there is no such file.
    const other = await decide("b.txt", "other\n");
    expect(await conflicts.apply(tree, seen)).toMatchObject(moved);
    expect(await conflicts.apply(tree, new Map([["a.txt", a]]))).toMatchObject(moved);
    expect(await conflicts.apply(tree, new Map([...seen, ["b.txt", other], ["new.txt", a]]))).toMatchObject(moved);
    expect(setting.read(tree.path, "a.txt")).toContain("<<<<<<<");
    expect(await conflicts.apply(tree, new Map([...seen, ["b.txt", other]]))).toMatchObject({ ok: true });
    expect([setting.read(tree.path, "a.txt"), setting.read(tree.path, "b.txt")]).toEqual(["one\n", "other\n"]);
  });

  test("a text with markers is not stored, and what is stored counts for this conflict alone", async (setting, opened) => {
    const tree = await held(setting, opened);
    const { conflicts, captures, worktrees } = opened.repository;
    const { revision: seen, marked = "" } = await fileOf(opened, tree, "a.txt");
    const refused = await conflicts.store(tree, { file: "a.txt", resolution: { text: marked }, seen });
    expect(refused).toMatchObject({ error: { code: "InvalidResolution" } });
    expect(refused.ok ? "" : refused.error.message).toContain("line 1 ");
    await conflicts.store(tree, { file: "a.txt", resolution: { text: "both\n" }, seen });
    const head = await setting.commitAsUser({ "a.txt": "later\n" });
    await captures.capture({ tree, step: "one", attempt: 2 });
    const captured = tree.holds?.captured ?? "";
    const moved = await worktrees.applyOnto(tree, { step: "one", attempt: 2, head, captured });
    if (!moved.ok) throw new Error(moved.error.message);
    expect((await fileOf(opened, moved.value, "a.txt")).state).toBe("open");
  });
};
