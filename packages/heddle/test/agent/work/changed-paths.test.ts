/** Rules are held against all that would be in the history: the result, each commit, what moved, and what a pointer stands for. */
import { describe, expect, test } from "vitest";
import { ok } from "../../../src/base/result.ts";
import { changesPolicyOf } from "../../../src/agent/adapters/policy.ts";
import { forbiddenPaths } from "../../../src/agent/work/changed-paths.ts";
import type { Repositories } from "../../../src/git/port.ts";
import type { Capture, PathChange } from "../../../src/git/types.ts";
import type { AgentsConfig, PermissionRuleConfig } from "../../../src/plan/agents-config.ts";
import { ExecutorRig } from "./rig.ts";

function change(path: string, more: Partial<PathChange> = {}): PathChange {
  return { path, shown: path, isGone: false, isPointer: false, ...more };
}

function forbidden(rules: readonly PermissionRuleConfig[], of: PathChange): boolean {
  const policy = changesPolicyOf({ rules });
  return forbiddenPaths(policy, { changes: [of], tree: "/tree", cwd: "/tree/app" }).length > 0;
}

describe("a pointer to a commit of a submodule is a change of all that is in its folder", () => {
  const pointer = change("vendor/lib", { isPointer: true });
  test.each([
    ["../vendor/lib/**", true],
    ["../vendor/lib/src/**", true],
    ["../vendor/lib/src/*.c", true],
    ["../vendor/lib/*", true],
    ["../vendor/lib", true],
    ["../vendor/**", true],
    ["../**/*.c", true],
    ["/tree/vendor/*/src/x", true],
    ["../vendor/library/**", false],
    ["../vendor/*.txt", false],
    ["../vendo", false],
    ["vendor/lib/**", false],
  ])("%s: %s", (path, isForbidden) => {
    expect(forbidden([{ deny: "edit", path }], pointer)).toBe(isForbidden);
  });

  test("a file is not", () => {
    expect(forbidden([{ deny: "edit", path: "../vendor/lib/**" }], change("vendor/lib"))).toBe(false);
  });

  test.each([
    ["../vendor/lib/**", false],
    ["../vendor/lib", false],
    ["../vendor/lib/src/**", true],
    ["../vendor/lib/*", true],
    ["../vendor/*", true],
  ])("what allows %s before leaves the rule after it: %s", (path, isForbidden) => {
    const rules = [
      { allow: "edit", path },
      { deny: "edit", path: "../vendor/**" },
    ] as const;
    expect(forbidden(rules, pointer)).toBe(isForbidden);
  });
});

describe("a rule about moves", () => {
  const named = { path: "docs/a.md", shown: "docs/a.md" };
  const to = { path: "old/a.md", shown: "old/a.md" };
  test.each([
    [[{ deny: "move" }], ["docs/a.md", "old/a.md"]],
    [[{ deny: "move", path: "docs/**" }], ["docs/a.md"]],
    [[{ deny: "move", path: "old/**" }], ["old/a.md"]],
    [[{ deny: "move", path: "src/**" }], []],
    [[{ deny: "edit", path: "src/**" }], []],
  ] as const)("%j forbids what moved there or from there", (rules, names) => {
    const moves = [{ from: named, to }];
    const policy = changesPolicyOf({ rules });
    expect(forbiddenPaths(policy, { changes: [], moves, tree: "/tree", cwd: "/tree" })).toEqual(names);
  });
});

/** What git says of the commits of each attempt, beside what is in the files. */
function withCommits(changes: readonly PathChange[], captured: Partial<Capture> = {}) {
  return (inner: Repositories): Repositories => ({
    open: async (how) => {
      const opened = await inner.open(how);
      if (!opened.ok) return opened;
      const { repository } = opened.value;
      const commits = { ...repository.commits, changesOfEach: async () => changes };
      const capture: typeof repository.captures.capture = async (request) => ({
        ...(await repository.captures.capture(request)),
        ...captured,
      });
      return ok({
        ...opened.value,
        repository: { ...repository, commits, captures: { ...repository.captures, capture } },
      });
    },
  });
}

const NO_KEYS: AgentsConfig["permissions"] = { rules: [{ deny: "edit", path: "keys/**" }] };

describe("a commit that would be in the history", () => {
  const git = withCommits([change("keys/secret"), change("keys/secret", { isGone: true })]);
  test.each(["merge", "rebase"] as const)("is held against the rules with `merge: %s`", async (merge) => {
    using rig = new ExecutorRig({ api: [{ "api.txt": "api\n" }] }, { config: { merge, permissions: NO_KEYS }, git });
    expect(await rig.run("api")).toMatchObject({
      kind: "failed",
      error: { class: "permission", message: expect.stringContaining("keys/secret, which one of its commits changes") },
    });
    expect(rig.merged("api.txt")).toBeUndefined();
  });

  test("is not there with `merge: squash`", async () => {
    using rig = new ExecutorRig({ api: [{ "api.txt": "api\n" }] }, { config: { permissions: NO_KEYS }, git });
    expect((await rig.run("api")).kind).toBe("succeeded");
  });
});

describe("work in a submodule that no remote has fails the step", () => {
  const omitted = [{ path: "lib", reason: "submodule", bytes: 0, detail: "commit 1" }] as const;
  test.each([
    ["where nothing is expected", { expect: "none" }, {}],
    ["where files may be left out", {}, { worktrees: { allowOmitted: true } }],
  ] as const)("also %s", async (_, options, config) => {
    using rig = new ExecutorRig({ api: [{ "api.txt": "api\n" }] }, { config, git: withCommits([], { omitted }) });
    const step = { action: { kind: "agent", prompt: "do api", options } } as const;
    expect(await rig.run("api", { step })).toMatchObject({ kind: "failed", error: { class: "left-out" } });
    expect(rig.types()).not.toContain("worktree.removed");
  });
});
