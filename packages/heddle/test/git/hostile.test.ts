/** S11: a repository's config, hooks and filters do not run inside the engine. S15: what git gets of the environment. */
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { orThrow } from "../../src/base/errors.ts";
import { type GitCall, gitEnvironment, systemGit } from "../../src/git/git.ts";
import { breachesBetween, takeIsolationSnapshot } from "../../src/git/isolation-check.ts";
import { land, revertStep } from "../../src/git/landing.ts";
import { listWorktrees, setupKey } from "../../src/git/listing.ts";
import { removeRunRefs } from "../../src/git/run-refs.ts";
import { LocalMergeQueue } from "../../src/git/merge-queue.ts";
import { openRepository } from "../../src/git/discover.ts";
import { LocalWorktrees } from "../../src/git/worktree.ts";
import { USER_ENV } from "../support/user-git.ts";
import { type TestRepository, captured, clock, namesIn, passes, testRepository, step } from "./test-repository.ts";

const HOOKS = [
  "applypatch-msg",
  "pre-applypatch",
  "post-applypatch",
  "pre-commit",
  "pre-merge-commit",
  "prepare-commit-msg",
  "commit-msg",
  "post-commit",
  "pre-rebase",
  "post-checkout",
  "post-merge",
  "pre-push",
  "pre-auto-gc",
  "post-rewrite",
  "sendemail-validate",
  "fsmonitor-watchman",
  "post-index-change",
  "reference-transaction",
  "update",
  "proc-receive",
];

/** Every kind of configuration that names a program; each writes a file of its own name. */
function plant(at: TestRepository, marks: string, gitDir = join(at.user, ".git")): void {
  mkdirSync(marks, { recursive: true });
  const program = (name: string): string => {
    const path = join(marks, `${name}.sh`);
    writeFileSync(path, `#!/bin/sh\ntouch '${marks}/RAN-${name}'\ncat\n`);
    chmodSync(path, 0o755);
    return path;
  };
  for (const hook of HOOKS) {
    mkdirSync(join(gitDir, "hooks"), { recursive: true });
    writeFileSync(join(gitDir, "hooks", hook), `#!/bin/sh\ntouch '${marks}/RAN-hook-${hook}'\n`);
    chmodSync(join(gitDir, "hooks", hook), 0o755);
  }
  const settings: readonly (readonly [string, string])[] = [
    ["core.fsmonitor", program("fsmonitor")],
    ["core.editor", program("editor")],
    ["sequence.editor", program("sequence-editor")],
    ["core.pager", program("pager")],
    ["core.sshCommand", program("ssh")],
    ["core.askPass", program("askpass")],
    ["core.gitProxy", program("proxy")],
    ["core.alternateRefsCommand", program("alternate-refs")],
    ["credential.helper", `!${program("credential")}`],
    ["diff.external", program("diff-external")],
    ["diff.evil.command", program("diff-command")],
    ["diff.evil.textconv", program("textconv")],
    ["filter.evil.clean", program("clean")],
    ["filter.evil.smudge", program("smudge")],
    ["filter.process.process", program("process")],
    ["filter.evil.required", "true"],
    ["merge.evil.driver", `${program("merge-driver")} %A`],
    ["gpg.program", program("gpg")],
    ["commit.gpgSign", "true"],
    ["tag.gpgSign", "true"],
    ["log.showSignature", "true"],
    ["alias.rev-parse", `!${program("alias")}`],
    ["alias.worktree", `!${program("alias")}`],
    ["trailer.run.command", program("trailer")],
    ["uploadpack.packObjectsHook", program("pack-objects")],
    ["remote.origin.url", `ext::${program("remote")}`],
    ["remote.origin.promisor", "true"],
    ["extensions.partialClone", "origin"],
    ["core.repositoryFormatVersion", "1"],
    ["interactive.diffFilter", program("diff-filter")],
    ["submodule.lib.update", `!${program("submodule")}`],
    ["gc.auto", "1"],
    ["maintenance.auto", "true"],
  ];
  for (const [key, value] of settings) at.git(["config", "--file", join(gitDir, "config"), key, value]);
}

function ran(marks: string): readonly string[] {
  return namesIn(marks).filter((name) => name.startsWith("RAN-"));
}

