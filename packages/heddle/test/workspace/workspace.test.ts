import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { orThrow } from "../../src/base/errors.ts";
import { directoryWorkspaces } from "../../src/workspace/directory.ts";
import { headOf } from "../../src/git/git-head.ts";
import type { Workspace, WorkspaceRequest, Workspaces } from "../../src/workspace/port.ts";
import { memoryWorkspaces } from "../../src/workspace/memory.ts";
import { fileNameOf } from "../../src/workspace/names.ts";
import { temporaryFolder } from "../support/temporary.ts";

let project = "";
beforeEach(() => {
  project = temporaryFolder("workspace");
});
afterEach(() => rmSync(project, { recursive: true, force: true }));

describe("fileNameOf", () => {
  test("is injective, even where case does not count, and always a plain file name", () => {
    const id = fc.oneof(
      fc.string({ unit: "binary", maxLength: 200 }),
      fc.string({ unit: fc.constantFrom("a", "A", ".", "/", "%", "+", "~", "-"), maxLength: 6 }),
    );
    fc.assert(
      fc.property(id, id, (a, b) => {
        const [x, y] = [fileNameOf(a), fileNameOf(b)];
        expect(x).toMatch(/^[a-z0-9%+_-][a-z0-9%+_.~-]{0,199}$/);
        if (Buffer.from(a).equals(Buffer.from(b))) expect(x).toBe(y);
        else expect(x.toLowerCase()).not.toBe(y.toLowerCase());
      }),
      { numRuns: 2000 },
    );
    expect(["build", "a/b", "..", "", "A", "x".repeat(300)].map((each) => fileNameOf(each).slice(0, 20))).toEqual([
      "build",
      "a%2fb",
      "%2e.",
      "%",
      "+a",
      "x".repeat(20),
    ]);
  });
});

async function taken(spaces: Workspaces, request: WorkspaceRequest): Promise<Workspace> {
  return orThrow(await spaces.take(request));
}

describe("directoryWorkspaces", () => {
  const make = () => directoryWorkspaces({ projectDir: project, runsDir: join(project, ".heddle/runs") });
  const request = { run: "r1", step: "a/b", attempt: 2 };

  test("files lie under the run, and go with it", async () => {
    const spaces = make();
    const space = await taken(spaces, request);
    expect(space).toMatchObject({
      cwd: project,
      logFile: spaces.logFile("r1", "a/b", 2),
      exchangeBase: join(project, ".heddle/runs/r1/io/a%2fb.2"),
    });
    writeFileSync(space.logFile ?? "", "x");
    expect(existsSync(dirname(space.exchangeBase ?? ""))).toBe(true);
    await space.release();
    await spaces.removeRun("r1");
    expect(existsSync(join(project, ".heddle/runs/r1"))).toBe(false);
    const again = await taken(spaces, request);
    expect(existsSync(dirname(again.logFile ?? ""))).toBe(true);
  });

  test("no way leads out of the project (S8)", async () => {
    const spaces = make();
    mkdirSync(join(project, "sub"));
    symlinkSync("/", join(project, "root"));
    symlinkSync(join(project, "sub"), join(project, "inside"));
    writeFileSync(join(project, "file"), "");
    expect((await taken(spaces, { ...request, cwd: "sub" })).cwd).toBe(join(project, "sub"));
    expect((await taken(spaces, { ...request, cwd: "inside" })).cwd).toBe(join(project, "sub"));
    expect((await taken(spaces, { ...request, cwd: project })).cwd).toBe(project);
    for (const cwd of [
      "..",
      "/",
      "root",
      "root/tmp",
      "../../etc",
      "sub/../..",
      "/nowhere",
      "..//x",
      `../${"x".repeat(10)}`,
    ]) {
      expect(await spaces.take({ ...request, cwd })).toMatchObject({ ok: false, error: { code: "WorkspaceOutside" } });
    }
    for (const cwd of ["missing", "file", "sub/x"])
      expect(await spaces.take({ ...request, cwd })).toMatchObject({ ok: false, error: { code: "WorkspaceMissing" } });
    for (const run of ["..", "a/b", "", "A", "../x"]) {
      await expect(spaces.take({ ...request, run })).rejects.toMatchObject({ code: "InvalidRunId" });
      expect(() => spaces.logFile(run, "s", 1)).toThrow(/not a run id/);
      await expect(spaces.removeRun(run)).rejects.toMatchObject({ code: "InvalidRunId" });
    }
  });

  test("a folder that goes, or is replaced by a link, between two attempts is seen", async () => {
    const spaces = make();
    mkdirSync(join(project, "sub"));
    await spaces.take({ ...request, cwd: "sub" });
    rmSync(join(project, "sub"), { recursive: true });
    expect(await spaces.take({ ...request, cwd: "sub" })).toMatchObject({
      ok: false,
      error: { code: "WorkspaceMissing" },
    });
    symlinkSync("/", join(project, "sub"));
    expect(await spaces.take({ ...request, cwd: "sub" })).toMatchObject({
      ok: false,
      error: { code: "WorkspaceOutside" },
    });
  });
});

