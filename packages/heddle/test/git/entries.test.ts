/** What git stores is more than the files: modes, pointers, converted contents; and less: what was there before a step is not its work. */
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { orThrow } from "../../src/base/errors.ts";
import { mergeWithMarkers } from "../../src/git/conflict.ts";
import type { RepositoryAccess } from "../../src/git/repository-access.ts";
import { takeSide } from "../../src/git/take-side.ts";
import type { LocalWorktrees } from "../../src/git/worktree.ts";
import type { Capture, Worktree } from "../../src/git/types.ts";
import { type TestRepository, captured, testRepository, step } from "./test-repository.ts";

interface Setting extends Disposable {
  readonly at: TestRepository;
  readonly repository: RepositoryAccess;
  readonly trees: LocalWorktrees;
  readonly tree: Worktree;
  /** In the worktree. */
  git(...args: readonly string[]): string;
  write(path: string, text: string): void;
  capture(): Promise<Capture>;
  /** `MODE CONTENT` of a path in a capture; of a pointer its commit; `undefined`: it is not there. */
  entry(capture: Capture, path: string): string | undefined;
}

const ROT = ["filter.rot.clean=tr a-z b-za", "filter.rot.smudge=tr b-za a-z", "filter.rot.required=true"];

async function setting(prepare: (at: TestRepository) => void = () => {}): Promise<Setting> {
  const at = testRepository();
  prepare(at);
  const { base } = await at.open();
  const trees = await at.worktrees();
  const { repository } = trees;
  const tree = orThrow(await trees.ensure({ run: "r1", owner: step("s"), base }));
  return {
    at,
    repository,
    trees,
    tree,
    git: (...args) => at.git(["-c", "protocol.file.allow=always", ...args], tree.path),
    write: (path, text) => at.write(path, text, tree.path),
    capture: async () => await captured(repository, tree, "s"),
    entry(capture, path) {
      const [mode, type, id] = at.git(["ls-tree", capture.commit, "--", path]).split(/\s/);
      if (mode === undefined || mode === "" || id === undefined) return undefined;
      return `${mode} ${type === "commit" ? id : at.git(["cat-file", "blob", id])}`;
    },
    [Symbol.dispose]: () => at[Symbol.dispose](),
  };
}

function set(at: TestRepository, ...settings: readonly string[]): void {
  for (const text of settings) {
    const [key = "", ...value] = text.split("=");
    at.git(["config", key, value.join("=")]);
  }
}

describe("the mode that the agent's index has", () => {
  const executable = ({ git, write, tree }: Setting): void => {
    write("run.sh", "x\n");
    git("add", "--chmod=+x", "run.sh");
    git("update-index", "--chmod=+x", "a.txt");
    write("disk.sh", "x\n");
    chmodSync(join(tree.path, "disk.sh"), 0o755);
    git("add", "disk.sh");
    git("commit", "-q", "-m", "executable");
  };
  for (const [hasModes, disk] of [
    [true, "100755"],
    [false, "100644"],
  ] as const)
    test(`wins over files whose modes ${hasModes ? "say nothing new" : "mean nothing"}`, async () => {
      using one = await setting((at) => set(at, `core.fileMode=${hasModes}`));
      executable(one);
      const kept = await one.capture();
      const modes = ["run.sh", "a.txt", "disk.sh"].map((path) => one.entry(kept, path)?.split(" ")[0]);
      expect(modes).toEqual(["100755", "100755", disk]);
      expect((await one.capture()).commit).toBe(kept.commit);
    });

  test("gives way to a file whose mode was changed after", async () => {
    using one = await setting();
    one.git("update-index", "--chmod=+x", "a.txt");
    chmodSync(join(one.tree.path, "a.txt"), 0o755);
    one.git("add", "a.txt");
    chmodSync(join(one.tree.path, "b.txt"), 0o755);
    const kept = await one.capture();
    expect(["a.txt", "b.txt"].map((path) => one.entry(kept, path)?.slice(0, 6))).toEqual(["100755", "100755"]);
  });

  test("links where the system has none", async () => {
    using one = await setting((at) => set(at, "core.symlinks=false"));
    one.write("link", "a.txt");
    one.git("update-index", "--add", "--cacheinfo", `120000,${one.git("hash-object", "-w", "link")},link`);
    expect(one.entry(await one.capture(), "link")).toBe("120000 a.txt");
  });
});

