/**
 * Repository search path: the folders in which git would look for a repository of a folder, nearest first. Reads no file.
 *
 * Invariant: as git, it goes up into no folder that `GIT_CEILING_DIRECTORIES` names; the folder itself is looked at in any case.
 */
import { realpathSync } from "node:fs";
import { delimiter, dirname, isAbsolute, resolve } from "node:path";

export function* searchedFolders(
  folder: string,
  env: { readonly [name: string]: string | undefined },
): Generator<string, void, undefined> {
  const ceilings = (env["GIT_CEILING_DIRECTORIES"] ?? "").split(delimiter).filter(isAbsolute).flatMap(spellings);
  for (let at = resolve(folder); ;) {
    yield at;
    const above = dirname(at);
    if (above === at || ceilings.includes(above)) return;
    at = above;
  }
}

/** As it is written, and without symbolic links. */
function spellings(folder: string): readonly string[] {
  const plain = resolve(folder);
  try {
    return [plain, realpathSync(plain)];
  } catch {
    return [plain];
  }
}
