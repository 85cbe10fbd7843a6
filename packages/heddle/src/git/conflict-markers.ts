/**
 * Conflict markers: finds them in lines that a commit adds, of any origin and length, whole or half removed. Knows commits, no merge.
 */
import { shownName } from "./path-bytes.ts";
import { type RepositoryAccess, items } from "./repository-access.ts";

/** Characters of a marker; by default it is {@link DEFAULT}, an attribute can say otherwise. */
const SHORTEST = 3;
const DEFAULT = 7;

const MARKER = /^\+(<{3,}|={3,}|>{3,})( .*)?\r?$/;

/** Paths in which `to` has conflict markers that `from` has not. */
export async function addedMarkers(repository: RepositoryAccess, from: string, to: string): Promise<readonly string[]> {
  const differ = ["diff-tree", "-r", "-M", "-a", "-G^(<<<|>>>)"];
  const patch = (await repository.objectGit([...differ, "-p", "-U0", from, to])).output.toString("latin1");
  const parts = patch.split(/^diff --git /m).slice(1);
  if (!parts.some(hasMarkers)) return [];
  const names = items((await repository.objectGit([...differ, "-z", "--name-only", from, to])).output);
  return names
    .filter((_, at) => hasMarkers(parts[at] ?? ""))
    .map(shownName)
    .toSorted();
}

/**
 * Whether a patch adds a whole conflict, all three markers of one length in their order; or one that names a side, of a length
 * that no text has by chance.
 */
function hasMarkers(patch: string): boolean {
  /** Of conflicts that have begun, by the length of their markers. */
  const open = new Map<number, "begun" | "parted">();
  for (const line of patch.split("\n")) {
    const [, marker = "", label = ""] = MARKER.exec(line) ?? [];
    const { length } = marker;
    if (length < SHORTEST) continue;
    const [kind] = marker;
    if (kind !== "=" && label.trim() !== "" && length >= DEFAULT) return true;
    if (kind === "<") open.set(length, "begun");
    else if (kind === "=" && label === "" && open.get(length) === "begun") open.set(length, "parted");
    else if (kind === ">" && open.get(length) === "parted") return true;
  }
  return false;
}