describe("a file that a filter converts", () => {
  const filtered = (at: TestRepository): void => {
    set(at, ...ROT);
    at.write(".gitattributes", "*.bin filter=rot -text\n");
    at.write("big.bin", "hello\n");
    at.git(["add", "-A"]);
    at.git(["commit", "-q", "-m", "filter"]);
  };

  test("is stored as the agent's git stored it", async () => {
    using one = await setting(filtered);
    one.write("big.bin", "changed\n");
    one.write("new.bin", "new\n");
    one.git("add", "-A");
    one.git("commit", "-q", "-m", "own");
    const kept = await one.capture();
    expect([kept.omitted, one.entry(kept, "big.bin"), one.entry(kept, "new.bin")]).toEqual([
      [],
      "100644 dibohfe",
      "100644 ofx",
    ]);
  });

  test("is left out and named where its git has not stored it", async () => {
    using one = await setting(filtered);
    one.write("new.bin", "new\n");
    one.git("add", "-A");
    one.write("new.bin", "newer\n");
    one.write("big.bin", "changed\n");
    one.write("ok.txt", "ok\n");
    const kept = await one.capture();
    expect(kept.omitted.map(({ path, reason }) => [path, reason])).toEqual([
      ["big.bin", "filter"],
      ["new.bin", "filter"],
    ]);
    expect([kept.changedFiles, one.entry(kept, "big.bin")]).toEqual([["ok.txt"], "100644 ifmmp"]);
    expect(await one.trees.remove(one.tree)).toMatchObject({ ok: false, error: { code: "WorkNotCaptured" } });
  });

  test("is no work where it was only fetched, by setup or by the agent", async () => {
    using one = await setting(filtered);
    const fetch = (): void => {
      rmSync(join(one.tree.path, "big.bin"));
      one.git("checkout", "-q", "--", "big.bin");
      expect(readFileSync(join(one.tree.path, "big.bin"), "utf8")).toBe("hello\n");
    };
    fetch();
    expect(await one.capture()).toMatchObject({ changedFiles: [], omitted: [] });
    await one.trees.handOver(one.tree);
    one.write("big.bin", "hello\n");
    expect(await one.capture()).toMatchObject({ changedFiles: [], omitted: [] });
  });
});

describe("what was there before the step is not its work", () => {
  const handed = async (): Promise<Setting> => {
    const one = await setting();
    one.write("b.txt", "by setup\n");
    one.write("made.txt", "by setup\n");
    symlinkSync("/nowhere", join(one.tree.path, "ignored"));
    rmSync(join(one.tree.path, "src/deep/c.txt"));
    one.write(".env", "SECRET=1\n");
    await one.trees.handOver(one.tree);
    return one;
  };

  test("untouched, it counts as nothing", async () => {
    using one = await handed();
    expect(await one.capture()).toMatchObject({ changedFiles: [], omitted: [], given: [] });
    expect((await one.trees.remove(one.tree)).ok).toBe(true);
  });

  test("committed with all else, it is taken out again", async () => {
    using one = await handed();
    one.write("n.txt", "n\n");
    one.git("add", "-A");
    one.git("commit", "-q", "-m", "own");
    expect((await one.capture()).changedFiles).toEqual(["n.txt"]);
  });

  test("changed by the agent, it is its work", async () => {
    using one = await handed();
    one.write("b.txt", "by the agent\n");
    one.write("made.txt", "by the agent\n");
    one.write("src/deep/c.txt", "back\n");
    const kept = await one.capture();
    expect(kept.changedFiles).toEqual(["b.txt", "made.txt", "src/deep/c.txt"]);
    expect(one.entry(kept, "made.txt")).toBe("100644 by the agent");
  });

  for (const how of ["left", "committed"])
    test(`what was ignored stays out when it is ignored no more, ${how}`, async () => {
      using one = await handed();
      one.write(".gitignore", "nothing\n");
      one.write("n.txt", "n\n");
      if (how === "committed") {
        one.git("add", "-A");
        one.git("commit", "-q", "-m", "own");
      }
      const kept = await one.capture();
      expect([kept.changedFiles, kept.given]).toEqual([[".gitignore", "n.txt"], [".env"]]);
      expect(one.at.git(["log", "--format=", "--name-only", kept.commit])).not.toContain(".env");
    });
});

/** A repository with a submodule `lib` that has a remote with the tags `v1` to `v3`. */
function withSubmodule(at: TestRepository): void {
  const remote = join(at.folder, "remote");
  mkdirSync(remote);
  at.git(["init", "-q", "-b", "main"], remote);
  for (const n of [1, 2, 3]) {
    at.write("s.txt", `${n}\n`, remote);
    at.git(["add", "-A"], remote);
    at.git(["commit", "-q", "-m", `v${n}`], remote);
    at.git(["tag", `v${n}`], remote);
  }
  at.git(["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", remote, "lib"]);
  at.git(["checkout", "-q", "v1"], join(at.user, "lib"));
  at.git(["add", "lib"]);
  at.git(["commit", "-q", "-m", "submodule"]);
}

