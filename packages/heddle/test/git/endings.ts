/** Random work of an agent in a worktree, ending anyhow. */
import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import type { Random } from "../../src/base/random.ts";
import { type TestRepository, namesIn } from "./test-repository.ts";

/** What one may do; those that destroy git's own state end the work. */
export function workAtRandom(
  at: TestRepository,
  path: string,
  {
    random,
    hasStash = false,
    also,
  }: {
    readonly random: Random;
    readonly hasStash?: boolean;
    /** Done as often as all the others together. */
    readonly also?: { readonly [act: string]: () => unknown };
  },
): readonly string[] {
  const done: string[] = [];
  const pick = <T>(list: readonly T[]): T | undefined => list[Math.floor(random() * list.length)];
  const git = (...args: readonly string[]): boolean => at.tries(args, path);
  const name = (): string =>
    `${pick(["n", "m", "deep/x", "deep/er/y", "ödd 'n' \"q\""]) ?? "n"}${Math.floor(random() * 5)}`;
  const quietly = (act: () => void): void => {
    try {
      act();
    } catch {
      // A folder where a file should be, a file that is gone: an agent would fail there too.
    }
  };
  const commit = (): boolean => git("add", "-A") && git("commit", "-q", "-m", "work");
  const acts: { readonly [act: string]: () => unknown } = {
    write: () => quietly(() => at.write(name(), String(random()), path)),
    change: () => quietly(() => at.write(pick(["a.txt", "b.txt", "src/deep/c.txt"]) ?? "", String(random()), path)),
    remove: () => rmSync(join(path, pick(["a.txt", "b.txt", "src", "deep"]) ?? ""), { recursive: true, force: true }),
    rename: () =>
      quietly(() => renameSync(join(path, pick(["a.txt", "src", "deep"]) ?? ""), join(path, `moved${random()}`))),
    link: () => quietly(() => symlinkSync(pick(["/etc", "a.txt", "nowhere"]) ?? "", join(path, `link${random()}`))),
    mode: () => quietly(() => chmodSync(join(path, "a.txt"), 0o755)),
    folder: () => quietly(() => mkdirSync(join(path, name()))),
    ignored: () => at.write("x.log", "ignored", path),
    stage: () => git("add", "-A"),
    commit,
    amend: () => git("commit", "-q", "--allow-empty", "--amend", "-m", `amended ${random()}`),
    hard: () => git("reset", "-q", "--hard", pick(["HEAD", "HEAD~1", "main", "main~1"]) ?? "HEAD"),
    soft: () => git("reset", "-q", "--soft", "HEAD~1"),
    branch: () => git("checkout", "-q", "-b", `side${random()}`),
    main: () => git("checkout", "-q", "--detach", "main"),
    back: () => git("checkout", "-q", "-"),
    detach: () => git("checkout", "-q", "--detach"),
    orphan: () => git("checkout", "-q", "--orphan", `orphan${random()}`),
    merge: () => git("merge", "-q", "main~1", "-m", "merge"),
    revert: () => git("revert", "--no-edit", "HEAD"),
    pick: () => git("cherry-pick", "main"),
    rebase: () => git("rebase", "main~1"),
    clean: () => git("clean", "-fdq"),
    drop() {
      quietly(() => at.write(name(), String(random()), path));
      return commit() && git("reset", "-q", "--hard", "HEAD~1");
    },
    ...(hasStash ? { stash: () => git("stash", "-q", "-u"), pop: () => git("stash", "pop", "-q") } : {}),
    hide: () => git("update-index", "--assume-unchanged", "a.txt"),
  };
  const count = 1 + Math.floor(random() * 10);
  for (let at = 0; at < count; at++) {
    const from = also !== undefined && random() < 0.5 ? also : acts;
    const act = pick(Object.keys(from)) ?? "write";
    done.push(act);
    from[act]?.();
  }
  // Branches that it made are not heddle's; without them only heddle's refs hold the commits.
  for (const ref of at
    .git(["for-each-ref", "--format=%(refname)", "refs/heads/side*", "refs/heads/orphan*"])
    .split("\n"))
    if (ref !== "") at.git(["update-ref", "-d", ref]);
  const end = pick(["as is", "as is", "as is", "no .git", "no index"]) ?? "as is";
  done.push(end);
  const admin = join(at.user, ".git", "worktrees");
  if (end === "no .git") rmSync(join(path, ".git"), { force: true });
  if (end === "no index") for (const one of namesIn(admin)) rmSync(join(admin, one, "index"), { force: true });
  return done;
}
