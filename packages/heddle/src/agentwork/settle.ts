/** A person's word on a conflict, carried out: one side's lines where the two do not go together. Knows commits and blobs. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeCommit } from "../workspace/capture.ts";
import { mergeTrees } from "../workspace/candidate.ts";
import { items, line, type Repository } from "../workspace/doors.ts";

/** The id of a commit on top of `head` that has both; where lines conflict, those of `head` (`ours`) or of `commit` (`theirs`). */
export async function settle(
  repository: Repository,
  options: {
    readonly head: string;
    readonly commit: string;
    readonly side: "ours" | "theirs";
    readonly message: string;
  },
): Promise<string> {
  const { head, commit, side, message } = options;
  const merged = await mergeTrees(repository, head, commit);
  let tree = merged.tree;
  if (merged.kind === "conflict") {
    const base = line(await repository.objects(["merge-base", head, commit])).split("\n")[0] ?? head;
    const entries = new Map<string, string | undefined>();
    for (const path of merged.files) entries.set(path, await settled(repository, { base, head, commit, side, path }));
    tree = await replaced(repository, tree, entries);
  }
  return await makeCommit(repository, { tree, parents: [head], message, atMs: repository.clock.now() });
}

interface Entry {
  readonly mode: string;
  readonly id: string;
}

/** Mode and id of the settled file; `undefined`: it is gone. */
async function settled(
  repository: Repository,
  at: {
    readonly base: string;
    readonly head: string;
    readonly commit: string;
    readonly side: "ours" | "theirs";
    readonly path: string;
  },
): Promise<string | undefined> {
  const [base, ours, theirs] = await Promise.all(
    [at.base, at.head, at.commit].map((commit) => entryOf(repository, commit, at.path)),
  );
  const chosen = at.side === "ours" ? ours : theirs;
  const isText = [base, ours, theirs].every((entry) => entry === undefined || entry.mode.startsWith("100"));
  if (chosen === undefined || ours === undefined || theirs === undefined || !isText)
    return chosen === undefined ? undefined : `${chosen.mode} ${chosen.id}`;
  const folder = await mkdtemp(join(tmpdir(), "heddle-settle-"));
  try {
    for (const [name, entry] of Object.entries({ base, ours, theirs })) {
      const blob =
        entry === undefined ? Buffer.alloc(0) : (await repository.objects(["cat-file", "blob", entry.id])).output;
      await writeFile(join(folder, name), blob);
    }
    const files = ["ours", "base", "theirs"].map((name) => join(folder, name));
    // 255: binary, or broken otherwise.
    const answer = await repository.objects(["merge-file", "-q", `--${at.side}`, ...files], { codes: [0, 255] });
    if (answer.code !== 0) return `${chosen.mode} ${chosen.id}`;
    const input = await readFile(join(folder, "ours"));
    const id = line(await repository.objects(["hash-object", "-w", "--stdin"], { input }));
    return `${chosen.mode} ${id}`;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function entryOf(repository: Repository, commit: string, path: string): Promise<Entry | undefined> {
  const listed = await repository.objects(["ls-tree", "-z", "--full-tree", commit, "--", path]);
  const [, mode, id] = /^(\d+) \w+ ([0-9a-f]+)\t/.exec(items(listed.output)[0] ?? "") ?? [];
  return mode === undefined || id === undefined ? undefined : { mode, id };
}

async function replaced(
  repository: Repository,
  tree: string,
  entries: ReadonlyMap<string, string | undefined>,
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "heddle-settle-"));
  const index = join(folder, "index");
  try {
    await repository.objects(["read-tree", tree], { index });
    const zero = "0".repeat(tree.length);
    const input = [...entries].map(([path, entry]) => `${entry ?? `0 ${zero}`}\t${path}\0`).join("");
    await repository.objects(["update-index", "-z", "--index-info"], { index, input });
    return line(await repository.objects(["write-tree"], { index }));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
