/** What an agent is told, put together from its task; and what it is told when its work could not be merged. Pure. */
import { createHash } from "node:crypto";
import { defined } from "../../base/defined.ts";
import { type Prompt, writePrompt } from "./template.ts";
import type { TurnContext } from "../work/turn.ts";

/** What an earlier turn or attempt came to. */
export interface Earlier {
  readonly attempt: number;
  readonly reason: string;
  /** Absent: the worktree is as it was before. */
  readonly diff?: string;
  readonly output?: string;
}

export function promptOf(context: TurnContext, ports: readonly number[], before: Earlier | undefined): Prompt {
  const { job, room, settings } = context;
  const { task, prompt } = job;
  const { step, agent } = task;
  const verify = [...room.settings.verify, ...(step.verify ?? [])];
  const group = agent?.group ?? [];
  return writePrompt(
    defined({
      plan: agent?.plan ?? "",
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

export interface Clash {
  readonly reason: "conflict" | "verify";
  readonly files: readonly string[];
  /** What others merged since, one line each. */
  readonly merged: readonly string[];
  readonly output?: string;
}

/** What to do about files that hold both sides. */
export function conflictText(files: readonly string[]): string {
  return [
    "Your work conflicts with what was merged meanwhile. Your worktree holds that state with your changes on top of it, and these files have conflict markers:",
    "",
    ...files.map((file) => `- ${file}`),
    "",
    "Between `<<<<<<<` and `=======` is what was merged, up to `>>>>>>>` is yours. Edit the files so that both intents hold, and leave no marker. Where one side has no such file, or no text, the markers say so: leave the file as it should be, or remove it. A file with `~` and a commit in its name stands where the other side has a folder: give it a place, or remove it.",
  ].join("\n");
}

/** To a session that knows its task. */
export function mendPrompt(task: string, { reason, files, merged, output }: Clash): Prompt {
  const since =
    merged.length === 0
      ? []
      : ["Merged since you began, by other steps:", "", ...merged.map((text) => `- ${text}`), ""];
  const text =
    reason === "conflict"
      ? [
          "# Your work conflicts with what was merged meanwhile",
          "",
          ...since,
          conflictText(files),
          "",
          "What you were asked to do is still this:",
          "",
          task,
        ]
      : [
          "# The check of your work failed",
          "",
          ...since,
          "Your worktree now holds the merged state with your changes on top of it. This failed there:",
          "",
          "```",
          output ?? "",
          "```",
          "",
          "Mend your work so that it passes. What you were asked to do is still this:",
          "",
          task,
        ];
  const whole = `${text.join("\n").trim()}\n`;
  return { text: whole, hash: createHash("sha256").update(whole).digest("hex"), version: 1 };
}