interface InSubmodule {
  readonly act: (one: Setting, lib: string) => void;
  /** The tag that the pointer is at, `gone`, or what is said of the work that is lost. */
  readonly expected: string;
}

const IN_SUBMODULE: Readonly<Record<string, InSubmodule>> = {
  "nothing is done": { act: () => {}, expected: "v1" },
  "another commit is checked out": {
    act: (one, lib) => void one.at.git(["checkout", "-q", "v2"], lib),
    expected: "v2",
  },
  "another commit is checked out and added": {
    act(one, lib) {
      one.at.git(["checkout", "-q", "v3"], lib);
      one.git("add", "lib");
      one.git("commit", "-q", "-m", "v3");
    },
    expected: "v3",
  },
  "the index alone is changed": {
    act: (one, lib) =>
      void one.git("update-index", "--cacheinfo", `160000,${one.at.git(["rev-parse", "v2"], lib)},lib`),
    expected: "v2",
  },
  "a commit is made": {
    act(one, lib) {
      one.at.write("s.txt", "mine\n", lib);
      one.at.git(["commit", "-q", "-am", "mine"], lib);
    },
    expected: "which no remote of it has",
  },
  "a commit is made on a branch and left": {
    act(one, lib) {
      one.at.git(["checkout", "-q", "-b", "mine"], lib);
      one.at.write("s.txt", "mine\n", lib);
      one.at.git(["commit", "-q", "-am", "mine"], lib);
      one.at.git(["checkout", "-q", "v1"], lib);
    },
    expected: "which no remote of it has",
  },
  "a change is stashed": {
    act(one, lib) {
      one.at.write("s.txt", "precious\n", lib);
      one.at.git(["stash", "-q"], lib);
    },
    expected: "which no remote of it has",
  },
  "a commit is made and left for a history of its own": {
    act(one, lib) {
      one.at.git(["checkout", "-q", "-b", "mine"], lib);
      one.at.git(["commit", "-q", "--allow-empty", "-m", "mine"], lib);
      one.at.git(["checkout", "-q", "--orphan", "fresh"], lib);
    },
    expected: "which no remote of it has",
  },
  "a history of its own is begun": {
    act(one, lib) {
      one.at.git(["checkout", "-q", "--orphan", "fresh"], lib);
      one.at.write("s.txt", "precious\n", lib);
      one.at.git(["add", "-A"], lib);
    },
    expected: "uncommitted changes: s.txt",
  },
  "a commit is made, noted, and the folder emptied": {
    act(one, lib) {
      one.at.git(["commit", "-q", "--allow-empty", "-m", "mine"], lib);
      one.git("add", "lib");
      one.git("commit", "-q", "-m", "pointer");
      one.git("submodule", "--quiet", "deinit", "-f", "lib");
    },
    expected: "which no remote of it has",
  },
  "a commit is made, and the submodule removed": {
    act(one, lib) {
      one.at.git(["commit", "-q", "--allow-empty", "-m", "mine"], lib);
      one.git("rm", "-q", "-f", "lib");
    },
    expected: "which no remote of it has",
  },
  "a commit is pushed": {
    act(one, lib) {
      one.at.git(["checkout", "-q", "-b", "mine"], lib);
      one.at.git(["commit", "-q", "--allow-empty", "-m", "mine"], lib);
      one.at.git(["push", "-q", "origin", "mine"], lib);
    },
    expected: "mine",
  },
  "a file is changed": {
    act: (one, lib) => one.at.write("s.txt", "precious\n", lib),
    expected: "uncommitted changes: s.txt",
  },
  "a file is added": { act: (one, lib) => one.at.write("n.txt", "new\n", lib), expected: "uncommitted changes: n.txt" },
  "it is removed": { act: (one) => void one.git("rm", "-q", "-f", "lib"), expected: "gone" },
};

describe("in a submodule", () => {
  for (const [what, { act, expected }] of Object.entries(IN_SUBMODULE))
    test(`${what}`, async () => {
      using one = await setting(withSubmodule);
      one.git("submodule", "--quiet", "update", "--init");
      await one.trees.handOver(one.tree);
      const lib = join(one.tree.path, "lib");
      act(one, lib);
      const kept = await one.capture();
      const isLost = /remote|changes/.test(expected);
      if (isLost) {
        expect(kept.omitted).toMatchObject([{ path: "lib", reason: "submodule" }]);
        expect(kept.omitted[0]?.detail).toContain(expected);
      } else {
        expect(kept.omitted).toEqual([]);
        const id = expected === "gone" ? undefined : `160000 ${one.at.git(["rev-parse", expected], lib)}`;
        expect(one.entry(kept, "lib")).toBe(id);
      }
      expect((await one.trees.remove(one.tree)).ok).toBe(!isLost);
      expect(existsSync(one.tree.path)).toBe(isLost);
    });

  test("that the agent adds, the pointer is kept", async () => {
    using one = await setting((at) => {
      withSubmodule(at);
      at.git(["reset", "-q", "--hard", "HEAD~1"]);
      rmSync(join(at.user, "lib"), { recursive: true, force: true });
    });
    one.git("submodule", "--quiet", "add", join(one.at.folder, "remote"), "other");
    const kept = await one.capture();
    expect([kept.changedFiles, kept.nested, kept.omitted]).toEqual([[".gitmodules", "other"], [], []]);
    expect(one.entry(kept, "other")).toBe(`160000 ${one.at.git(["rev-parse", "v3"], join(one.tree.path, "other"))}`);
  });
});

