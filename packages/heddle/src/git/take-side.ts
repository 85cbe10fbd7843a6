/** Conflict resolution with one side: takes `ours` or `theirs` for the lines that conflict. Knows commits and blobs. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mergeTrees } from "./merge-candidate.ts";
import { makeCommit } from "./commits.ts";
import { entryAt, withEntries } from "./conflict.ts";
import type { IndexEntry } from "./listed-entries.ts";
import { items, line, type RepositoryAccess } from "./repository-access.ts";

export interface TakeSideOptions {
  readonly head: string;
  readonly commit: string;
  /** `ours`: that of `head`; `theirs`: that of `commit`. */
  readonly side: "ours" | "theirs";
  readonly message: string;
}

/** The id of a commit on top of `head` that has both, and where they conflict, what the side has. */
export async function takeSide(repository: RepositoryAccess, options: TakeSideOptions): Promise<string> {
  const { head, commit, message } = options;
  const merged = await mergeTrees(repository, head, commit);
  let tree = merged.tree;
  if (merged.kind === "conflict") {
    const base = line(await repository.objectGit(["merge-base", head, commit], { codes: [0, 1] })).split("\n")[0];
    const entries = new Map<string, string | undefined>();
    for (const { path } of merged.stages) {
      const [plain = path] = path.split(new RegExp(`~(?:${head}|${commit})`));
      if (plain !== path) entries.set(path, undefined);
      const chosen = await chosenEntry(repository, { ...options, base, path: plain });
      // A folder's files are in the tree already: they conflict with nothing.
      if (chosen !== "folder") entries.set(plain, chosen);
      if (chosen === undefined || chosen === "folder") continue;
      for (const inside of await filesIn(repository, tree, plain)) entries.set(inside, undefined);
    }
    tree = await withEntries(repository, tree, entries);
  }
  return await makeCommit(repository, { tree, parents: [head], message, atMs: repository.clock.now() });
}

/** Mode and id of the resolved file; `undefined`: it is removed. */
async function chosenEntry(
  repository: RepositoryAccess,
  at: TakeSideOptions & { readonly base: string | undefined; readonly path: string },
): Promise<string | undefined> {
  const read = (commit: string): Promise<IndexEntry | undefined> => entryAt(repository, commit, at.path);
  const base = at.base === undefined ? undefined : await read(at.base);
  const [ours, theirs] = [await read(at.head), await read(at.commit)];
  const chosen = at.side === "ours" ? ours : theirs;
  if (chosen === undefined) return undefined;
  if (chosen.mode === "040000") return "folder";
  const texts = [ours, theirs, base ?? chosen].filter((entry) => entry?.mode.startsWith("100") === true);
  if (ours === undefined || theirs === undefined || texts.length < 3) return `${chosen.mode} ${chosen.id}`;
  const folder = await mkdtemp(join(tmpdir(), "heddle-take-side-"));
  try {
    for (const [name, entry] of Object.entries({ base, ours, theirs })) {
      const blob =
        entry === undefined ? Buffer.alloc(0) : (await repository.objectGit(["cat-file", "blob", entry.id])).output;
      await writeFile(join(folder, name), blob);
    }
    const files = ["ours", "base", "theirs"].map((name) => join(folder, name));
    // 255: binary, or broken otherwise.
    const answer = await repository.objectGit(["merge-file", "-q", `--${at.side}`, ...files], { codes: [0, 255] });
    if (answer.code !== 0) return `${chosen.mode} ${chosen.id}`;
    const input = await readFile(join(folder, "ours"));
    const id = line(await repository.objectGit(["hash-object", "-w", "--stdin"], { input }));
    return `${chosen.mode} ${id}`;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What a folder has in it; of anything else: nothing. */
async function filesIn(repository: RepositoryAccess, tree: string, folder: string): Promise<readonly string[]> {
  const where = folder.isWellFormed() ? [tree, "--", `${folder}/`] : [tree];
  const listed = items(
    (await repository.objectGit(["ls-tree", "-r", "-z", "--full-tree", "--name-only", ...where])).output,
  );
  return listed.filter((path) => path.startsWith(`${folder}/`));
}
