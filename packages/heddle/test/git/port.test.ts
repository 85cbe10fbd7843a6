/** The git port, by the real git and by the one in memory that tests of agents use. */
import { join } from "node:path";
import { rmSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { localRepositories } from "../../src/git/local.ts";
import { systemGit } from "../../src/git/git.ts";
import { MemoryGit } from "../support/memory-git.ts";
import { readFiles, writeFiles } from "../support/memory-history.ts";
import { FIRST, type GitSetting } from "../support/suites/git/setting.ts";
import { gitSuite } from "../support/suites/git/suite.ts";
import { IN_MEMORY, temporaryFolder } from "../support/temporary.ts";
import { USER_ENV } from "../support/user-git.ts";
import { clock, testRepository } from "./test-repository.ts";

const tools = { describe, it: test, expect };

async function localSetting(): Promise<GitSetting> {
  const at = testRepository({ empty: true });
  const commitAsUser: GitSetting["commitAsUser"] = async (files) => {
    writeFiles(at.user, files);
    at.git(["add", "-A"]);
    at.git(["commit", "-q", "-m", Object.keys(files).join(" ")]);
    return at.git(["rev-parse", "HEAD"]);
  };
  await commitAsUser(FIRST);
  const options = { projectDir: at.user, stateDir: at.stateDir, clock, run: systemGit({ clock }), env: USER_ENV };
  return {
    repositories: localRepositories(options),
    write: writeFiles,
    read: (folder, path) => readFiles(folder)[path],
    commitAsUser,
    async readIn(commit, path) {
      if (!at.tries(["cat-file", "-e", `${commit}:${path}`])) return undefined;
      return `${at.git(["cat-file", "blob", `${commit}:${path}`])}\n`;
    },
    end: () => at[Symbol.dispose](),
  };
}

async function memorySetting(): Promise<GitSetting> {
  const folder = temporaryFolder("memory-git", IN_MEMORY);
  const git = new MemoryGit(folder);
  git.commitAsUser(FIRST);
  return {
    repositories: git,
    write: writeFiles,
    read: (from, path) => readFiles(join(from))[path],
    commitAsUser: async (files) => git.commitAsUser(files),
    readIn: async (commit, path) => git.commitOf(commit).files[path],
    end: () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }),
  };
}

gitSuite("local", localSetting, tools);
gitSuite("memory", memorySetting, tools);
