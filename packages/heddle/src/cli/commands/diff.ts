/**
 * `heddle diff`: prints what a run, or one step, changed. Changes nothing itself. The difference goes to standard output, what is to
 * be said of it to standard error: redirected to a file it is a patch for `git apply`.
 */
import { defined } from "../../base/defined.ts";
import { safeLine } from "../../base/safe-text.ts";
import { shellWord } from "../../base/shell-word.ts";
import type { RunDiff } from "../../project/port.ts";
import { EXIT, fail, openToRead, type Context } from "../context.ts";
import { isFlagOn } from "../flag-values.ts";
import { patchLines, statLines } from "../patch-lines.ts";
import type { Flags } from "../spec.ts";

/** Of a patch on a screen, and elsewhere, where half of one must not be taken for the whole. */
const MOST_SHOWN = 1024 * 1024;
const MOST_WRITTEN = 64 * 1024 * 1024;

export async function diffCommand(
  context: Context,
  words: readonly (string | undefined)[],
  flags: Flags,
): Promise<number> {
  const opened = await openToRead(context);
  if (!opened.ok) return fail(context, opened.error);
  await using project = opened.value;
  const meant = await project.runs.findWithStep(words);
  if (!meant.ok) return fail(context, meant.error);
  const { run, step } = meant.value;
  const isPatch = !context.json && !isFlagOn(flags, "stat");
  const patchBytes = isPatch ? (context.out.isScreen ? MOST_SHOWN : MOST_WRITTEN) : undefined;
  const found = await project.worktrees.diff(run, defined({ step, patchBytes }));
  if (!found.ok) return fail(context, found.error, found.error.code === "UnknownStep" ? EXIT.usage : EXIT.failed);
  return await printDiff(context, found.value);
}

export async function printDiff(context: Context, { patch, ...diff }: RunDiff): Promise<number> {
  const { out, json } = context;
  if (json) {
    out.json(diff);
    return EXIT.ok;
  }
  const remark = remarkOf(diff);
  if (remark !== undefined) out.note(remark);
  if (diff.files.length === 0) out.note("No difference.");
  else if (patch === undefined) out.lines(statLines(out, diff.files));
  else if (out.isScreen) out.lines(patchLines(out, patch.bytes));
  // Without colours, whatever asks for them: it would be no patch.
  else out.write(patch.bytes);
  await out.drained();
  if (patch?.isCut !== true) return EXIT.ok;
  if (out.isScreen) {
    out.note(`Only the beginning is shown: the whole is larger than 1 MiB. ${wayToAll(diff)}`);
    return EXIT.ok;
  }
  const message = "the difference is larger than 64 MiB: what was written is its beginning";
  return fail(context, { code: "DiffTooLarge", message, hint: wayToAll(diff) }, EXIT.failed);
}

/** What is not merged must not be taken for what is. */
function remarkOf({ of, step = "", run, to, attempt }: RunDiff): string | undefined {
  switch (of) {
    case "integration":
    case "merged":
      return undefined;
    case "captured":
      return safeLine(
        `${step} is not merged in run ${run}. This is what attempt ${attempt ?? 1} left (${shortOf(to)}).`,
      );
    case "worktree":
      return safeLine(`${step} is being worked on in run ${run}. This is what its worktree has now.`);
  }
}

function shortOf(commit: string | null): string {
  return commit?.slice(0, 10) ?? "";
}

function wayToAll({ run, step = "", from, to }: RunDiff): string {
  if (to !== null) return `All of it: \`git diff ${shortOf(from)} ${shortOf(to)}\`; by file: \`--stat\`.`;
  return `All of it is in the worktree: \`heddle worktrees open ${run} ${shellWord(safeLine(step))}\`; by file: \`--stat\`.`;
}
