/**
 * Patch: what differs between two commits, file by file with counts of lines, and as a unified diff of bounded size, of all or of one
 * file. Only reads.
 */
import { shownName } from "./path-bytes.ts";
import { type RepositoryAccess, items, line } from "./repository-access.ts";
import type { FileChange, FilePatch, FileStatus, Patch } from "./types.ts";

/** No program that a repository names converts or compares a file. */
const DIFF = ["diff-tree", "-r", "-M", "--no-ext-diff", "--no-textconv", "--no-color"] as const;

interface ListedChange {
  /** As git has them. */
  readonly name: string;
  readonly from: string | undefined;
  readonly change: FileChange;
}

/** Files that differ, in git's order. */
export async function fileChanges(
  repository: RepositoryAccess,
  from: string,
  to: string,
): Promise<readonly FileChange[]> {
  return (await listed(repository, from, to)).map(({ change }) => change);
}

async function listed(repository: RepositoryAccess, from: string, to: string): Promise<readonly ListedChange[]> {
  const key = `${from} ${to}`;
  const known = LISTED.get(repository)?.get(key);
  if (known !== undefined) return known;
  const found = changesIn(items((await repository.objectGit([...DIFF, "-z", "--raw", "--numstat", from, to])).output));
  remember(repository, key, found);
  return found;
}

/** What differs between two ids never changes: it is asked once. */
const LISTED = new WeakMap<RepositoryAccess, Map<string, readonly ListedChange[]>>();
const MOST_LISTED = 500;
/** Of one listing that is remembered. */
const MOST_REMEMBERED = 2000;

function remember(repository: RepositoryAccess, key: string, found: readonly ListedChange[]): void {
  if (found.length > MOST_REMEMBERED || !/^[0-9a-f]{40,64} [0-9a-f]{40,64}$/.test(key)) return;
  const known = LISTED.get(repository) ?? new Map<string, readonly ListedChange[]>();
  LISTED.set(repository, known);
  if (known.size >= MOST_LISTED) known.clear();
  known.set(key, found);
}

function changesIn(texts: readonly string[]): readonly ListedChange[] {
  const statuses = new Map<string, { readonly status: FileStatus; readonly from?: string }>();
  const found: ListedChange[] = [];
  for (let at = 0; at < texts.length;) {
    const text = texts[at] ?? "";
    const raw = /^:\d+ \d+ \w+ \w+ ([A-Z])/.exec(text);
    if (raw !== null) {
      const isMove = raw[1] === "R" || raw[1] === "C";
      const [first = "", second = ""] = texts.slice(at + 1, at + 3);
      const status = STATUSES[raw[1] ?? ""] ?? "modified";
      statuses.set(isMove ? second : first, isMove ? { status, from: first } : { status });
      at += isMove ? 3 : 2;
      continue;
    }
    const [, added = "-", removed = "-", plain = ""] = /^(\d+|-)\t(\d+|-)\t(.*)$/s.exec(text) ?? [];
    const name = plain === "" ? (texts[at + 2] ?? "") : plain;
    const { status, from } = statuses.get(name) ?? { status: "modified" as const };
    const moved = from === undefined ? { status } : { from: shownName(from), status };
    const change = { path: shownName(name), ...moved, added: countOf(added), removed: countOf(removed) };
    found.push({ name, from, change });
    at += plain === "" ? 3 : 1;
  }
  return found;
}

const STATUSES: Readonly<Record<string, FileStatus>> = { A: "added", D: "deleted", R: "renamed" };

function countOf(text: string): number | null {
  return text === "-" ? null : Number(text);
}

interface PatchWish {
  readonly from: string;
  readonly to: string;
  readonly maxBytes: number;
}

/** The unified diff, cut behind a whole line where it is larger than `maxBytes`. */
export async function patchBetween(repository: RepositoryAccess, { from, to, maxBytes }: PatchWish): Promise<Patch> {
  const { output, isCut = false } = await repository.objectGit([...DIFF, "-p", from, to], { cutAtBytes: maxBytes });
  return wholeLines(output, isCut, maxBytes);
}

function wholeLines(output: Buffer, isCut: boolean, maxBytes: number): Patch {
  const end = isCut ? output.lastIndexOf(0x0a, maxBytes - 1) + 1 : output.length;
  return { bytes: output.subarray(0, end), isCut };
}

/** That of one file, which is compared with what git lists and goes to git as a plain name. `undefined`: it does not differ. */
export async function filePatch(
  repository: RepositoryAccess,
  { file, ...wish }: PatchWish & { readonly file: string },
): Promise<FilePatch | undefined> {
  const all = await listed(repository, wish.from, wish.to);
  const at = all.findIndex(({ change }) => change.path === file);
  const found = all[at];
  if (found === undefined) return undefined;
  const { name, from, change } = found;
  const names = from === undefined ? [name] : [from, name];
  const { from: before, to, maxBytes } = wish;
  if (!names.every((one) => one.isWellFormed())) return { change, patch: await partOf(repository, wish, at) };
  const { output, isCut = false } = await repository.objectGit([...DIFF, "-p", before, to, "--", ...names], {
    cutAtBytes: maxBytes,
    env: { GIT_LITERAL_PATHSPECS: "1" },
  });
  return { change, patch: wholeLines(output, isCut, maxBytes) };
}

/** Of a patch of all files that is looked through for one whose name cannot be an argument. */
const MOST_SEARCHED = 32 << 20;

/** Arguments are text: of a file with another name, its part is looked for in the patch of all. */
async function partOf(repository: RepositoryAccess, { from, to, maxBytes }: PatchWish, at: number): Promise<Patch> {
  const whole = await patchBetween(repository, { from, to, maxBytes: MOST_SEARCHED });
  const text = Buffer.from(whole.bytes).toString("latin1");
  const starts = [...text.matchAll(/^diff --git /gm)].map(({ index }) => index);
  const start = starts[at];
  if (start === undefined) return { bytes: Buffer.alloc(0), isCut: true };
  const end = starts[at + 1] ?? text.length;
  const part = Buffer.from(whole.bytes).subarray(start, end);
  const isCut = part.length > maxBytes || (whole.isCut && end === text.length);
  return part.length > maxBytes ? wholeLines(part.subarray(0, maxBytes), true, maxBytes) : { bytes: part, isCut };
}

/** The newest commit that both have; `undefined`: they have none, or one of them is not here. */
export async function forkPoint(repository: RepositoryAccess, one: string, other: string): Promise<string | undefined> {
  const answer = await repository.objectGit(["merge-base", one, other], { codes: [0, 1, 128] });
  return answer.code === 0 ? line(answer) : undefined;
}
