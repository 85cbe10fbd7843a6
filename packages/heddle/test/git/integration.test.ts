/** The integration branch is a view of what is recorded: gone, moved by others, or gone on with by heddle itself. */
import { describe, expect, test } from "vitest";
import { Integration } from "../../src/git/integration.ts";
import { land, revertStep } from "../../src/git/landing.ts";
import { keepLost } from "../../src/git/lost-refs.ts";
import { takeIsolationSnapshot } from "../../src/git/isolation-check.ts";
import type { Breach } from "../../src/git/types.ts";
import { mergeSetting, type MergeSetting } from "./merge-setting.ts";

const REF = "refs/heads/heddle/r1/integration";

interface Moved {
  /** By somebody else, after two steps were merged. */
  readonly act: (at: MergeSetting, merged: string) => void;
  /** `back`: at the last merge. */
  readonly expected: "moved" | "back";
}

const MOVES: Readonly<Record<string, Moved>> = {
  "is deleted": { act: (at) => void at.repository.git(["update-ref", "-d", REF]), expected: "back" },
  "is deleted with its mark": {
    act(at) {
      at.repository.git(["update-ref", "-d", REF]);
      at.repository.git(["update-ref", "-d", "refs/heddle/r1/@ours/integration"]);
    },
    expected: "back",
  },
  "is deleted with all that heddle notes of it": {
    act(at) {
      for (const name of [REF, "refs/heddle/r1/@ours/integration", "refs/heddle/r1/@moved/integration"])
        at.repository.git(["update-ref", "-d", name]);
    },
    expected: "back",
  },
  "goes back to the merge before": {
    act: ({ repository }, merged) => void repository.git(["update-ref", REF, `${merged}~1`]),
    expected: "moved",
  },
  "goes back to where the run began": {
    act: ({ repository, base }) => void repository.git(["update-ref", REF, base]),
    expected: "moved",
  },
  "gets a commit on top": {
    act: (at, merged) => void at.repository.git(["update-ref", REF, at.commit({ "bad.txt": "x" }, merged)]),
    expected: "moved",
  },
  "gets a commit that says it is a merge of a step": {
    act(at, merged) {
      const { repository } = at;
      const message = "x\n\nRun: r1\nStep: three\nAttempt: 1\nCaptured: 1234567";
      const tree = repository.git(["rev-parse", `${at.commit({ "bad.txt": "x" }, merged)}^{tree}`]);
      repository.git(["update-ref", REF, repository.git(["commit-tree", "-m", message, "-p", merged, tree])]);
    },
    expected: "moved",
  },
  "gets a commit that says it reverts a step, and does more": {
    act(at, merged) {
      const { repository } = at;
      const tree = repository.git(["rev-parse", `${at.commit({ "bad.txt": "x" }, `${merged}~1`)}^{tree}`]);
      const message = `Revert two\n\nReverts: ${merged}\nReverts-Step: two`;
      repository.git(["update-ref", REF, repository.git(["commit-tree", "-m", message, "-p", merged, tree])]);
    },
    expected: "moved",
  },
  "becomes another history": {
    act: ({ repository }) => void repository.git(["update-ref", REF, "main"]),
    expected: "moved",
  },
};

async function merged(at: MergeSetting): Promise<string> {
  const queue = at.queue();
  await queue.submit(at.entry("one", { "one.txt": "1\n" }));
  await queue.submit(at.entry("two", { "two.txt": "2\n" }));
  await queue.close();
  return await queue.head();
}

