/**
 * Objections: what a capture itself says against merging it: an unfinished git operation, conflict markers, work of others
 * that a moved HEAD takes back out, settings of submodules that would run a command. Knows captures and commits, no agent and no queue.
 *
 * Invariant: none of it is merged in silence. The agent is told first; what is not certainly wrong then may pass, with a notice.
 */
import type { CommitReader } from "../../git/port.ts";
import { type Capture, SUBMODULE_SETTINGS, type SubmoduleFinding } from "../../git/types.ts";

export interface Objection {
  /** Of the failure, and of its message. */
  readonly class: "unfinished" | "markers" | "undone" | "unsafe";
  /** A sentence for people. */
  readonly reason: string;
  /** What its agent can do about it. */
  readonly advice: string;
  /** It may be as it should be: told once, it stands. */
  readonly mayStand: boolean;
}

/** Git's word that the files are no result. */
export function unfinishedWork({ unfinished }: Pick<Capture, "unfinished">): Objection | undefined {
  const { operation, unmerged } = unfinished;
  if (operation === undefined && unmerged.length === 0) return undefined;
  const open = unmerged.length === 0 ? "" : `conflicts are open in ${firstOf(unmerged)}`;
  const inMiddle = operation === undefined ? "" : `the worktree is in the middle of a git ${operation}`;
  const advice =
    operation === undefined
      ? "Edit these files so that both sides work together, remove the conflict markers, and run `git add` on them."
      : `Resolve what is open, run \`git add\` on it, and end with \`git ${operation} --continue\`; or go back with \`git ${operation} --abort\`.`;
  return {
    class: "unfinished",
    reason: [inMiddle, open].filter((text) => text !== "").join(", and "),
    advice,
    mayStand: false,
  };
}

/** `origin`: the commit that the run began at. `isEach`: its commits would be in the history, one by one. */
export async function objectionTo(
  captured: Capture,
  { origin, isEach }: { readonly origin: string; readonly isEach: boolean },
  commits: Pick<CommitReader, "addedMarkers" | "changedFiles" | "submoduleFindings">,
): Promise<Objection | undefined> {
  return (
    (await undoneWork(captured, origin, commits)) ??
    (await unsafeSettings(captured, isEach, commits)) ??
    (await markersIn(captured, commits))
  );
}

async function unsafeSettings(
  captured: Capture,
  isEach: boolean,
  commits: Pick<CommitReader, "submoduleFindings">,
): Promise<Objection | undefined> {
  const dangerous = (await findingsIn(captured, isEach, commits)).filter(({ isDangerous }) => isDangerous);
  if (dangerous.length === 0) return undefined;
  return {
    class: "unsafe",
    reason: `its .gitmodules is dangerous for whoever fetches the submodules: ${firstOf(dangerous.map(({ text }) => text))}`,
    advice:
      "Name submodules by plain paths in the checkout, with a url that git fetches from; or leave .gitmodules as it was.",
    mayStand: false,
  };
}

/** What is odd in settings of submodules and may be meant so, as a clause; `undefined`: nothing. */
export async function oddSettings(
  captured: Capture,
  commits: Pick<CommitReader, "submoduleFindings">,
): Promise<string | undefined> {
  const odd = (await findingsIn(captured, false, commits)).filter(({ isDangerous }) => !isDangerous);
  return odd.length === 0 ? undefined : `in its .gitmodules ${firstOf(odd.map(({ text }) => text))}`;
}

async function findingsIn(
  { base, commit, changes, brought }: Capture,
  isEach: boolean,
  commits: Pick<CommitReader, "submoduleFindings">,
): Promise<readonly SubmoduleFinding[]> {
  if (isEach && commit !== base) return await commits.submoduleFindings(base, commit, { without: brought });
  if (!changes.some(({ path }) => path.toLowerCase() === SUBMODULE_SETTINGS)) return [];
  return await commits.submoduleFindings(base, commit);
}

async function markersIn(
  { base, commit, changedFiles }: Capture,
  commits: Pick<CommitReader, "addedMarkers">,
): Promise<Objection | undefined> {
  const files = changedFiles.length === 0 ? [] : await commits.addedMarkers(base, commit);
  if (files.length === 0) return undefined;
  return {
    class: "markers",
    reason: `its work adds conflict markers, or a part of them (\`<<<<<<<\`, \`=======\`, \`>>>>>>>\`) in ${firstOf(files)}`,
    advice:
      "If they were left by a merge, a rebase or a stash, edit these files so that both sides work together, and remove the markers. If the files are meant to contain them, leave them as they are and end your turn.",
    mayStand: true,
  };
}

/** Files that others merged and that are again as they were before, where HEAD was moved: a reset says that of everything. */
async function undoneWork(
  { base, commit, isOnBase }: Capture,
  origin: string,
  commits: Pick<CommitReader, "changedFiles">,
): Promise<Objection | undefined> {
  if (isOnBase || base === origin) return undefined;
  const merged = await commits.changedFiles(origin, base);
  const changed = new Set(await commits.changedFiles(origin, commit));
  const files = merged.filter((path) => !changed.has(path));
  if (files.length === 0) return undefined;
  return {
    class: "undone",
    reason: `it moved HEAD to a commit without the work of other steps, and so takes back what they merged in ${firstOf(files)}`,
    advice: `Run \`git reset --soft ${base}\`, the commit that you began at, and restore these files with \`git checkout ${base} -- FILE\`. Where one really is to go, delete it after that.`,
    mayStand: false,
  };
}

function firstOf(files: readonly string[]): string {
  const more = files.length > 5 ? ` and ${files.length - 5} more` : "";
  return `${files.slice(0, 5).join(", ")}${more}`;
}
