/** Agents on a stage: a repository in its project, and what scripted agents do, step by step. */
import { execFileSync } from "node:child_process";
import path from "node:path";
import { USER_ENV } from "../../../../packages/heddle/test/support/user-git.ts";
import type { Stage } from "./stage.ts";

export type AgentActions = readonly { readonly [action: string]: unknown }[];

/** Of plans on the stage: `agents`. */
export const SCRIPTED = { default: "scripted", use: { scripted: { script: "script.json" } } } as const;

/** `cases`: what agents do, by step; others end at once. `files`: that are committed first. */
export function agentsOn(
  stage: Stage,
  cases: Readonly<Record<string, AgentActions>>,
  files: Readonly<Record<string, string>> = { "a.txt": "one\n" },
): void {
  for (const [file, text] of Object.entries(files)) stage.write(file, text);
  const script = { cases: Object.entries(cases).map(([step, todo]) => ({ step, do: todo })), do: [{ say: "Done." }] };
  stage.write("script.json", JSON.stringify(script));
  const git = (...args: readonly string[]): unknown =>
    execFileSync("git", args, { cwd: path.join(stage.dir, "shop"), env: USER_ENV, stdio: "pipe" });
  git("init", "-q", "-b", "main");
  git("add", "-A");
  git("commit", "-qm", "first");
}
