/** `heddle worktrees`: lists, opens and removes agents' worktrees. Removes only what is captured. */
import { plural } from "../../base/plural.ts";
import { basename } from "node:path";
import type { AgentMaintenance, WorktreeLine } from "../../agent/port.ts";
import { runLine } from "../../view/list.ts";
import { EXIT, fail, findRun, openToRead, type Context } from "../context.ts";
import { pad, safeLine } from "../output-text.ts";
import type { Flags } from "../spec.ts";
import { isFlagOn } from "../flag-values.ts";
import { timeText } from "../format.ts";
import type { Project } from "../../project/port.ts";

type Words = readonly (string | undefined)[];

export async function worktreesCommand(
  context: Context,
  [action = "list", word, second]: Words,
  flags: Flags,
): Promise<number> {
  if (action !== "list" && action !== "clean" && action !== "open")
    return fail(context, {
      code: "Usage",
      message: `worktrees: unknown action ${JSON.stringify(action)}`,
      hint: "The actions are list, clean and open.",
    });
  const opened = await openToRead(context);
  if (!opened.ok) return fail(context, opened.error);
  await using project = opened.value;
  const maintenance = await project.agents();
  switch (action) {
    case "list":
      return await list(context, project, maintenance, word);
    case "clean":
      return await clean(context, project, maintenance, word, isFlagOn(flags, "dryRun"));
    case "open":
      return await open(context, project, maintenance, [word, second]);
  }
}

async function runOf(project: Project, word: string | undefined): Promise<{ readonly run?: string }> {
  if (word === undefined) return {};
  const found = await findRun(project, word);
  return { run: found.ok ? found.value : word };
}

async function list(
  context: Context,
  project: Project,
  maintenance: AgentMaintenance,
  word: string | undefined,
): Promise<number> {
  const listed = await maintenance.worktrees(await runOf(project, word));
  if (!listed.ok) return fail(context, listed.error, EXIT.failed);
  if (context.json) context.out.json({ worktrees: listed.value });
  else if (listed.value.length === 0) context.out.line("No worktrees.");
  else context.out.lines(lines(listed.value, context.clock.now()));
  return EXIT.ok;
}

function* lines(trees: readonly WorktreeLine[], now: number): Generator<string, void, undefined> {
  for (const tree of trees) yield treeLine(tree, now);
  const bytes = trees.reduce((sum, tree) => sum + tree.bytes, 0);
  yield `${plural(trees.length, "worktree")}, ${size(bytes)}`;
}

function treeLine({ run, name, state, bytes, createdAt, inUse, path }: WorktreeLine, now: number): string {
  const made = createdAt === null ? "" : timeText(createdAt, now);
  const used = inUse ? " (in use)" : "";
  return `${run}  ${pad(safeLine(name), 20)} ${pad(`${state}${used}`, 10)} ${pad(size(bytes), 9)} ${made}  ${safeLine(path)}`;
}

function size(bytes: number): string {
  return bytes >= 2 ** 30 ? `${(bytes / 2 ** 30).toFixed(1)} GB` : `${Math.ceil(bytes / 2 ** 20)} MB`;
}

/** Runs that can still continue keep theirs. */
async function clean(
  context: Context,
  project: Project,
  maintenance: AgentMaintenance,
  word: string | undefined,
  dryRun: boolean,
): Promise<number> {
  const live = new Set(
    (await project.journal.runs())
      .map(runLine)
      .filter(({ status }) => status !== "succeeded" && status !== "failed" && status !== "cancelled")
      .map(({ run }) => run),
  );
  const cleaned = await maintenance.clean({ ...(await runOf(project, word)), keep: (run) => live.has(run), dryRun });
  if (!cleaned.ok) return fail(context, cleaned.error, EXIT.failed);
  const { removed, kept } = cleaned.value;
  if (context.json) context.out.json({ removed, kept, dryRun });
  else {
    for (const tree of removed) context.out.line(`${dryRun ? "would remove" : "removed"} ${safeLine(tree.path)}`);
    for (const tree of kept) context.out.line(safeLine(`kept ${tree.path}: ${whyKept(tree)}`));
    if (removed.length + kept.length === 0) context.out.line("No worktrees.");
  }
  return EXIT.ok;
}

function whyKept({ project, inUse, state }: WorktreeLine): string {
  if (project !== null) return `belongs to the project in ${project}`;
  return inUse ? "in use" : state;
}

/** Prints the folder alone, for `cd`. One word is a step or group of the latest run, else a run that has one worktree. */
async function open(
  context: Context,
  project: Project,
  maintenance: AgentMaintenance,
  [first, second]: Words,
): Promise<number> {
  const meant = await findRun(project, second === undefined ? undefined : first);
  if (!meant.ok) return fail(context, meant.error);
  const word = second ?? first;
  let found = await treesOf(maintenance, meant.value);
  if (!found.ok) return fail(context, found.error, EXIT.failed);
  let tree = word === undefined ? found.value[0] : named(found.value, word);
  if (tree === undefined && second === undefined && word !== undefined) {
    const run = await findRun(project, word);
    if (run.ok) found = await treesOf(maintenance, run.value);
    if (!found.ok) return fail(context, found.error, EXIT.failed);
    if (run.ok && found.value.length === 1) tree = found.value[0];
  }
  if (tree === undefined || (word === undefined && found.value.length > 1)) {
    const names = found.value.map(({ name }) => name).join(", ");
    return fail(context, {
      code: "UnknownWorktree",
      message: `run ${found.value[0]?.run ?? meant.value} has no worktree ${JSON.stringify(word ?? "")}`,
      hint: `${names === "" ? "It has no worktree" : `It has worktrees of ${safeLine(names)}`}; those of succeeded steps are removed. For another run: \`heddle worktrees open RUN STEP\`.`,
    });
  }
  if (context.json) context.out.json(tree);
  else context.out.line(tree.path);
  return EXIT.ok;
}

async function treesOf(maintenance: AgentMaintenance, run: string): ReturnType<AgentMaintenance["worktrees"]> {
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
