/**
 * Borrowed objects: copies what commits need and the repository may have only in another folder that it borrows from
 * (`objects/info/alternates`): whoever wrote that may remove the folder. Knows commits, not who made them.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { RepositoryAccess } from "./repository-access.ts";

/** Makes the repository have all of `commits` itself that `base` has not. Nothing is done where it borrows from nowhere. */
export async function keepBorrowed(
  repository: RepositoryAccess,
  { commits, base }: { readonly commits: readonly string[]; readonly base: string },
): Promise<void> {
  const objects = join(repository.facts.commonDir, "objects");
  const lenders = await readFile(join(objects, "info", "alternates"), "utf8").catch(() => "");
  if (lenders.trim() === "") return;
  // A pack has each object whole, wherever it was found.
  const args = ["pack-objects", "--quiet", "--revs", "--non-empty", join(objects, "pack", "pack")];
  await repository.objectGit(args, { input: `${[...commits, `^${base}`].join("\n")}\n`, timeoutMs: 10 * 60_000 });
}
