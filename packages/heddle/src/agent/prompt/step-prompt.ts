/**
 * Step prompt: builds the prompt of an agent's step from its task, and the follow-up prompt when its work could not be
 * merged. Pure.
 */
import { createHash } from "node:crypto";
import { defined } from "../../base/defined.ts";
import { type Prompt, writePrompt } from "./template.ts";
import type { AgentAttemptContext } from "../work/attempt-context.ts";
import type { RunAgents } from "../work/run-context.ts";

/** What an earlier turn or attempt came to. */
export interface Earlier {
  readonly attempt: number;
  readonly reason: string;
  /** Absent: the worktree is as it was before. */
  readonly diff?: string;
  readonly output?: string;
}

export function promptOf(
  context: AgentAttemptContext<RunAgents>,
  ports: readonly number[],
  before: Earlier | undefined,
): Prompt {
  const { job, runContext, settings } = context;
  const { task, prompt } = job;
  const { step, agent } = task;
  const workspace = step.action.kind === "agent" ? step.action.workspace : undefined;
  const verify = workspace === undefined ? [...runContext.settings.verify, ...(step.verify ?? [])] : [];
  const group = workspace === undefined ? (agent?.group ?? []) : [];
  return writePrompt(
    defined({
      plan: agent?.plan ?? "",
      workspace,
      step: defined({
        id: step.id,
        prompt,
        description: step.description,
        // A step without a prompt of its own was given these as its prompt.
        acceptance:
          step.acceptance === undefined || prompt.includes("Acceptance criteria:") ? undefined : step.acceptance,
      }),
      group: step.group === undefined || group.length === 0 ? undefined : { name: step.group, steps: group },
      deps: Object.entries(task.deps).map(([id, output]) => {
        const description = agent?.depTexts[id];
        return defined({ id, output, description });
      }),
      verify: verify.length === 0 ? undefined : verify,
      expect: settings.expect,
      hasTools: true,
      ports,
      answers: agent?.before.answers,
      before,
    }),
  );
}

export interface MergeFailure {
  readonly reason: "conflict" | "verify";
  readonly files: readonly string[];
  /** What others merged since, one line each. */
  readonly merged: readonly string[];
  readonly output?: string;
}

/** What to do about files that hold both sides. */
export function conflictText(files: readonly string[]): string {
  return [
    "Your work conflicts with work that was merged meanwhile. Your worktree has the merged state with your changes on top of it. These files have conflict markers:",
    "",
    ...files.map((file) => `- ${file}`),
    "",
    "The text between `<<<<<<<` and `=======` is the merged side, the text up to `>>>>>>>` is yours. Edit the files so that both changes work together, and remove all markers. If one side has no such file, or a binary one, the markers say so: write the file as it should be, or delete it. If a file name has `~` and a commit in it, the other side has a folder of that name: move the file, or delete it. If it is a submodule, check out in its folder the commit that has both, and run `git add` on it.",
  ].join("\n");
}

/** To a session that knows its task: what is in the way of merging its work. */
export function objectionPrompt(
  task: string,
  { reason, advice }: { readonly reason: string; readonly advice: string },
): Prompt {
  const text = `# Your work cannot be merged yet\n\nThis is what was found after your turn: ${reason}.\n\n${advice}\n\nYour task is still:\n\n${task.trim()}\n`;
  return { text, hash: createHash("sha256").update(text).digest("hex"), version: 1 };
}

/** To a session that knows its task. */
export function repairPrompt(task: string, { reason, files, merged, output }: MergeFailure): Prompt {
  const since =
    merged.length === 0 ? [] : ["Merged by other steps since you began:", "", ...merged.map((text) => `- ${text}`), ""];
  const text =
    reason === "conflict"
      ? [
          "# Your work conflicts with work that was merged meanwhile",
          "",
          ...since,
          conflictText(files),
          "",
          "Your task is still:",
          "",
          task,
        ]
      : [
          "# Verification of your work failed",
          "",
          ...since,
          "Your worktree has the merged state with your changes on top of it. This failed there:",
          "",
          "```",
          output ?? "",
          "```",
          "",
          "Fix your work so that it passes. Your task is still:",
          "",
          task,
        ];
  const whole = `${text.join("\n").trim()}\n`;
  return { text: whole, hash: createHash("sha256").update(whole).digest("hex"), version: 1 };
}
