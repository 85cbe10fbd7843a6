/** Git as a user of the tests runs it: with an identity, and nothing of the machine's configuration. */
import { execFileSync } from "node:child_process";
import { CEILINGS } from "./temporary.ts";

export const USER_ENV: NodeJS.ProcessEnv = {
  PATH: process.env["PATH"],
  HOME: "/nonexistent",
  LC_ALL: "C",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CEILING_DIRECTORIES: CEILINGS,
  // Nothing goes on in the background, nothing waits for a disk.
  GIT_CONFIG_COUNT: "3",
  GIT_CONFIG_KEY_0: "gc.auto",
  GIT_CONFIG_VALUE_0: "0",
  GIT_CONFIG_KEY_1: "maintenance.auto",
  GIT_CONFIG_VALUE_1: "false",
  GIT_CONFIG_KEY_2: "core.fsync",
  GIT_CONFIG_VALUE_2: "none",
  GIT_AUTHOR_NAME: "User",
  GIT_AUTHOR_EMAIL: "user@example.org",
  GIT_COMMITTER_NAME: "User",
  GIT_COMMITTER_EMAIL: "user@example.org",
};

/** What it prints, without the line end; throws where it fails. */
export function userGit(args: readonly string[], cwd: string): string {
  return execFileSync("git", [...args], {
    cwd,
    env: USER_ENV,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  }).trimEnd();
}

/** All files under a folder with their contents and modes: equal texts, equal folders. */
export function fingerprint(folder: string, skip: (path: string) => boolean = () => false): string {
  return execFileSync("find", [".", "-printf", "%P %y %m %s %T@ %l\\n"], { cwd: folder, encoding: "utf8" })
    .split("\n")
    .filter((text) => !skip(text.split(" ")[0] ?? ""))
    .sort()
    .join("\n");
}
