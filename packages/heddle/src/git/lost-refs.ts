/**
 * Lost refs: keeps what somebody deleted, dropped or moved back while a step ran, and says how to put it back. Knows two looks at a
 * repository, not who changed it.
 *
 * Invariant: what is named as lost is kept by a ref of heddle's, for as long as the run's other refs.
 */
import { shellWord } from "../base/shell-word.ts";
import { breachesBetween, type IsolationSnapshot, MAX_NAMED } from "./isolation-check.ts";
import { lostRef, shortBranch } from "./ref-names.ts";
import { type RepositoryAccess, items } from "./repository-access.ts";
import type { Breach, BreachKind, LostRef } from "./types.ts";

interface Looks {
  readonly run: string;
  readonly before: IsolationSnapshot;
  readonly after: IsolationSnapshot;
}

/** What differs, with what was lost by it. */
export async function keepLost(repository: RepositoryAccess, looks: Looks): Promise<readonly Breach[]> {
  const { run, before, after } = looks;
  const found = breachesBetween(before, after, (ref, id) => repository.isWritten(ref, id));
  const result: Breach[] = [];
  for (const breach of found) {
    const lost = await lostOf(repository, looks, breach.kind);
    if (lost.length > 0) await keep(repository, run, lost);
    result.push(lost.length === 0 ? breach : { ...breach, lost });
  }
  return result;
}

async function lostOf(repository: RepositoryAccess, looks: Looks, kind: BreachKind): Promise<readonly LostRef[]> {
  const { before, after } = looks;
  if (kind === "stash")
    return before.stash
      .filter((id) => !after.stash.includes(id))
      .slice(0, MAX_NAMED)
      .map((id) => ({ ref: "refs/stash", id, command: `git stash store -m restored ${id}` }));
  if (kind !== "refs") return [];
  const lost: LostRef[] = [];
  for (const [ref, id] of Object.entries(before.refs)) {
    const now = after.refs[ref];
    if (lost.length >= MAX_NAMED) break;
    if (now === id || repository.isWritten(ref, now)) continue;
    if (now === undefined || !(await isBelow(repository, id, now)))
      lost.push({ ref, id, command: commandFor(ref, id, now) });
  }
  return lost;
}

/** A branch that went forward lost nothing. What is no commit has nothing below it. */
async function isBelow(repository: RepositoryAccess, id: string, now: string): Promise<boolean> {
  const answer = await repository.objectGit(["merge-base", "--is-ancestor", id, now], { codes: [0, 1, 128] });
  return answer.code === 0;
}

function commandFor(ref: string, id: string, now: string | undefined): string {
  if (now === undefined && ref.startsWith("refs/heads/")) return `git branch ${shellWord(shortBranch(ref))} ${id}`;
  return `git update-ref ${shellWord(ref)} ${id}`;
}

async function keep(repository: RepositoryAccess, run: string, lost: readonly LostRef[]): Promise<void> {
  const input = `${lost.map(({ id }) => id).join("\n")}\n`;
  const checked = await repository.objectGit(["cat-file", "--batch-check=%(objectname) %(objecttype)"], { input });
  const there = new Set(items(Buffer.from(checked.output.toString("latin1").replaceAll("\n", "\0"))));
  const kept = lost.filter(({ id }) =>
    [...there].some((text) => text.startsWith(`${id} `) && !text.endsWith("missing")),
  );
  const updates = kept.map(({ id }) => `update ${lostRef(run, id)}\0${id}\0\0`).join("");
  if (updates !== "") await repository.git(["update-ref", "--stdin", "-z"], { input: updates });
}
