/** `heddle worktrees`: lists, opens and removes agents' worktrees. Removes only what is captured. */
import { plural } from "../../base/plural.ts";
import { defined } from "../../base/defined.ts";
import { EXIT, fail, openToRead, type Context } from "../context.ts";
import { safeLine } from "../../base/safe-text.ts";
import { pad } from "../output-text.ts";
import type { Flags } from "../spec.ts";
import { isFlagOn } from "../flag-values.ts";
import { timeText } from "../format.ts";
import type { Project, WorktreeLine } from "../../project/port.ts";

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
  switch (action) {
    case "list":
      return await list(context, project, word);
    case "clean":
      return await clean(context, project, word, isFlagOn(flags, "dryRun"));
    case "open":
      return await open(context, project, [word, second]);
  }
}

async function list(context: Context, project: Project, word: string | undefined): Promise<number> {
  const listed = await project.worktrees.list(word);
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

async function clean(context: Context, project: Project, word: string | undefined, dryRun: boolean): Promise<number> {
  const cleaned = await project.worktrees.clean(defined({ run: word, dryRun }));
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

/** What is wrong with the words that name a worktree. */
const MISNAMED = /^(?:UnknownWorktree|UnknownRun|AmbiguousRun|NoRuns)$/;

/** Prints the folder alone, for `cd`. */
async function open(context: Context, project: Project, words: Words): Promise<number> {
  const found = await project.worktrees.find(words);
  if (!found.ok) {
    const { error } = found;
    return MISNAMED.test(error.code) ? fail(context, error) : fail(context, error, EXIT.failed);
  }
  if (context.json) context.out.json(found.value);
  else context.out.line(found.value.path);
  return EXIT.ok;
}
