/**
 * Folder layout: the names of heddle's files in a project's folder and beside it. Touches no disk. Files of one run are
 * named by `workspace/port.ts`.
 */
import { homedir } from "node:os";
import { join, resolve } from "node:path";

/** Paths of a project, all absolute. */
export interface ProjectLayout {
  /** The project folder itself: where its plan is, and where commands run. */
  readonly dir: string;
  /** All that heddle keeps there; may be removed while nothing runs. */
  readonly heddleDir: string;
  readonly journalFile: string;
  /** Keeps `heddleDir` out of git's sight. */
  readonly ignoreFile: string;
  /** One folder for each run. */
  readonly runsDir: string;
}

/** `dir` is relative to the current folder, or absolute. */
export function layoutOf(dir: string): ProjectLayout {
  const root = resolve(dir);
  const heddleDir = join(root, ".heddle");
  return {
    dir: root,
    heddleDir,
    journalFile: join(heddleDir, "state.db"),
    ignoreFile: join(heddleDir, ".gitignore"),
    runsDir: join(heddleDir, "runs"),
  };
}

/** Where worktrees of all repositories of this user are: outside of every project, so that no tool finds them by walking one. */
export function worktreesDir(env: Readonly<Record<string, string | undefined>>): string {
  const home = env["HOME"] ?? homedir();
  const base = env["XDG_STATE_HOME"];
  return join(base?.startsWith("/") === true ? base : join(home, ".local", "state"), "heddle", "worktrees");
}