test("memoryWorkspaces keep no log, make a folder only when asked, and remove it", async () => {
  const spaces = memoryWorkspaces({ projectDir: project });
  const space = await taken(spaces, { run: "r1", step: "s", attempt: 1 });
  expect([space.logFile, space.cwd, spaces.logFile("r1", "s", 1)]).toEqual([null, project, null]);
  const folder = dirname(space.exchangeBase ?? "");
  expect(existsSync(folder)).toBe(true);
  await spaces.removeRun("r1");
  expect(existsSync(folder)).toBe(false);
});

describe("headOf", () => {
  function git(cwd: string, ...args: string[]): string {
    const env = { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" };
    return execFileSync(
      "git",
      ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "init.defaultBranch=main", ...args],
      { cwd, env, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] },
    ).trim();
  }

  test("agrees with git on branches, packed refs, detached heads and worktrees", () => {
    expect(headOf(project, process.env)).toBeUndefined();
    git(project, "init", "-q");
    expect(headOf(project)).toBeUndefined();
    git(project, "commit", "-q", "--allow-empty", "-m", "one");
    const head = git(project, "rev-parse", "HEAD");
    mkdirSync(join(project, "deep/er"), { recursive: true });
    expect(headOf(join(project, "deep/er"))).toEqual({ commit: head, branch: "main" });
    for (const [ceiling, found] of [
      [join(project, "deep"), undefined],
      [project, undefined],
      [dirname(project), { commit: head, branch: "main" }],
    ] as const) {
      expect(headOf(join(project, "deep/er"), { GIT_CEILING_DIRECTORIES: `/nowhere:${ceiling}` })).toEqual(found);
    }
    expect(headOf(project, { GIT_CEILING_DIRECTORIES: project })).toEqual({ commit: head, branch: "main" });
    git(project, "checkout", "-q", "-b", "feature/x");
    git(project, "pack-refs", "--all");
    expect(headOf(project)).toEqual({ commit: head, branch: "feature/x" });
    git(project, "worktree", "add", "-q", "--no-track", "-b", "other", join(project, "tree"));
    git(join(project, "tree"), "commit", "-q", "--allow-empty", "-m", "two");
    const other = git(join(project, "tree"), "rev-parse", "HEAD");
    expect(other).not.toBe(head);
    expect(headOf(join(project, "tree"))).toEqual({ commit: other, branch: "other" });
    git(project, "pack-refs", "--all");
    expect(headOf(join(project, "tree"))).toEqual({ commit: other, branch: "other" });
    git(project, "checkout", "-q", "--detach", other);
    expect(headOf(project)).toEqual({ commit: other });
  });

  test("never leaves the repository, whatever stands in its files", () => {
    mkdirSync(join(project, ".git"));
    writeFileSync(join(project, "secret"), "a".repeat(40));
    for (const text of ["ref: refs/../../secret", "ref: /etc/passwd", "garbage", "", "ref: refs/heads/none"]) {
      writeFileSync(join(project, ".git/HEAD"), text);
      expect(headOf(project)).toBeUndefined();
    }
  });
});
