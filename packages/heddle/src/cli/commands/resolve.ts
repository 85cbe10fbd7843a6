/** `heddle resolve`: sends a person's decision about a conflict. */
import { defined } from "../../base/defined.ts";
import type { Resolution } from "../../run/event.ts";
import { EXIT, fail, findRunAndStep, openToChange, type Context } from "../context.ts";
import { askedStep } from "./control.ts";
import { safeLine } from "../output-text.ts";
import type { Flags } from "../spec.ts";
import { userName } from "../user.ts";
import { isFlagOn, textFlag } from "../flag-values.ts";

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
  const meant = await findRunAndStep(project, words);
  if (!meant.ok) return fail(context, meant.error);
  const { run } = meant.value;
  const asked = await askedStep(project, run, meant.value.step, "conflict");
  if (!asked.ok) return fail(context, asked.error);
  const { id, question } = asked.value;
  if (choice === undefined) {
    const listed = await (await project.agents()).worktrees({ run, sizes: false });
    const tree = listed.ok ? listed.value.find(({ name }) => name === id) : undefined;
    if (context.json) context.out.json({ run, step: id, path: tree?.path ?? null });
    else {
      if (question !== undefined) context.out.line(`${safeLine(id)}: ${safeLine(question.question)}.`);
      if (tree !== undefined) context.out.line(`Worktree: ${safeLine(tree.path)}`);
    }
    return EXIT.waiting;
  }
  const comment = textFlag(flags, "comment");
  const sent = await project.control(
    run,
    defined({ kind: "answer", step: id, decision: "approve", by: userName(), choice, comment }),
  );
  if (!sent.ok) return fail(context, sent.error);
  if (context.json) context.out.json({ run, step: id, choice, result: sent.value });
  else {
    const next = sent.value === "done" ? ` Continue: heddle resume ${run}` : "";
    context.out.line(`${safeLine(id)} of run ${run} ${RESOLVES_BY[choice]}.${next}`);
  }
  return EXIT.ok;
}