const ATTRIBUTES =
  "*.txt diff=evil merge=evil\n*.md filter=process\n[attr]sly merge=evil\n*.c sly\n*.dat filter=evil\n";

test("nothing that is planted runs, whatever is done", async () => {
  using at = testRepository();
  const marks = join(at.folder, "marks");
  at.write(".gitattributes", ATTRIBUTES);
  at.write("read.md", "x\n");
  at.write("x.c", "x\n");
  at.write("y.dat", "x\n");
  at.git(["add", "-A"]);
  at.git(["commit", "-q", "-m", "attributes"]);
  const stored = at.commitOnto("main", { "z.dat": "x\n" });
  plant(at, marks);
  at.git(["status"]);
  // The control: git as people call it runs some of it.
  expect(ran(marks)).toContain("RAN-fsmonitor");
  for (const name of ran(marks)) rmSync(join(marks, name));

  const { repository, base } = await at.open();
  const trees = await at.worktrees();
  const before = await takeIsolationSnapshot(repository, "r1");
  const queue = new LocalMergeQueue({ worktrees: trees, run: "r1", base, verify: passes });
  const outcomes = [];
  for (const [order, id] of ["one", "two", "three"].entries()) {
    const tree = orThrow(await trees.ensure({ run: "r1", owner: step(id), base }));
    // Agents can write all of it too, in their own folder and in the shared one.
    at.write(`${id}.txt`, "x\n", tree.path);
    at.write("x.c", `${id}\n`, tree.path);
    at.write("y.dat", `${id}\n`, tree.path);
    at.write("nested/inner.txt", "x\n", tree.path);
    at.git(["init", "-q"], join(tree.path, "nested"));
    plant(at, marks, join(tree.path, "nested", ".git"));
    at.write("nested/.gitattributes", ATTRIBUTES, tree.path);
    const kept = await captured(repository, tree, id);
    expect(kept.omitted.map(({ path, reason }) => [path, reason])).toEqual([["y.dat", "filter"]]);
    outcomes.push(
      await queue.submit({ step: id, attempt: 1, commit: kept.commit, order, checks: [{ commands: ["true"] }] }),
    );
    await listWorktrees(repository);
    orThrow(await trees.reset(tree, base, { acceptOmitted: true }));
    await setupKey(repository, base, []);
  }
  expect(outcomes.map(({ kind }) => kind)).toEqual(["merged", "conflict", "conflict"]);
  for (const mode of ["merge", "rebase"] as const) {
    const tree = orThrow(await trees.ensure({ run: "r1", owner: step(mode), base }));
    at.write(`${mode}.txt`, "x\n", tree.path);
    const kept = await captured(repository, tree, mode);
    const outcome = await queue.submit({ step: mode, attempt: 1, commit: kept.commit, order: 0, mode });
    expect(outcome.kind).toBe("merged");
  }
  expect((await queue.submit({ step: "dat", attempt: 1, commit: stored, order: 0 })).kind).toBe("merged");
  expect((await revertStep(queue.integration, "merge")).kind).toBe("reverted");
  const { lock } = trees;
  const { integration } = queue;
  // Files with a filter are not for us to write into the user's checkout.
  expect(await land({ integration, lock, mode: { kind: "ff" } })).toMatchObject({
    problem: { code: "LandNeedsFilter" },
  });
  expect(await land({ integration, lock, mode: { kind: "branch", name: "landed" } })).toMatchObject({ kind: "landed" });
  expect(
    breachesBetween(before, await takeIsolationSnapshot(repository, "r1"), (ref, id) =>
      [repository, trees.repository].some((one) => one.isWritten(ref, id)),
    ),
  ).toEqual([]);
  await queue.close();
  for (const owner of ["one", "two", "three", "merge", "rebase"]) {
    const tree = await trees.find("r1", step(owner));
    if (tree !== undefined) orThrow(await trees.remove(tree, { branch: "delete", acceptOmitted: true }));
  }
  await trees.deleteDeferred();
  expect(await removeRunRefs(repository, lock, "r1")).toBe(true);
  expect(ran(marks)).toEqual([]);
});

