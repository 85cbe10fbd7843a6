/**
 * Run refs: heddle's branches, captures and kept commits of a run. Says whether a run's work is on one of the user's
 * branches, and removes refs. Knows no journal: the caller says whether a run can still continue.
 *
 * Invariants:
 *  1. A branch without heddle's mark belongs to somebody else, and one that is checked out is in use: neither is
 *     removed.
 *  2. Nothing is removed of a run that has worktrees.
 */
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { type RepositoryAccess, line } from "./repository-access.ts";
import { withIntent } from "./intent-log.ts";
import type { RepositoryLock } from "./lock.ts";
import { BRANCHES, NESTED, REFS, checkRun, integrationRef } from "./ref-names.ts";
import type { RunRefs } from "./types.ts";

interface Ref {
  readonly name: string;
  readonly commit: string;
  readonly checkedOut: boolean;
}

async function refsUnder(repository: RepositoryAccess, run: string): Promise<readonly Ref[]> {
  const format = "--format=%(refname)%00%(objectname)%00%(worktreepath)%00/%00";
  const listed = await repository.git(["for-each-ref", format, `${BRANCHES}${checkRun(run)}/`, `${REFS}${run}/`]);
  return listed.output
    .toString("utf8")
    .split("\0/\0\n")
    .flatMap((text) => {
      const [name = "", commit = "", path = ""] = text.split("\0");
      return name === "" ? [] : [{ name, commit, checkedOut: path !== "" }];
    });
}

/** What there is of a run's refs; `undefined`: none. */
export async function refsOf(repository: RepositoryAccess, run: string): Promise<RunRefs | undefined> {
  const refs = await refsUnder(repository, run);
  if (refs.length === 0) return undefined;
  const head = refs.find(({ name }) => name === integrationRef(run))?.commit;
  return {
    refs: removable(refs, run),
    landed: head !== undefined && (await isElsewhere(repository, head)),
    trees: (await treesOf(repository, run)).length,
  };
}

/** Whether a ref that is not heddle's leads to a commit; branches of heddle's that were pushed are heddle's still. */
async function isElsewhere(repository: RepositoryAccess, commit: string): Promise<boolean> {
  const places = ["refs/heads/", "refs/remotes/", "refs/tags/"];
  const listed = await repository.git(["for-each-ref", `--contains=${commit}`, "--format=%(refname)", ...places]);
  return line(listed)
    .split("\n")
    .some((ref) => ref !== "" && !/^refs\/(heads|remotes\/[^/]+)\/heddle\//.test(ref));
}

function removable(refs: readonly Ref[], run: string): readonly string[] {
  const ours = `${REFS}${run}/@ours/`;
  const marks = new Set(refs.map(({ name }) => name).filter((name) => name.startsWith(ours)));
  const markOf = ({ name }: Ref): string => name.replace(`${BRANCHES}${run}/`, ours);
  const stays = new Set(refs.filter(({ checkedOut }) => checkedOut).flatMap((ref) => [ref.name, markOf(ref)]));
  return refs
    .filter((ref) => !stays.has(ref.name) && (ref.name.startsWith(REFS) || marks.has(markOf(ref))))
    .map(({ name }) => name);
}

async function treesOf(repository: RepositoryAccess, run: string): Promise<readonly string[]> {
  const entries = await readdir(join(repository.home, checkRun(run)), { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith(".")).map(({ name }) => name);
}

/**
 * Removes every ref of a run: captures, kept commits and branches. What only they contain is lost with git's next
 * clean-up, so a person or a documented rule must ask for it. Refused (`false`) while the run has worktrees.
 */
export async function removeRunRefs(repository: RepositoryAccess, lock: RepositoryLock, run: string): Promise<boolean> {
  return await lock.run(async () => {
    if ((await treesOf(repository, run)).length > 0) return false;
    await rm(join(repository.home, NESTED, checkRun(run)), { recursive: true, force: true });
    const input = removable(await refsUnder(repository, run), run)
      .map((ref) => `delete ${ref}\0\0`)
      .join("");
    const locks = [join(repository.facts.commonDir, "packed-refs.lock")];
    await withIntent(
      repository,
      { locks },
      async () => await repository.git(["update-ref", "--stdin", "-z"], { input }),
    );
    return true;
  });
}
