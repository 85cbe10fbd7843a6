/** `heddle resolve`: sends a person's decision about a conflict. */
import { EXIT, fail, openToChange, type Context } from "../context.ts";
import { safeLine } from "../../base/safe-text.ts";
import type { Flags } from "../spec.ts";
import { userName } from "../user.ts";
import { isFlagOn, textFlag } from "../flag-values.ts";
import type { Project, Resolution } from "../../project/port.ts";

/** What will happen, after "step x of run y". */
const RESOLVES_BY: Readonly<Record<Resolution, string>> = {
  ours: "will be resolved with the merged side",
  theirs: "will be resolved with the step's side",
  continue: "will be resolved with your edits",
};

const CHOICES: readonly Resolution[] = ["ours", "theirs", "continue"];

export async function resolveCommand(
  context: Context,
  words: readonly (string | undefined)[],
  flags: Flags,
): Promise<number> {
  const chosen = CHOICES.filter((choice) => isFlagOn(flags, choice));
  const [choice, second] = chosen;
  if (second !== undefined)
    return fail(context, {
      code: "Usage",
      message: `--${String(choice)} and --${second} cannot be combined`,
      hint: "Use one of them.",
    });
  const opened = await openToChange(context);
  if (!opened.ok) return fail(context, opened.error);
  await using project = opened.value;
  const meant = await project.runs.findWithStep(words);
  if (!meant.ok) return fail(context, meant.error);
  const { run } = meant.value;
  if (choice === undefined) return await showConflict(context, project, run, meant.value.step);
  const given = { step: meant.value.step, by: userName(), comment: textFlag(flags, "comment") };
  const resolved = await project.control.resolve(run, choice, given);
  if (!resolved.ok) return fail(context, resolved.error);
  const { id, result } = resolved.value;
  if (context.json) context.out.json({ run, step: id, choice, result });
  else {
    const next = result === "done" ? ` Continue: heddle resume ${run}` : "";
    context.out.line(`${safeLine(id)} of run ${run} ${RESOLVES_BY[choice]}.${next}`);
  }
  return EXIT.ok;
}

/** What is to be decided, and where. */
async function showConflict(
  context: Context,
  project: Project,
  run: string,
  step: string | undefined,
): Promise<number> {
  const asked = await project.control.asked(run, step, "conflict");
  if (!asked.ok) return fail(context, asked.error);
  const { id, question } = asked.value;
  const tree = await project.worktrees.ofStep(run, id);
  if (context.json) context.out.json({ run, step: id, path: tree?.path ?? null });
  else {
    context.out.line(`${safeLine(id)}: ${safeLine(question.question)}.`);
    if (tree !== undefined) context.out.line(`Worktree: ${safeLine(tree.path)}`);
  }
  return EXIT.waiting;
}