test("git gets an environment made from nothing", async () => {
  using at = testRepository();
  const calls: GitCall[] = [];
  const system = systemGit({ clock });
  const env = {
    ...USER_ENV,
    GIT_DIR: "/nowhere",
    GIT_INDEX_FILE: "/nowhere/index",
    GIT_EXTERNAL_DIFF: "false",
    GIT_CONFIG_COUNT: "1",
    GIT_CONFIG_KEY_0: "core.fsmonitor",
    GIT_CONFIG_VALUE_0: "false",
    GIT_SSH_COMMAND: "false",
    GIT_ASKPASS: "false",
    HEDDLE_TOKEN: "secret",
    ANTHROPIC_API_KEY: "secret",
  };
  const opened = await openRepository({
    folder: at.user,
    clock,
    env,
    stateDir: at.stateDir,
    run: async (call) => {
      calls.push(call);
      return await system(call);
    },
  });
  if (!opened.ok) throw new Error(opened.error.code);
  const trees = new LocalWorktrees({ repository: opened.value.repository });
  const tree = orThrow(await trees.ensure({ run: "r1", owner: step("s"), base: opened.value.base }));
  await captured(opened.value.repository, tree, "s");
  expect(calls.length).toBeGreaterThan(15);
  for (const call of calls) {
    const text = JSON.stringify(call.env);
    expect(text).not.toMatch(/secret|nowhere|EXTERNAL_DIFF|SSH|ASKPASS|CONFIG_COUNT/);
    expect(call.env).toMatchObject({
      LC_ALL: "C",
      GIT_TERMINAL_PROMPT: "0",
      GIT_EDITOR: "true",
      GIT_ALLOW_PROTOCOL: "none",
    });
  }
  expect(gitEnvironment({ PATH: "/bin" })).toMatchObject({ PATH: "/bin", GIT_CONFIG_GLOBAL: "/dev/null" });
});

test("a git that hangs or floods is ended", async () => {
  const run = systemGit({ clock, program: "/bin/sh" });
  const folder = "/";
  // The safe options come first: a shell takes the first as its command.
  void run;
  using at = testRepository();
  const script = join(at.folder, "fake-git");
  writeFileSync(
    script,
    '#!/bin/sh\nfor last; do :; done\nif [ "$last" = flood ]; then exec cat /dev/zero; fi\nexec sleep 1000\n',
  );
  chmodSync(script, 0o755);
  const fake = systemGit({ clock, program: script });
  expect(
    await fake({ args: ["hang"], cwd: folder, env: USER_ENV as Record<string, string>, timeoutMs: 50 }),
  ).toMatchObject({
    kind: "broken",
    reason: "timeout",
  });
  expect(
    await fake({ args: ["flood"], cwd: folder, env: USER_ENV as Record<string, string>, maxOutputBytes: 1000 }),
  ).toMatchObject({ kind: "broken", reason: "output" });
  expect(existsSync(script)).toBe(true);
});

test("what is written into heddle's own git folder while an agent works counts for nothing", async () => {
  using at = testRepository();
  const { base } = await at.open();
  const trees = await at.worktrees();
  const tree = orThrow(await trees.ensure({ run: "r1", owner: step("s"), base }));
  const own = join(trees.repository.home, ".isolated");
  const mark = join(at.folder, "ran");
  at.write("a.txt", "changed\n", tree.path);
  const config = readFileSync(join(own, "config"), "utf8");
  writeFileSync(join(own, "config"), `${config}[filter "x"]\n\tclean = touch '${mark}'\n\trequired = true\n`);
  writeFileSync(join(own, "info/attributes"), "* filter=x\n");
  mkdirSync(join(own, "elsewhere/info"), { recursive: true });
  writeFileSync(join(own, "commondir"), "elsewhere\n");
  writeFileSync(join(own, "info/grafts"), `${base}\n`);
  const kept = await captured(trees.repository, tree, "s");
  expect(kept.changedFiles).toEqual(["a.txt"]);
  expect(at.git(["show", `${kept.commit}:a.txt`])).toBe("changed");
  expect(existsSync(mark)).toBe(false);
  expect(namesIn(own)).toEqual(["HEAD", "config", "empty", "info", "objects", "refs"]);
});
