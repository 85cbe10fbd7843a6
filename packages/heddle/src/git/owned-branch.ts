/**
 * Owned branches: creates and deletes branches of worktrees, with a mark that heddle created them. Knows no files.
 *
 * Invariants:
 *  1. A branch without heddle's mark is neither used nor deleted.
 *  2. The mark is written before the branch and removed with it.
 */
import { join } from "node:path";
import { type Result, err, ok } from "../base/result.ts";
import { type RepositoryAccess, line } from "./repository-access.ts";
import { withIntent } from "./intent-log.ts";
import type { WorktreePlace } from "./worktree-record.ts";
import { ownershipRef, shortBranch } from "./ref-names.ts";
import type { WorktreeRefusal } from "./types.ts";

/** Makes the branch of a worktree, or finds it ours. One that works detached has none. */
export async function claimBranch(
  repository: RepositoryAccess,
  { branch, run, name }: WorktreePlace,
  base: string,
): Promise<Result<void, WorktreeRefusal>> {
  if (branch === null) return ok(undefined);
  const mark = ownershipRef(run, name);
  const listed = line(await repository.git(["for-each-ref", "--format=%(refname)", branch, mark])).split("\n");
  const [ours, isThere] = [listed.includes(mark), listed.includes(branch)];
  if (isThere && !ours)
    return err({
      code: "BranchTaken",
      message: `the branch ${shortBranch(branch)} exists, and heddle did not create it`,
      hint: `Rename it: \`git branch -m ${shortBranch(branch)} another-name\`.`,
    });
  if (!ours) await repository.git(["update-ref", mark, base, ""]);
  if (!isThere) await repository.git(["update-ref", "-m", "heddle: begin", branch, base, ""]);
  return ok(undefined);
}

export async function deleteBranch(repository: RepositoryAccess, { branch, run, name }: WorktreePlace): Promise<void> {
  if (branch === null) return;
  const mark = ownershipRef(run, name);
  const listed = await repository.git(["for-each-ref", "--format=%(refname) %(objectname)", branch, mark]);
  const found = line(listed).split("\n");
  if (!found.some((text) => text.startsWith(`${mark} `))) return;
  const input = found
    .filter((text) => text.startsWith(`${mark} `) || text.startsWith(`${branch} `))
    .map((text) => `delete ${text}\n`)
    .join("");
  const locks = [join(repository.facts.commonDir, "packed-refs.lock")];
  await withIntent(repository, { locks }, async () => {
    await repository.git(["update-ref", "--stdin"], { input });
  });
}
