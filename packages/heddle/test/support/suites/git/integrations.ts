/** Integration branches from their beginning to their landing, and heddle's refs of a run. */
import type { OpenRepository, RevertChecks } from "../../../../src/git/port.ts";
import type { IntegrationOrigin } from "../../../../src/git/types.ts";
import { type GitSetting, type Group, RUN, type Texts, treeOf, work } from "./setting.ts";

/** Merges what steps do, one after the other, each begun at the head. */
async function merged(
  setting: GitSetting,
  opened: OpenRepository,
  steps: Readonly<Record<string, Texts>>,
): Promise<IntegrationOrigin> {
  const origin = { run: RUN, base: opened.base };
  const queue = opened.repository.openQueue({ ...origin, verify: async () => ({ ok: true }) });
  for (const [step, files] of Object.entries(steps)) {
    const commit = await work(setting, opened, step, files, await queue.head());
    await queue.submit({ step, attempt: 1, commit, order: 0 });
  }
  await queue.close();
  return origin;
}

export const integrationTests: Group = ({ expect }, test) => {
  test("a branch is there from its beginning, with what is merged on it", async (setting, opened) => {
    const { integrations } = opened.repository;
    expect(await integrations.find(RUN)).toBe(undefined);
    await integrations.begin({ run: RUN, base: opened.base });
    expect(await integrations.find(RUN)).toMatchObject({ base: opened.base, head: opened.base, merged: [] });
    await merged(setting, opened, { one: { "one.txt": "x\n" } });
    const found = await integrations.find(RUN);
    expect(found?.merged.map(({ step }) => step)).toEqual(["one"]);
    expect(found?.merged[0]?.commit).toBe(found?.head);
  });

  test("it lands fast-forward in the user's checkout, once", async (setting, opened) => {
    const { repository } = opened;
    const origin = await merged(setting, opened, { one: { "one.txt": "x\n" } });
    expect(setting.read(repository.topLevel, "one.txt")).toBe(undefined);
    const head = (await repository.integrations.find(RUN))?.head;
    const landed = { kind: "landed", branch: "main", commit: head };
    expect(await repository.integrations.land(origin, { kind: "none" })).toEqual({ kind: "none" });
    expect(await repository.integrations.land(origin, { kind: "ff" }, "main")).toEqual({ ...landed, moved: true });
    expect(setting.read(repository.topLevel, "one.txt")).toBe("x\n");
    expect(await repository.integrations.land(origin, { kind: "ff" })).toEqual({ ...landed, moved: false });
    expect(await setting.repositories.open()).toMatchObject({ ok: true, value: { base: head } });
  });

  test("it is refused where the user's branch, or checkout, is not as it has to be", async (setting, opened) => {
    const { integrations, topLevel } = opened.repository;
    const origin = await merged(setting, opened, { one: { "a.txt": "one\n" } });
    const refused = (code: string): object => ({ kind: "refused", problem: { code } });
    expect(await integrations.land(origin, { kind: "ff" }, "other")).toMatchObject(refused("NotOnBranch"));
    setting.write(topLevel, { "b.txt": "not committed\n" });
    expect(await integrations.land(origin, { kind: "ff" })).toMatchObject(refused("CheckoutNotClean"));
    await setting.commitAsUser({ "b.txt": "committed\n" });
    expect(await integrations.land(origin, { kind: "ff" })).toMatchObject(refused("NotFastForward"));
    expect(setting.read(topLevel, "a.txt")).toBe("a\n");
    expect(await integrations.land(origin, { kind: "merge" })).toMatchObject({ kind: "landed", moved: true });
    expect([setting.read(topLevel, "a.txt"), setting.read(topLevel, "b.txt")]).toEqual(["one\n", "committed\n"]);
  });

  test("where the user changed the same lines it conflicts; as a branch it lands all the same", async (setting, opened) => {
    const { integrations, topLevel } = opened.repository;
    const origin = await merged(setting, opened, { one: { "a.txt": "one\n" } });
    await setting.commitAsUser({ "a.txt": "user\n" });
    expect(await integrations.land(origin, { kind: "merge" })).toEqual({ kind: "conflict", files: ["a.txt"] });
    expect(setting.read(topLevel, "a.txt")).toBe("user\n");
    const branch = await integrations.land(origin, { kind: "branch", name: "mine" });
    expect(branch).toMatchObject({ kind: "landed", branch: "mine", moved: true });
    expect(setting.read(topLevel, "a.txt")).toBe("user\n");
  });

  test("a step is taken back out, unless others build on it", async (setting, opened) => {
    const { integrations } = opened.repository;
    const origin = await merged(setting, opened, {
      one: { "one.txt": "x\n" },
      two: { "a.txt": "two\n" },
      three: { "a.txt": "three\n" },
    });
    expect(await integrations.revert(origin, "two")).toEqual({ kind: "conflict", files: ["a.txt"] });
    expect(await integrations.revert(origin, "four")).toEqual({ kind: "not-merged" });
    const reverted = await integrations.revert(origin, "one");
    const found = await integrations.find(RUN);
    expect(reverted).toEqual({ kind: "reverted", commit: found?.head, files: ["one.txt"] });
    expect(found?.merged.map(({ step }) => step)).toEqual(["two", "three"]);
    expect(await setting.readIn(found?.head ?? "", "one.txt")).toBe(undefined);
    expect(await integrations.revert(origin, "one")).toEqual({ kind: "not-merged" });
  });

  test("a step stays in where a check does not pass without it", async (setting, opened) => {
    const { integrations } = opened.repository;
    const origin = await merged(setting, opened, { one: { "one.txt": "x\n" }, two: { "two.txt": "two\n" } });
    const head = (await integrations.find(RUN))?.head;
    const seen: unknown[] = [];
    const checks: RevertChecks["checks"] = [
      { step: "one", attempt: 1, commands: ["all"] },
      { step: "two", attempt: 2, commands: ["two"] },
    ];
    const verify: RevertChecks["verify"] = async ({ folder, commit, ...of }) => {
      seen.push([of.step, of.attempt, of.commands, setting.read(folder, "one.txt"), setting.read(folder, "two.txt")]);
      expect(await setting.readIn(commit, "one.txt")).toBe(undefined);
      return of.step === "two" && seen.length < 3 ? { ok: false, failure } : { ok: true };
    };
    const failure = { command: "two", reason: "red", output: "" };
    expect(await integrations.revert(origin, "one", { checks, verify })).toEqual({ kind: "rejected", failure });
    expect((await integrations.find(RUN))?.head).toBe(head);
    expect(await integrations.revert(origin, "one", { checks, verify })).toMatchObject({ kind: "reverted" });
    const each = [
      ["one", 1, ["all"], undefined, "two\n"],
      ["two", 2, ["two"], undefined, "two\n"],
    ];
    expect(seen).toEqual([...each, ...each]);
    expect((await integrations.find(RUN))?.merged.map(({ step }) => step)).toEqual(["two"]);
  });

  test("what a run merged for some steps begins another, or says why it cannot", async (setting, opened) => {
    const { integrations } = opened.repository;
    await merged(setting, opened, { one: { "one.txt": "x\n" }, two: { "a.txt": "two\n" } });
    const [one, two] = (await integrations.find(RUN))?.merged ?? [];
    const base = await setting.commitAsUser({ "b.txt": "later\n" });
    const of = { run: "r2", base, from: RUN };
    const steps = [{ id: "one", also: [], commits: [one?.commit ?? ""] }];
    const replayed = await integrations.replay({ ...of, steps });
    if (replayed.kind !== "replayed") throw new Error(`refused: ${replayed.why}`);
    const { begin, now } = replayed;
    const read = async (path: string): Promise<string | undefined> => await setting.readIn(begin, path);
    expect([await read("one.txt"), await read("b.txt"), await read("a.txt")]).toEqual(["x\n", "later\n", "a\n"]);
    expect(now[one?.commit ?? ""]).toBe(begin);
    expect(await integrations.find("r2")).toBe(undefined);
    const conflicting = await setting.commitAsUser({ "a.txt": "user\n" });
    const other = [{ id: "two", also: [], commits: [two?.commit ?? ""] }];
    const refused = { kind: "refused", step: "two" };
    expect(await integrations.replay({ ...of, base: conflicting, steps: other })).toMatchObject(refused);
    const gone = [{ id: "two", also: [], commits: [one?.commit ?? ""] }];
    expect(await integrations.replay({ ...of, steps: gone })).toMatchObject(refused);
  });

  test("refs of a run are found, and removed when it has no worktree", async (setting, opened) => {
    const { refs, worktrees, integrations } = opened.repository;
    expect(await refs.find(RUN)).toBe(undefined);
    const origin = await merged(setting, opened, { one: { "one.txt": "x\n" } });
    expect(await refs.find(RUN)).toMatchObject({ landed: false, trees: 1 });
    expect(await refs.remove(RUN)).toBe(false);
    await worktrees.remove(await treeOf(opened, "one"), { branch: "delete" });
    await integrations.land(origin, { kind: "ff" });
    expect(await refs.find(RUN)).toMatchObject({ landed: true, trees: 0 });
    expect(await refs.remove(RUN)).toBe(true);
    expect(await refs.find(RUN)).toBe(undefined);
    expect(await integrations.find(RUN)).toBe(undefined);
    expect(await worktrees.list({ run: RUN })).toEqual([]);
  });
};
