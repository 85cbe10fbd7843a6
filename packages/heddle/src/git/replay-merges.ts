/**
 * Merge replay: replays the merges of an earlier run onto a new base, in memory: commits are created, no branch moves.
 * Knows the integration branch of the earlier run, not why its results are reused.
 *
 * The result is not verified by itself, but with the first step that is merged on top: on another base it may fail.
 */
import { makeCommit, treeOf } from "./commits.ts";
import { mergeOver, readCommit } from "./merge-candidate.ts";
import type { RepositoryAccess } from "./repository-access.ts";
import { type Integration, contains, messageWith, readTrailers } from "./integration.ts";
import { commitOf } from "./discover.ts";
import type { MergedStep, ReplayedStep, ReplayOutcome } from "./types.ts";

export interface ReplayRequest {
  /** Of the earlier run; `undefined`: its branch is not there. */
  readonly earlier: Integration | undefined;
  readonly from: string;
  /** The new run, and where it begins. */
  readonly run: string;
  readonly base: string;
  readonly steps: readonly ReplayedStep[];
}

export async function replayMerges(repository: RepositoryAccess, request: ReplayRequest): Promise<ReplayOutcome> {
  const { earlier, base, steps } = request;
  const merged = (await earlier?.merged()) ?? [];
  const undone = (await earlier?.undone()) ?? [];
  for (const step of steps) {
    const own = merged.filter((one) => isOf(step, one));
    if (undone.some((one) => isOf(step, one) && !own.some(({ step: id }) => id === one.step)))
      return { kind: "refused", step: step.id, why: "was reverted" };
    const here = new Set(own.map(({ commit }) => commit));
    const elsewhere = step.commits.filter((commit) => !here.has(commit));
    if (!(await isBelow(repository, base, elsewhere))) return { kind: "refused", step: step.id, why: "is gone" };
  }
  let begin = base;
  const now: Record<string, string> = {};
  for (const one of merged) {
    const owner = steps.find((step) => isOf(step, one));
    if (owner === undefined || (await contains(repository, base, one.commit))) continue;
    const next = await onto(repository, request, { begin, one, owner: owner.id });
    if (typeof next !== "string") return { kind: "refused", step: owner.id, why: conflictText(next.files) };
    begin = next;
    now[one.commit] = next;
  }
  return { kind: "replayed", begin, now };
}

function isOf({ id, also }: ReplayedStep, { step, part }: MergedStep): boolean {
  return step === id || part === id || also.includes(step);
}

/** Whether the base has all of them: they have landed. */
async function isBelow(repository: RepositoryAccess, base: string, commits: readonly string[]): Promise<boolean> {
  for (const commit of commits)
    if ((await commitOf(repository, commit)) === undefined || !(await contains(repository, base, commit))) return false;
  return true;
}

async function onto(
  repository: RepositoryAccess,
  { from, run }: ReplayRequest,
  { begin, one, owner }: { readonly begin: string; readonly one: MergedStep; readonly owner: string },
): Promise<string | { readonly files: readonly string[] }> {
  const merged = await mergeOver(repository, { base: one.onto, ours: begin, theirs: one.commit });
  if (merged.kind === "conflict") return { files: merged.files };
  if (merged.tree === (await treeOf(repository, begin))) return begin;
  const { message } = await readCommit(repository, one.commit);
  const trailers = readTrailers(message);
  const text = trailers.size === 0 ? message : message.trimEnd().split("\n\n").slice(0, -1).join("\n\n");
  const agent = ["Agent", "Model"].flatMap((key): [string, string][] => {
    const value = trailers.get(key.toLowerCase());
    return value === undefined ? [] : [[key, value]];
  });
  // No attempt of the new run made it: attempts count from 1.
  const ours = [
    ["Run", run],
    ["Step", one.step],
    ["Attempt", "0"],
    ["Captured", one.source],
    ...(one.step === owner ? [] : [["Part-Of", owner] as const]),
    ["Reused-From", from],
    ...agent,
  ] as const;
  const atMs = repository.clock.now();
  return await makeCommit(repository, {
    tree: merged.tree,
    parents: [begin],
    message: messageWith(text, ours),
    atMs,
  });
}

function conflictText(files: readonly string[]): string {
  const more = files.length > 5 ? ` and ${files.length - 5} more` : "";
  return `conflicts with your branch in ${files.slice(0, 5).join(", ")}${more}`;
}
