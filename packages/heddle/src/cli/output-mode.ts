/** Output mode: how the output of steps is shown, as asked for or as fits where it goes. */
import type { Context } from "./context.ts";
import { textFlag } from "./flag-values.ts";
import type { Flags } from "./spec.ts";

/** `github`: grouped, with workflow commands. */
export type OutputMode = "grouped" | "stream" | "errors" | "quiet" | "github";

/** What was asked for, or fits where the output goes; `undefined`: the view's own default. */
export function outputModeOf(
  { env, json, out }: Pick<Context, "env" | "json" | "out">,
  flags: Flags,
): OutputMode | undefined {
  const asked = textFlag(flags, "output") as OutputMode | undefined;
  if (asked !== undefined || json || out.isTerminal) return asked;
  return env["GITHUB_ACTIONS"] === "true" ? "github" : undefined;
}