test("a tracked file that becomes a repository is captured by its files", async () => {
  using one = await setting();
  rmSync(join(one.tree.path, "a.txt"));
  one.git("init", "-q", "a.txt");
  one.write("a.txt/precious.txt", "x\n");
  const kept = await one.capture();
  expect([kept.changedFiles, kept.nested]).toEqual([["a.txt", "a.txt/precious.txt"], ["a.txt"]]);
});

test("a mode that only the file has is captured each time", async () => {
  using one = await setting();
  chmodSync(join(one.tree.path, "a.txt"), 0o755);
  const kept = await one.capture();
  expect(one.entry(kept, "a.txt")).toContain("100755 ");
  expect((await one.capture()).tree).toBe(kept.tree);
});

test("a split index is read, of the user's checkout and of the worktree", async () => {
  using one = await setting((at) => {
    set(at, "core.splitIndex=true");
    at.git(["update-index", "--split-index"]);
  });
  one.write("n.txt", "n\n");
  one.git("add", "-A");
  one.git("update-index", "--split-index");
  writeFileSync(join(one.tree.path, "a.txt"), "changed\n");
  expect((await one.capture()).changedFiles).toEqual(["a.txt", "n.txt"]);
  const { notes } = await one.at.open();
  expect(await notes()).toEqual([]);
});

describe("two steps that move one pointer", () => {
  /** Both captured, the second put on top of the first. */
  const moved = async (): Promise<{ readonly one: Setting; readonly head: string; readonly theirs: string }> => {
    const one = await setting(withSubmodule);
    const lib = join(one.at.user, "lib");
    const commit = (tag: string, onto: string): string => {
      one.at.git(["checkout", "-q", "--detach", onto]);
      one.at.git(["update-index", "--cacheinfo", `160000,${one.at.git(["rev-parse", tag], lib)},lib`]);
      one.at.git(["commit", "-q", "-m", tag]);
      return one.at.git(["rev-parse", "HEAD"]);
    };
    return { one, head: commit("v2", one.tree.base), theirs: commit("v3", one.tree.base) };
  };

  test("conflict as pointers, until the index says which it is to be", async () => {
    const { one: made, head, theirs } = await moved();
    using one = made;
    const merged = await mergeWithMarkers(one.repository, head, theirs);
    expect([merged.files, merged.pointers.map(({ stage }) => stage)]).toEqual([["lib"], [1, 2, 3]]);
    const { tree: files, pointers } = merged;
    const holds = { step: "s", head, captured: theirs };
    const tree = orThrow(await one.trees.reset(one.tree, head, { files, pointers, holds }));
    expect(one.git("status", "--short")).toBe("UU lib");
    const open = await captured(one.repository, tree, "s", 2);
    expect(open.unfinished.unmerged).toEqual(["lib"]);
    const v3 = one.at.git(["rev-parse", "v3"], join(one.at.user, "lib"));
    expect(one.entry(open, "lib")).toBe(`160000 ${one.at.git(["rev-parse", `${head}:lib`])}`);
    one.git("submodule", "--quiet", "update", "--init", "--checkout", "--force");
    one.git("update-index", "--cacheinfo", `160000,${v3},lib`);
    const settled = await captured(one.repository, tree, "s", 3);
    expect([settled.unfinished.unmerged, one.entry(settled, "lib")]).toEqual([[], `160000 ${v3}`]);
  });

  for (const [side, tag] of [
    ["ours", "v2"],
    ["theirs", "v3"],
  ] as const)
    test(`one side is taken: ${side}`, async () => {
      const { one: made, head, theirs } = await moved();
      using one = made;
      const commit = await takeSide(one.repository, { head, commit: theirs, side, message: "taken" });
      const wanted = one.at.git(["rev-parse", tag], join(one.at.user, "lib"));
      expect(one.at.git(["rev-parse", `${commit}:lib`])).toBe(wanted);
    });
});
