/** Patch: what differs between two commits, file by file with counts of lines, and as a unified diff of bounded size. Only reads. */
import { shownName } from "./path-bytes.ts";
import { type RepositoryAccess, items, line } from "./repository-access.ts";
import type { FileChange, FileStatus, Patch } from "./types.ts";

/** No program that a repository names converts or compares a file. */
const DIFF = ["diff-tree", "-r", "-M", "--no-ext-diff", "--no-textconv", "--no-color"] as const;

/** Files that differ, in git's order. */
export async function fileChanges(
  repository: RepositoryAccess,
  from: string,
  to: string,
): Promise<readonly FileChange[]> {
  const listed = items((await repository.objectGit([...DIFF, "-z", "--raw", "--numstat", from, to])).output);
  const statuses = new Map<string, Pick<FileChange, "status" | "from">>();
  const found: FileChange[] = [];
  for (let at = 0; at < listed.length;) {
    const text = listed[at] ?? "";
    const raw = /^:\d+ \d+ \w+ \w+ ([A-Z])/.exec(text);
    if (raw !== null) {
      const isMove = raw[1] === "R" || raw[1] === "C";
      const [first = "", second = ""] = listed.slice(at + 1, at + 3);
      const status = STATUSES[raw[1] ?? ""] ?? "modified";
      statuses.set(isMove ? second : first, isMove ? { status, from: shownName(first) } : { status });
      at += isMove ? 3 : 2;
      continue;
    }
    const [, added = "-", removed = "-", name = ""] = /^(\d+|-)\t(\d+|-)\t(.*)$/s.exec(text) ?? [];
    const path = name === "" ? (listed[at + 2] ?? "") : name;
    const known = statuses.get(path) ?? { status: "modified" as const };
    found.push({ path: shownName(path), ...known, added: countOf(added), removed: countOf(removed) });
    at += name === "" ? 3 : 1;
  }
  return found;
}

const STATUSES: Readonly<Record<string, FileStatus>> = { A: "added", D: "deleted", R: "renamed" };

function countOf(text: string): number | null {
  return text === "-" ? null : Number(text);
}

/** The unified diff, cut behind a whole line where it is larger than `maxBytes`. */
export async function patchBetween(
  repository: RepositoryAccess,
  { from, to, maxBytes }: { readonly from: string; readonly to: string; readonly maxBytes: number },
): Promise<Patch> {
  const { output, isCut = false } = await repository.objectGit([...DIFF, "-p", from, to], { cutAtBytes: maxBytes });
  const end = isCut ? output.lastIndexOf(0x0a, maxBytes - 1) + 1 : output.length;
  return { bytes: output.subarray(0, end), isCut };
}

/** The newest commit that both have; `undefined`: they have none, or one of them is not here. */
export async function forkPoint(repository: RepositoryAccess, one: string, other: string): Promise<string | undefined> {
  const answer = await repository.objectGit(["merge-base", one, other], { codes: [0, 1, 128] });
  return answer.code === 0 ? line(answer) : undefined;
}