describe("where the branch", () => {
  for (const [what, { act, expected }] of Object.entries(MOVES))
    for (const process of ["the same", "a later"] as const)
      test(`${what}, in ${process} process`, async () => {
        using at = await mergeSetting();
        const notices: string[] = [];
        const onNotice = (text: string): void => void notices.push(text);
        const before = at.queue({ onNotice });
        await before.submit(at.entry("one", { "one.txt": "1\n" }));
        await before.submit(at.entry("two", { "two.txt": "2\n" }));
        const last = await before.head();
        act(at, last);
        const queue = process === "the same" ? before : at.queue({ recorded: last, onNotice });
        const next = queue.submit(at.entry("three", { "three.txt": "3\n" }));
        if (expected === "back") {
          expect(await next).toMatchObject({ kind: "merged", onto: last });
          expect(notices).toEqual([expect.stringContaining("was put back")]);
        } else {
          await expect(next).rejects.toMatchObject({ code: "IntegrationMoved" });
          const { lock, repository } = at.trees;
          const integration = new Integration(repository, { run: "r1", base: at.base, recorded: last });
          const main = at.repository.git(["rev-parse", "main"]);
          const landed = await land({ integration, lock, mode: { kind: "ff" } });
          expect(landed).toMatchObject({ kind: "refused", problem: { code: "IntegrationMoved" } });
          expect(at.repository.git(["rev-parse", "main"])).toBe(main);
        }
        await queue.close();
      });
});

test("a merge that was not recorded before its process died, and reverts, are heddle's own", async () => {
  using at = await mergeSetting();
  const last = await merged(at);
  const queue = at.queue({ recorded: at.repository.git(["rev-parse", `${last}~1`]) });
  expect(await queue.head()).toBe(last);
  expect((await queue.merged()).map(({ step }) => step)).toEqual(["one", "two"]);
  for (const step of ["two", "one"]) await revertStep(at.queue({ recorded: last }).integration, step);
  const outcome = await queue.submit(at.entry("three", { "three.txt": "3\n" }));
  expect(outcome.kind).toBe("merged");
  await queue.close();
});

test("what refs lost while a step ran is kept, with what puts it back; heddle's own moves are none", async () => {
  using at = await mergeSetting();
  const { repository: user, trees } = at;
  const { repository } = trees;
  const only = at.commit({ "only.txt": "x" });
  user.git(["branch", "feature", only]);
  user.git(["branch", "goes-on", at.base]);
  user.git(["tag", "-a", "-m", "mine", "v1", only]);
  user.write("a.txt", "wip\n");
  user.git(["stash"]);
  const stash = user.git(["rev-parse", "stash"]);
  const tag = user.git(["rev-parse", "v1"]);
  await merged(at);
  const third = at.entry("three", { "three.txt": "3\n" });
  const before = await takeIsolationSnapshot(repository, "r1");
  await at.queue({ recorded: user.git(["rev-parse", REF]) }).submit(third);
  const own = await keepLost(repository, { run: "r1", before, after: await takeIsolationSnapshot(repository, "r1") });
  expect(own).toEqual([]);
  for (const args of [
    ["branch", "-D", "feature"],
    ["tag", "-d", "v1"],
    ["stash", "drop"],
  ])
    user.git(args);
  user.git(["branch", "-f", "goes-on", only]);
  user.git(["update-ref", "-d", REF]);
  const integration = before.refs[REF] ?? "";
  const after = await takeIsolationSnapshot(repository, "r1");
  const found = await keepLost(repository, { run: "r1", before, after });
  const lost = found.flatMap((breach: Breach) => breach.lost ?? []);
  expect(lost.map(({ ref, command }) => [ref, command])).toEqual([
    ["refs/heads/feature", `git branch feature ${only}`],
    [REF, `git branch heddle/r1/integration ${integration}`],
    ["refs/tags/v1", `git update-ref refs/tags/v1 ${tag}`],
    ["refs/stash", `git stash store -m restored ${stash}`],
  ]);
  user.git(["update-ref", "-d", "refs/made-by-tests"]);
  user.git(["reflog", "expire", "--expire=now", "--all"]);
  user.git(["branch", "-D", "goes-on"]);
  user.git(["gc", "-q", "--prune=now"]);
  for (const { command } of lost) user.git(command.split(" ").slice(1));
  expect(user.git(["show", "feature:only.txt"])).toBe("x");
  expect(user.git(["rev-parse", "stash"])).toBe(stash);
});
