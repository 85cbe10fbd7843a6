/** Tiny real repositories, in memory where the system has a folder for that, and what the tests ask of them. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Clock, systemClock } from "../../src/base/clock.ts";
import { capture } from "../../src/git/capture.ts";
import type { RepositoryAccess } from "../../src/git/repository-access.ts";
import { systemGit } from "../../src/git/git.ts";
import { type FoundRepository, openRepository } from "../../src/git/discover.ts";
import { LocalWorktrees, type LocalWorktreesOptions } from "../../src/git/worktree.ts";
import type { Capture, TreeOwner, VerifyResult, Worktree } from "../../src/git/types.ts";
import { copyOfTemplate } from "../support/template.ts";
import { IN_MEMORY, temporaryFolder } from "../support/temporary.ts";
import { USER_ENV, userGit } from "../support/user-git.ts";

export const clock: Clock = systemClock();

export interface TestRepository extends Disposable {
  readonly folder: string;
  /** The user's checkout. */
  readonly user: string;
  readonly stateDir: string;
  git(args: readonly string[], cwd?: string): string;
  /**
   * A commit on another with these files, in no checkout, by one process of git: a text, a link as `-> TARGET`, or `null` for one
   * that is removed.
   */
  commitOnto(onto: string, files: { readonly [path: string]: string | null }): string;
  /** Whether git ended well. */
  tries(args: readonly string[], cwd?: string): boolean;
  write(path: string, text: string, folder?: string): void;
  read(path: string, folder?: string): string;
  open(options?: { readonly base?: string; readonly folder?: string }): Promise<FoundRepository>;
  worktrees(options?: Partial<LocalWorktreesOptions>): Promise<LocalWorktrees>;
}

/** A repository with a branch `main`, a few files and two commits. */
export function testRepository(
  options: { readonly empty?: boolean; readonly init?: readonly string[] } = {},
): TestRepository {
  const folder = temporaryFolder("git", IN_MEMORY);
  const user = join(folder, "user");
  const stateDir = join(folder, "state");
  const git = (args: readonly string[], cwd = user): string => userGit(args, cwd);
  const write = (path: string, text: string, at = user): void => {
    mkdirSync(dirname(join(at, path)), { recursive: true });
    writeFileSync(join(at, path), text);
  };
  const make = (at: string): void => {
    git(["init", "-q", "-b", "main", ...(options.init ?? [])], at);
    if (options.empty === true) return;
    write("a.txt", lines("a", 20), at);
    write("b.txt", lines("b", 20), at);
    write("src/deep/c.txt", "c\n", at);
    write(".gitignore", "ignored/\n*.log\n.env\n", at);
    git(["add", "-A"], at);
    git(["commit", "-q", "-m", "first"], at);
    write("a.txt", lines("A", 20), at);
    git(["commit", "-q", "-am", "second"], at);
  };
  copyOfTemplate(JSON.stringify(options), make, user);
  // The index knows files by their inodes as well: these are others.
  git(["update-index", "-q", "--refresh"]);
  const open = async (opened: { readonly base?: string; readonly folder?: string } = {}): Promise<FoundRepository> => {
    const result = await judge(user, stateDir, opened);
    if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message}`);
    return result.value;
  };
  return {
    folder,
    user,
    stateDir,
    git,
    commitOnto(onto, files) {
      const subject = Object.keys(files).join(" ");
      const said = execFileSync("git", ["fast-import", "--quiet", "--force", "--date-format=now"], {
        cwd: user,
        env: USER_ENV,
        encoding: "utf8",
        input: [
          "commit refs/made-by-tests\nmark :1\ncommitter User <user@example.org> now",
          data(`${subject}\n`),
          `from ${onto}`,
          ...Object.entries(files).map(([path, text]) => change(quoted(path), text)),
          "\nget-mark :1\n",
        ].join("\n"),
      });
      return said.trim();
    },
    tries(args, cwd) {
      try {
        git(args, cwd);
        return true;
      } catch {
        return false;
      }
    },
    write,
    read: (path, at = user) => readFileSync(join(at, path), "utf8"),
    open,
    async worktrees(more = {}) {
      return new LocalWorktrees({ ...more, repository: (await open()).repository });
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }),
  };
}

function change(path: string, text: string | null): string {
  if (text === null) return `D ${path}`;
  return text.startsWith("-> ")
    ? `M 120000 inline ${path}\n${data(text.slice(3))}`
    : `M 100644 inline ${path}\n${data(text)}`;
}

/** As a stream for `git fast-import` writes a path: only what C would quote. */
function quoted(path: string): string {
  return `"${path.replaceAll(/["\\]/g, "\\$&").replaceAll("\n", "\\n")}"`;
}

/** A text in a stream for `git fast-import`. */
function data(text: string): string {
  return `data ${Buffer.byteLength(text)}\n${text}`;
}

export function judge(
  folder: string,
  stateDir: string,
  more: { readonly base?: string; readonly folder?: string } = {},
): ReturnType<typeof openRepository> {
  return openRepository({ folder, run: systemGit({ clock }), clock, env: USER_ENV, stateDir, ...more });
}

export function lines(word: string, count: number): string {
  return Array.from({ length: count }, (_, index) => `${word} ${index}\n`).join("");
}

export function step(id: string): TreeOwner {
  return { kind: "step", id };
}

/** For queues whose requests have no checks. */
export const passes = async (): Promise<VerifyResult> => ({ ok: true });

export async function captured(
  repository: RepositoryAccess,
  tree: Worktree,
  id: string,
  attempt = 1,
): Promise<Capture> {
  return await capture(repository, { tree, step: id, attempt });
}

/** Refs that are not heddle's, with what they point to. */
export function foreignRefs(at: TestRepository): string {
  return at
    .git(["for-each-ref", "--format=%(refname) %(objectname)"])
    .split("\n")
    .filter((text) => !text.startsWith("refs/heddle/") && !text.startsWith("refs/heads/heddle/"))
    .join("\n");
}

export function namesIn(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder).sort() : [];
}
