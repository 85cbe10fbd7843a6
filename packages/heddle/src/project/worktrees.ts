/** Worktrees of agents, for people: finds them by run, step, group or folder, and removes those not needed any more. */
import { basename } from "node:path";
import type { AgentMaintenance, WorktreeLine } from "../agent/port.ts";
import { defined } from "../base/defined.ts";
import type { Problem } from "../base/errors.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { EventLog } from "../journal/port.ts";
import { runLine } from "../view/list.ts";
import { findRun } from "./find-run.ts";

export interface WorktreePorts {
  readonly log: Pick<EventLog, "runs" | "find">;
  readonly agents: () => Promise<AgentMaintenance>;
}

type Trees = Result<readonly WorktreeLine[], Problem>;

/** `run`: an id or the beginning of one, also of a run that the journal does not know; absent: of all runs. */
export async function listTrees(
  { log, agents }: WorktreePorts,
  run: string | undefined,
  { sizes }: { readonly sizes?: boolean } = {},
): Promise<Trees> {
  return (await agents()).worktrees(defined({ run: await idOf(log, run), sizes }));
}

export interface CleanedTrees {
  readonly removed: readonly WorktreeLine[];
  readonly kept: readonly WorktreeLine[];
}

/** Removes worktrees that hold nothing of their own. Runs that can still continue keep theirs. */
export async function cleanTrees(
  { log, agents }: WorktreePorts,
  { run, dryRun }: { readonly run?: string | undefined; readonly dryRun: boolean },
): Promise<Result<CleanedTrees, Problem>> {
  const live = new Set(
    (await log.runs())
      .map(runLine)
      .filter(({ status }) => status !== "succeeded" && status !== "failed" && status !== "cancelled")
      .map((line) => line.run),
  );
  const keep = (id: string): boolean => live.has(id);
  return (await agents()).clean(defined({ run: await idOf(log, run), keep, dryRun }));
}

async function idOf(log: WorktreePorts["log"], word: string | undefined): Promise<string | undefined> {
  if (word === undefined) return undefined;
  const found = await findRun(log, word);
  return found.ok ? found.value : word;
}

/** RUN and STEP as typed. One word alone is a step or group of the latest run, else a run that has one worktree. */
export async function findTree(
  { log, agents }: WorktreePorts,
  [first, second]: readonly (string | undefined)[],
): Promise<Result<WorktreeLine, Problem>> {
  const meant = await findRun(log, second === undefined ? undefined : first);
  if (!meant.ok) return meant;
  const maintenance = await agents();
  const word = second ?? first;
  let found = await treesOf(maintenance, meant.value);
  if (!found.ok) return found;
  let tree = word === undefined ? found.value[0] : named(found.value, word);
  if (tree === undefined && second === undefined && word !== undefined) {
    const run = await findRun(log, word);
    if (run.ok) found = await treesOf(maintenance, run.value);
    if (!found.ok) return found;
    if (run.ok && found.value.length === 1) tree = found.value[0];
  }
  if (tree !== undefined && (word !== undefined || found.value.length === 1)) return ok(tree);
  const names = found.value.map(({ name }) => name).join(", ");
  return err({
    code: "UnknownWorktree",
    message: `run ${found.value[0]?.run ?? meant.value} has no worktree ${JSON.stringify(word ?? "")}`,
    hint: `${names === "" ? "It has no worktree" : `It has worktrees of ${names}`}; those of succeeded steps are removed. For another run: \`heddle worktrees open RUN STEP\`.`,
  });
}

/** The one that a step of a run works in. */
export async function treeOfStep(
  agents: () => Promise<AgentMaintenance>,
  run: string,
  step: string,
): Promise<WorktreeLine | undefined> {
  const listed = await treesOf(await agents(), run);
  return listed.ok ? listed.value.find(({ name }) => name === step) : undefined;
}

async function treesOf(maintenance: AgentMaintenance, run: string): Promise<Trees> {
  return await maintenance.worktrees({ run, sizes: false });
}

/** By the id of its step or group, or as its folder is called. */
function named(trees: readonly WorktreeLine[], word: string): WorktreeLine | undefined {
  return (
    trees.find(({ name }) => name === word) ??
    trees.find(({ name }) => name === `@${word}`) ??
    trees.find(({ path }) => basename(path) === word)
  );
}
